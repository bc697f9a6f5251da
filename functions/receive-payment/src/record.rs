//! The stage: a confirmed payment and the event that publishes it are written in one transaction, or neither is.

use crate::decide::{Decision, PaymentState, decide};
use crate::payment::{ConfirmedPayment, Refusal, StrandedPayment};
use crate::store;
use chrono::{DateTime, Utc};
use makegood::case::{self, CaseKind, NewCase};
use makegood::db::{Connection, Database, ErrorClass, classify};
use makegood::event::{Envelope, EventType, PurchaseConfirmed};
use makegood::ids::PaymentId;
use makegood::outbox::{self, OutboxEvent, OutboxRow};
use serde_json::json;

/// `source` of what this function publishes.
const SOURCE: &str = "receive-payment";

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
    Held(CaseKind),
}

/// Why a payment was not recorded. Nothing of it is stored then.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The sender is wrong about a field; sending the same again is no use.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database is away or busy; the sender comes again.
    #[error("the payment could not be recorded: {0}")]
    Database(#[source] sqlx::Error),
    /// A writer outside this function kept changing the same payment.
    #[error("the payment was changed by somebody else at the same moment")]
    LostRace,
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        const FOREIGN_KEY: &str = "23503";
        let state = error
            .as_database_error()
            .and_then(|error| error.code().map(|code| code.into_owned()));
        match classify(&error) {
            // The only key that `payments` ever had to another table is the student's.
            ErrorClass::BadData if state.as_deref() == Some(FOREIGN_KEY) => {
                Self::Refused(Refusal::wrong("studentId", "a student that is known here"))
            }
            ErrorClass::BadData => Self::Refused(Refusal::Unreadable("holds a value that can't be stored")),
            ErrorClass::Unavailable
            | ErrorClass::LoginRefused
            | ErrorClass::Contention
            | ErrorClass::Aborted
            | ErrorClass::NoArbiter
            | ErrorClass::UniqueViolation
            | ErrorClass::Blocked
            | ErrorClass::SchemaDrift
            | ErrorClass::StaleStatement
            | ErrorClass::Other => Self::Database(error),
        }
    }
}

/// Records a confirmed payment and publishes it, once, in one transaction. Gives back the outbox rows to publish now that
/// it is committed; they stay under this invocation's lease for a while, and are the sweep's after that.
///
/// Holds advisory locks on the payment's ids until the commit.
///
/// # Errors
/// [`RecordError`]; then nothing was written.
pub async fn record(
    database: &Database,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<(Receipt, Vec<OutboxRow>), RecordError> {
    let mut transaction = database.begin().await?;
    let ids: Vec<PaymentId> = std::iter::once(payment.own_id).chain(payment.hinted_id).collect();
    store::lock(&mut transaction, &ids, payment.provider_payment_id.as_deref()).await?;
    let done = read_and_write(&mut transaction, payment, &ids, now).await?;
    transaction.commit().await?;
    Ok(done)
}

/// Sets aside a payment that can't be made out: opens a case for a person, unless the payment is known and settled, as
/// when two senders tell of it and one does so better. Gives back the first result in that case.
///
/// # Errors
/// Those of the database.
pub async fn set_aside(
    database: &Database,
    stranded: &StrandedPayment,
    refusal: &Refusal,
) -> Result<Option<Receipt>, sqlx::Error> {
    let mut transaction = database.begin().await?;
    let ids = [stranded.payment_id];
    let provider_payment_id = stranded.provider_payment_id.as_deref();
    store::lock(&mut transaction, &ids, provider_payment_id).await?;
    let known = store::find_for_update(&mut transaction, &ids, provider_payment_id).await?;
    let first = known.iter().find_map(|row| {
        let status = match row.status.as_str() {
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
    if first.is_none() {
        case::open(&mut transaction, &unfulfillable(stranded, refusal)).await?;
    }
    transaction.commit().await?;
    Ok(first)
}

async fn read_and_write(
    transaction: &mut Connection,
    payment: &ConfirmedPayment,
    ids: &[PaymentId],
    now: DateTime<Utc>,
) -> Result<(Receipt, Vec<OutboxRow>), RecordError> {
    // Twice at most: our own kind waits at the lock, so only a writer that takes none can come in between.
    for _ in 0..2 {
        let known = store::find_for_update(transaction, ids, payment.provider_payment_id.as_deref()).await?;
        match decide(payment, &known) {
            Decision::Insert => {
                if store::insert_unless_there(transaction, payment, now).await? {
                    return publish_recorded(transaction, payment.own_id, payment, now).await;
                }
            }
            Decision::Succeed(id) => {
                if store::succeed_if_unfinished(transaction, id, payment, now).await? {
                    return publish_recorded(transaction, id, payment, now).await;
                }
            }
            Decision::PublishUnlessDone(id) => {
                store::name_provider_payment_if_unnamed(transaction, id, payment, now).await?;
                return publish_recorded(transaction, id, payment, now).await;
            }
            Decision::Stand(payment_id, state) => {
                let status = match state {
                    PaymentState::Recorded => Status::Recorded,
                    PaymentState::Refunded => Status::Refunded,
                };
                return Ok((
                    Receipt {
                        payment_id,
                        status,
                        duplicate: true,
                    },
                    Vec::new(),
                ));
            }
            Decision::OpenCase(payment_id, kind) => {
                let opened = case::open(transaction, &held(payment, payment_id, kind)).await?;
                let receipt = Receipt {
                    payment_id,
                    status: Status::Held(kind),
                    duplicate: !opened,
                };
                return Ok((receipt, Vec::new()));
            }
            Decision::Refuse(refusal) => return Err(RecordError::Refused(refusal)),
        }
    }
    Err(RecordError::LostRace)
}

/// An event that is in the outbox already is left there: whoever wrote it publishes it.
async fn publish_recorded(
    transaction: &mut Connection,
    id: PaymentId,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<(Receipt, Vec<OutboxRow>), RecordError> {
    let rows = outbox::enqueue(transaction, &[outbox_event(id, payment, now)]).await?;
    if !rows.is_empty() {
        store::resolve_unfulfillable_if_open(transaction, &payment.subject(), now).await?;
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

fn outbox_event(id: PaymentId, payment: &ConfirmedPayment, now: DateTime<Utc>) -> OutboxEvent {
    let event_id = PurchaseConfirmed::event_id(id);
    let event = PurchaseConfirmed {
        payment_id: id,
        student_id: payment.student_id,
        course_id: payment.course_id,
        amount_cents: payment.amount_minor,
        metadata: payment.metadata.clone(),
        envelope: Envelope::published(event_id.clone(), id.to_string(), SOURCE, now),
    };
    OutboxEvent {
        event_id,
        event_type: EventType::PurchaseConfirmed,
        correlation: event.envelope.correlation(),
        payload: event.to_json(),
    }
}

fn held(payment: &ConfirmedPayment, id: PaymentId, kind: CaseKind) -> NewCase {
    NewCase {
        kind,
        subject: payment.subject(),
        payment_id: Some(id),
        payment_intent_id: None,
        amount_minor: Some(payment.amount_minor),
        currency: Some(payment.currency.clone()),
        details: json!({
            "source": SOURCE,
            "provider": payment.provider,
            "providerPaymentId": payment.provider_payment_id,
            "studentId": payment.student_id,
            "courseId": payment.course_id,
        }),
    }
}

fn unfulfillable(stranded: &StrandedPayment, refusal: &Refusal) -> NewCase {
    NewCase {
        kind: CaseKind::Unfulfillable,
        subject: stranded.subject.clone(),
        payment_id: Some(stranded.payment_id),
        payment_intent_id: None,
        amount_minor: stranded.amount_minor,
        currency: stranded.currency.clone(),
        details: json!({
            "source": SOURCE,
            "provider": stranded.provider,
            "providerPaymentId": stranded.provider_payment_id,
            "field": refusal.field(),
            "reason": refusal.to_string(),
        }),
    }
}
