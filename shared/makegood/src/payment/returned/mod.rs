//! Money that goes back: each message is noted on its row, which only moves forward; then what is true of the payment by now is
//! carried out. So any order and any number of messages comes to the same (docs/decisions/0051).

mod cases;
mod news;
mod settle;
mod store;

pub use news::{Dispute, DisputeStatus, Refund, RefundStatus, Returned, read, read_listed};
pub(crate) use settle::settle_capture;
pub(crate) use store::{Money, sums};

use crate::case;
use crate::db::Connection;
use crate::ids::PaymentId;
use crate::outbox::OutboxRow;
use crate::payment::books::{Books, RecordError};
use crate::payment::provider::derived_id;
use crate::payment::source::SOURCE;

pub use crate::payment::books::PartialRefund;

/// What a message about a refund or a dispute came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// The payment that it is about, once that is known.
    pub payment: Option<PaymentId>,
    /// Whether an earlier message had said all of it.
    pub duplicate: bool,
    /// Whether a dispute was opened now.
    pub dispute_opened: bool,
    /// Events to publish, committed.
    pub published: Vec<OutboxRow>,
}

/// Records what a provider tells of money that goes back, and ends what it ends, in one transaction, under the locks of
/// `record` and the payment's row lock. A message about a payment that is not known yet is kept for its capture.
///
/// # Errors
/// [`RecordError`]; then nothing was written.
pub async fn record(books: Books<'_>, returned: &Returned) -> Result<Noted, RecordError> {
    let mut transaction = books.database.begin().await?;
    let (provider, provider_payment_id) = (returned.provider(), returned.payment_id());
    let own_id = derived_id(provider, provider_payment_id);
    crate::payment::store::lock(&mut transaction, &[own_id], Some(provider_payment_id), None).await?;
    let payment = store::payment_of(&mut transaction, provider, provider_payment_id).await?;
    let mut noted = note(&mut transaction, books, returned, payment).await?;
    match payment {
        Some(id) => {
            store::attach(&mut transaction, Some(provider), provider_payment_id, id).await?;
            noted.published = settle::settle(&mut transaction, books, id, false)
                .await?
                .published;
        }
        None => settle::settle_unknown(&mut transaction, books, provider, provider_payment_id).await?,
    }
    transaction.commit().await?;
    Ok(noted)
}

/// What a payment's money that went back comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledPayment {
    /// Whether all of it is given back by now.
    pub is_given_back: bool,
    /// Events to publish after the commit.
    pub published: Vec<OutboxRow>,
}

/// Carries out what is true of a payment by its refunds and disputes, for who noted one in the caller's transaction. The payment's row is
/// locked by the caller.
///
/// # Errors
/// Those of the database.
pub async fn settle_noted(
    transaction: &mut Connection,
    books: Books<'_>,
    payment: PaymentId,
) -> Result<SettledPayment, sqlx::Error> {
    let settled = settle::settle(transaction, books, payment, false).await?;
    Ok(SettledPayment {
        is_given_back: settled.is_given_back,
        published: settled.published,
    })
}

/// Counts and logs what was noted.
pub fn count(returned: &Returned, noted: &Noted) {
    if noted.duplicate {
        metrics::counter!("DuplicateEvents").increment(1);
    } else if matches!(returned, Returned::Refund(_)) {
        metrics::counter!("RefundsRecorded").increment(1);
    }
    if noted.dispute_opened {
        metrics::counter!("DisputesOpened").increment(1);
    }
    tracing::info!(
        function = SOURCE,
        correlation_id = noted.payment.map(|id| id.to_string()),
        id = returned.id(),
        duplicate = noted.duplicate,
        ended = !noted.published.is_empty(),
        "message about money that goes back done"
    );
}

async fn note(
    transaction: &mut Connection,
    books: Books<'_>,
    returned: &Returned,
    payment: Option<PaymentId>,
) -> Result<Noted, RecordError> {
    let (is_new, dispute_opened) = match returned {
        Returned::Refund(refund) => (store::note_refund(transaction, refund, books.now).await?, false),
        Returned::Dispute(dispute) => {
            let (status, is_new) = store::note_dispute(transaction, dispute, books.now).await?;
            let opened = match status.as_str() {
                "closed" | "won" | "lost" => {
                    let note = format!("the dispute is over: {status}");
                    let subject = [dispute.id.clone()];
                    let kinds = [case::CaseKind::Dispute];
                    store::close_cases_if_open(transaction, &kinds, &subject, i64::MAX, &note, books.now)
                        .await?;
                    false
                }
                _ => case::open(transaction, &cases::disputed(dispute, payment)).await?,
            };
            (is_new, opened)
        }
    };
    Ok(Noted {
        payment,
        duplicate: !is_new,
        dispute_opened,
        published: Vec::new(),
    })
}
