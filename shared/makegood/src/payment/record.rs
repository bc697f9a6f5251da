//! The stage: a confirmed payment and its event are written in one transaction, or neither is.

use crate::case::{self, CaseKind};
use crate::db::{Connection, Database};
use crate::erased;
use crate::ids::{CourseId, PaymentId};
use crate::outbox::{self, OutboxRow};
use crate::payment::books::{Books, RecordError};
use crate::payment::cases::{held, unfulfillable};
use crate::payment::confirmed_event::purchase_confirmed;
use crate::payment::decide::{Decision, Hold, PaymentState, decide};
use crate::payment::known::{KnownPayment, choose, named_apart, naming};
use crate::payment::lines::{self, Further};
use crate::payment::parts::{self, Added};
use crate::payment::price::{Authority, Evidence, Unpriced, judge};
use crate::payment::returned::{self, Money};
use crate::payment::store;
use crate::payment::{ConfirmedPayment, Refusal, Sender, StrandedPayment, UnnamedPayment};
use chrono::{DateTime, Utc};

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The id under which it is known.
    pub payment_id: PaymentId,
    /// What is true of it.
    pub status: Status,
    /// Whether an earlier message had already brought this about.
    pub duplicate: bool,
}

/// What is true of a payment after a message about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Succeeded, and published.
    Recorded,
    /// Given back before.
    Refunded,
    /// A person decides; the case says what.
    Held(Hold),
}

impl Receipt {
    /// The kind of the case that answers for it, while a person decides.
    #[must_use]
    pub const fn case(&self) -> Option<CaseKind> {
        match self.status {
            Status::Held(hold) => Some(hold.kind()),
            Status::Recorded | Status::Refunded => None,
        }
    }
}

/// What became of a payment that could not be made out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAside {
    /// A case is open; whether an earlier message had opened it.
    Filed {
        /// Whether an earlier message had opened it.
        duplicate: bool,
    },
    /// The payment is known and settled: the first result.
    Known(Receipt),
}

/// Records a confirmed payment with its event, once, in one transaction. Gives back the outbox rows to publish now that it is
/// committed; they stay under this invocation's lease for a while, and are the sweep's after that.
///
/// Holds advisory locks on the payment's ids until the commit.
///
/// # Errors
/// [`RecordError`]; then nothing was written.
pub async fn record(
    books: Books<'_>,
    payment: &ConfirmedPayment,
) -> Result<(Receipt, Vec<OutboxRow>), RecordError> {
    let mut transaction = books.database.begin().await?;
    lock(&mut transaction, payment).await?;
    let done = read_and_write(&mut transaction, books, payment).await?;
    transaction.commit().await?;
    Ok(done)
}

/// As [`record`], for a payment whose message does not say what it bought, where a row of `payments` does. None: no row does, and
/// nothing was written.
///
/// # Errors
/// [`RecordError`]; then nothing was written.
pub async fn record_unnamed(
    books: Books<'_>,
    unnamed: &UnnamedPayment,
) -> Result<Option<(Receipt, Vec<OutboxRow>)>, RecordError> {
    let mut transaction = books.database.begin().await?;
    lock(&mut transaction, &unnamed.payment).await?;
    let known = store::find_for_update(&mut transaction, &unnamed.payment).await?;
    let Some(payment) = named(&unnamed.payment, &known) else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let done = read_and_write(&mut transaction, books, &payment).await?;
    transaction.commit().await?;
    Ok(Some(done))
}

fn named(payment: &ConfirmedPayment, known: &[KnownPayment]) -> Option<ConfirmedPayment> {
    let row = naming(payment, known)?;
    Some(ConfirmedPayment {
        student_id: row.student_id,
        course_id: CourseId(row.course_id.as_deref()?.parse().ok()?),
        ..payment.clone()
    })
}

/// Sets aside a payment that can't be made out: opens a case for a person, unless the payment is known and settled, as
/// when two senders tell of it and one does so better.
///
/// # Errors
/// Those of the database.
pub async fn set_aside(
    database: &Database,
    stranded: &StrandedPayment,
    refusal: &Refusal,
) -> Result<SetAside, sqlx::Error> {
    let mut transaction = database.begin().await?;
    let provider_payment_id = stranded.provider_payment_id.as_deref();
    store::lock(
        &mut transaction,
        &[stranded.payment_id],
        provider_payment_id,
        None,
    )
    .await?;
    let known = store::find_stranded(&mut transaction, stranded).await?;
    let first = known.iter().find_map(|row| {
        let status = match row.status.as_str() {
            "succeeded" if row.is_held => Status::Held(Hold::Unpriced(Unpriced::NoPrice)),
            "succeeded" => Status::Recorded,
            "refunded" => Status::Refunded,
            _ => return None,
        };
        Some(Receipt {
            payment_id: row.id,
            status,
            duplicate: true,
        })
    });
    let done = match first {
        Some(receipt) => SetAside::Known(receipt),
        None => SetAside::Filed {
            duplicate: !case::open(&mut transaction, &unfulfillable(stranded, refusal)).await?,
        },
    };
    transaction.commit().await?;
    Ok(done)
}

async fn lock(transaction: &mut Connection, payment: &ConfirmedPayment) -> Result<(), sqlx::Error> {
    let ids: Vec<PaymentId> = std::iter::once(payment.own_id).chain(payment.hinted_id).collect();
    store::lock(
        transaction,
        &ids,
        payment.provider_payment_id.as_deref(),
        payment.order_id.as_deref(),
    )
    .await
}

/// Refunds and disputes that came before the capture are its own.
async fn read_and_write(
    transaction: &mut Connection,
    books: Books<'_>,
    payment: &ConfirmedPayment,
) -> Result<(Receipt, Vec<OutboxRow>), RecordError> {
    let Some(money) = Money::of(payment) else {
        return record_capture(transaction, books, payment).await;
    };
    let returned = returned::sums(transaction, None, money).await?;
    let payment = ConfirmedPayment {
        is_given_back: payment.is_given_back || returned.is_all_of(payment.amount_minor),
        ..payment.clone()
    };
    let (mut receipt, mut rows) = record_capture(transaction, books, &payment).await?;
    if returned.is_any || payment.is_given_back {
        let told_all = payment.is_given_back;
        let id = receipt.payment_id;
        let settled = returned::settle_capture(transaction, books, id, money, told_all).await?;
        if settled.is_given_back {
            receipt.status = Status::Refunded;
        }
        rows.extend(settled.published);
    }
    Ok((receipt, rows))
}

async fn record_capture(
    transaction: &mut Connection,
    books: Books<'_>,
    payment: &ConfirmedPayment,
) -> Result<(Receipt, Vec<OutboxRow>), RecordError> {
    let prices = match payment.sender {
        Sender::Provider => store::prices(transaction, payment, books.now).await?,
        Sender::PaymentService => Vec::new(),
    };
    let (mut payment, mut line_of) = (payment.clone(), None);
    // Twice at most, and once more for what is beside that row: our own kind waits at the lock, so only a writer that takes none can
    // come in between.
    for _ in 0..3 {
        let known = store::find_for_update(transaction, &payment).await?;
        let row = choose(&payment, &known);
        match row.and_then(|row| Some((row.id, lines::further(&payment, row)?))) {
            Some((id, Further::Line(line))) => {
                (payment, line_of) = (*line, Some(id));
                continue;
            }
            Some((_, Further::Other(other))) => {
                payment = *other;
                continue;
            }
            None => {}
        }
        let payment = named_apart(&payment, &known);
        let evidence = Evidence {
            rows: &known,
            prices: &prices,
            trusts_notes: books.trusts_notes,
        };
        let (priced, bought) = match judge(&payment, row, &evidence) {
            Ok((authority, bought)) => (Ok(authority), bought),
            Err(unpriced) => (Err(unpriced), payment.clone()),
        };
        let decision = decide(&bought, row, priced);
        let decision = unless_deleted(transaction, &bought, &known, decision).await?;
        let decision = unless_erased(transaction, &bought, decision).await?;
        let added = parts::add_up(transaction, &bought, &known, &prices, decision).await?;
        let written = write_added(transaction, books.now, bought, added, &prices).await?;
        if let Some(done) = written {
            if let Some(payment) = line_of {
                lines::note(transaction, done.0.payment_id, payment).await?;
            }
            if priced == Ok(Authority::Notes) && !done.1.is_empty() {
                store::note_trust(transaction, done.0.payment_id, books.now).await?;
            }
            return Ok(done);
        }
    }
    Err(RecordError::LostRace)
}

/// A payment whose event was published before and that has no row now is not made a second time: whoever deleted the row, with a
/// person's data or by mistake, is the one to say what becomes of a late copy.
async fn unless_deleted(
    transaction: &mut Connection,
    payment: &ConfirmedPayment,
    known: &[KnownPayment],
    decision: Decision,
) -> Result<Decision, sqlx::Error> {
    if !matches!(decision, Decision::Insert | Decision::InsertHeld(_)) {
        return Ok(decision);
    }
    let ids = std::iter::once(payment.own_id).chain(payment.hinted_id);
    let gone: Vec<PaymentId> = ids.filter(|id| known.iter().all(|row| row.id != *id)).collect();
    Ok(match store::published_before(transaction, &gone).await? {
        Some(id) => Decision::OpenCase(id, Hold::RowGone),
        None => decision,
    })
}

/// Nothing is made for a student who was erased: the money is a person's to give back, and the case does not name the student.
async fn unless_erased(
    transaction: &mut Connection,
    payment: &ConfirmedPayment,
    decision: Decision,
) -> Result<Decision, sqlx::Error> {
    if matches!(decision, Decision::Stand(..) | Decision::Refuse(_)) {
        return Ok(decision);
    }
    let erased = erased::students(transaction, &[payment.student_id.0]).await?;
    Ok(if erased.is_empty() {
        decision
    } else {
        Decision::Refuse(Refusal::Erased)
    })
}

/// Carries out what the parts come to. A case that waits for the rest is the first part's; it has what was paid by now.
async fn write_added(
    transaction: &mut Connection,
    now: DateTime<Utc>,
    payment: ConfirmedPayment,
    added: Added,
    prices: &[i64],
) -> Result<Option<(Receipt, Vec<OutboxRow>)>, RecordError> {
    if let Decision::OpenCase(id, hold) = added.decision
        && let Some(subject) = &added.waits_as
    {
        if let Some(total) = added.total_minor {
            parts::tell_sum(transaction, hold, subject, total).await?;
        }
        return Ok(Some(told(id, Status::Held(hold), added.is_repeat)));
    }
    let total = match added.decision {
        Decision::Succeed(_) | Decision::Release(_) => added.total_minor,
        _ => None,
    };
    let payment = ConfirmedPayment {
        amount_minor: total.unwrap_or(payment.amount_minor),
        ..payment
    };
    let done = write(transaction, now, &payment, added.decision, prices).await?;
    if let (Some(_), Some((receipt, _)), Some(order_id)) = (total, &done, &payment.order_id) {
        parts::close_cases(transaction, receipt.payment_id, order_id, now).await?;
    }
    Ok(done)
}

/// Carries out the decision. None when a row came in or changed meanwhile: look again.
async fn write(
    transaction: &mut Connection,
    now: DateTime<Utc>,
    payment: &ConfirmedPayment,
    decision: Decision,
    prices: &[i64],
) -> Result<Option<(Receipt, Vec<OutboxRow>)>, RecordError> {
    let (id, is_written) = match decision {
        Decision::Refuse(refusal) => return Err(RecordError::Refused(refusal)),
        Decision::Stand(id, PaymentState::Recorded) => return Ok(Some(told(id, Status::Recorded, true))),
        Decision::Stand(id, PaymentState::Refunded) => return Ok(Some(told(id, Status::Refunded, true))),
        Decision::OpenCase(id, hold) => {
            let opened = case::open(transaction, &held(payment, id, hold, prices)).await?;
            return Ok(Some(told(id, Status::Held(hold), !opened)));
        }
        Decision::InsertHeld(unpriced) => {
            let (id, hold) = (payment.own_id, Hold::Unpriced(unpriced));
            if !store::insert_unless_there(transaction, payment, "succeeded", now).await? {
                return Ok(None);
            }
            case::open(transaction, &held(payment, id, hold, prices)).await?;
            return Ok(Some(told(id, Status::Held(hold), false)));
        }
        Decision::InsertRefunded => {
            let is_new = store::insert_unless_there(transaction, payment, "refunded", now).await?;
            return Ok(is_new.then(|| told(payment.own_id, Status::Refunded, false)));
        }
        Decision::Refund(id) => {
            let is_new = store::refund_if_unfinished(transaction, id, payment, now).await?;
            return Ok(is_new.then(|| told(id, Status::Refunded, false)));
        }
        Decision::Insert => {
            let is_new = store::insert_unless_there(transaction, payment, "succeeded", now).await?;
            (payment.own_id, is_new)
        }
        Decision::Succeed(id) => {
            let is_moved = store::succeed_if_unfinished(transaction, id, payment, now).await?;
            (id, is_moved)
        }
        Decision::Release(id) => {
            store::release_held(transaction, id, payment, now).await?;
            (id, true)
        }
        Decision::PublishUnlessDone(id) => {
            store::name_provider_payment_if_unnamed(transaction, id, payment, now).await?;
            (id, true)
        }
    };
    if !is_written {
        return Ok(None);
    }
    publish_recorded(transaction, id, payment, now).await.map(Some)
}

const fn told(payment_id: PaymentId, status: Status, duplicate: bool) -> (Receipt, Vec<OutboxRow>) {
    let receipt = Receipt {
        payment_id,
        status,
        duplicate,
    };
    (receipt, Vec::new())
}

/// An event that is in the outbox already is left there: whoever wrote it publishes it.
async fn publish_recorded(
    transaction: &mut Connection,
    id: PaymentId,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<(Receipt, Vec<OutboxRow>), RecordError> {
    let rows = outbox::enqueue(transaction, &[purchase_confirmed(id, payment, now)]).await?;
    if !rows.is_empty() {
        store::resolve_cases_if_open(transaction, &payment.subject(), now).await?;
    }
    Ok((
        Receipt {
            payment_id: id,
            status: Status::Recorded,
            duplicate: rows.is_empty(),
        },
        rows,
    ))
}
