//! What follows where the provider took or gave back money that is not here: it is recorded as if its webhook had arrived, by the same
//! authority of prices, or a person gets a case.

use super::orders::{Answer, Questions};
use super::source::{Object, Source};
use crate::context::Sweep;
use makegood::cause::Cause;
use makegood::db::classify;
use makegood::outbox::OutboxRow;
use makegood::payment::record::{self, Receipt, SetAside, Status};
use makegood::payment::returned::{self, Dispute, Refund, Returned};
use makegood::payment::webhook::Webhook;
use makegood::payment::{Books, RecordError, Refusal, Refused, StrandedPayment};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acted {
    /// It is recorded, with its event.
    Recorded,
    /// A person decides.
    Case,
    /// Nothing in it is ours: another site's payment of the same merchant.
    NotOurs,
    /// Nor in its order, which was asked for.
    OrderNotOurs,
    /// Nothing in it is ours, and its order has not been told: it is asked for again.
    NotAsked,
    /// It could not be recorded; a case says so until the next reading can.
    Failed,
}

impl Acted {
    /// As the column has it.
    pub(super) const fn wire_name(self) -> Option<&'static str> {
        match self {
            Self::Recorded => Some("recorded"),
            Self::Case => Some("case"),
            Self::OrderNotOurs => Some("asked"),
            Self::NotOurs | Self::NotAsked | Self::Failed => None,
        }
    }
}

pub(super) fn books(sweep: &Sweep) -> Books<'_> {
    Books {
        database: &sweep.publisher.database,
        trusts_notes: sweep.trusts_notes,
        partial_refund: sweep.partial_refund,
        timezone: sweep.timezone,
        now: sweep.clock.now(),
    }
}

/// Records a payment of the list; where nothing in it is ours, or its order may say more than it does, by what its order says, if that may
/// be asked for. What fails at this payment alone is told and left; what is the database's stops the run.
pub(super) async fn record_payment(
    sweep: &Sweep,
    source: Source<'_>,
    payment: &Object,
    questions: Option<&mut Questions<'_>>,
) -> Result<Acted, sqlx::Error> {
    let acted = record_read(sweep, source.told(sweep, payment, None)).await?;
    let asks = match acted {
        Acted::NotOurs => true,
        Acted::Case => source.may_be_told_better(payment),
        _ => false,
    };
    let Some(questions) = questions.filter(|_| asks) else {
        return Ok(acted);
    };
    match questions.order_of(payment).await {
        Answer::None if acted == Acted::NotOurs => Ok(Acted::NotAsked),
        Answer::NoSession if acted == Acted::NotOurs => Ok(Acted::OrderNotOurs),
        Answer::NoOrder | Answer::NoSession | Answer::None => Ok(acted),
        Answer::Order(order) => match record_read(sweep, source.told(sweep, payment, Some(&order))).await? {
            Acted::NotOurs => Ok(Acted::OrderNotOurs),
            acted => Ok(acted),
        },
    }
}

async fn record_read(sweep: &Sweep, read: Result<Webhook, Refused>) -> Result<Acted, sqlx::Error> {
    let books = books(sweep);
    let (recorded, stranded) = match read {
        Ok(Webhook::Captured(payment)) => {
            let recorded = record::record(books, &payment).await.map(Some);
            (recorded, payment.stranded())
        }
        Ok(Webhook::Unnamed(unnamed)) => {
            let recorded = record::record_unnamed(books, &unnamed).await;
            match (recorded, unnamed.refusal) {
                (Ok(None), None) => return Ok(Acted::NotOurs),
                (Ok(None), Some(refusal)) => {
                    return set_aside(sweep, &unnamed.payment.stranded(), &refusal).await;
                }
                (recorded, _) => (recorded, unnamed.payment.stranded()),
            }
        }
        Ok(Webhook::Returned(_) | Webhook::Ignored(_)) => return Ok(Acted::Failed),
        Err(refused) => {
            let Some(stranded) = refused.stranded else {
                return Ok(Acted::Failed);
            };
            return set_aside(sweep, &stranded, &refused.refusal).await;
        }
    };
    match recorded {
        Ok(Some((receipt, rows))) => Ok(told(sweep, &receipt, &rows).await),
        Ok(None) => Ok(Acted::Failed),
        Err(RecordError::Refused(refusal)) => set_aside(sweep, &stranded, &refusal).await,
        Err(error) => failed(&stranded.subject, error),
    }
}

/// Records a refund of the list.
pub(super) async fn record_refund(sweep: &Sweep, refund: Refund) -> Result<Acted, sqlx::Error> {
    let returned = Returned::Refund(refund);
    match returned::record(books(sweep), &returned).await {
        Ok(noted) => {
            returned::count(&returned, &noted);
            sweep.publisher.publish(&noted.published).await;
            Ok(Acted::Recorded)
        }
        Err(error) => failed(returned.id(), error),
    }
}

/// Records a dispute of the list. Whether anything in it was new.
pub(super) async fn record_dispute(sweep: &Sweep, dispute: Dispute) -> Result<bool, sqlx::Error> {
    let returned = Returned::Dispute(dispute);
    match returned::record(books(sweep), &returned).await {
        Ok(noted) => {
            if !noted.duplicate {
                returned::count(&returned, &noted);
            }
            sweep.publisher.publish(&noted.published).await;
            Ok(!noted.duplicate)
        }
        Err(error) => failed(returned.id(), error).map(|_| false),
    }
}

async fn told(sweep: &Sweep, receipt: &Receipt, rows: &[OutboxRow]) -> Acted {
    sweep.publisher.publish(rows).await;
    match receipt.status {
        Status::Recorded | Status::Refunded => {
            if !receipt.duplicate {
                metrics::counter!("StatementRecovered").increment(1);
                tracing::warn!(
                    function = Sweep::NAME,
                    correlation_id = %receipt.payment_id,
                    "a payment was recorded from the provider's statement: its webhook never arrived"
                );
            }
            Acted::Recorded
        }
        Status::Held(_) => Acted::Case,
    }
}

async fn set_aside(
    sweep: &Sweep,
    stranded: &StrandedPayment,
    refusal: &Refusal,
) -> Result<Acted, sqlx::Error> {
    let done = record::set_aside(&sweep.publisher.database, stranded, refusal).await?;
    Ok(match done {
        SetAside::Filed { .. } => Acted::Case,
        SetAside::Known(_) => Acted::Recorded,
    })
}

/// One row blocks no other (docs/decisions/0029): only what concerns every row stops the run.
fn failed(subject: &str, error: RecordError) -> Result<Acted, sqlx::Error> {
    match error {
        RecordError::Database(error) if Cause::from(classify(&error)) != Cause::OwnFault => Err(error),
        error => {
            tracing::error!(
                function = Sweep::NAME, subject, %error,
                "an entry of the provider's statement could not be recorded; the next reading tries again"
            );
            Ok(Acted::Failed)
        }
    }
}
