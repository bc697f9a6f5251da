//! What is to be written for one confirmed payment, worked out before the database is asked.

use super::row::{Difference, PaymentFact, PaymentFacts};
use crate::db::Connection;
use crate::erased;
use crate::event::{Envelope, EventError, EventType, Metadata, PurchaseConfirmed, PurchaseCreated};
use crate::idempotency;
use crate::ids::{CorrelationId, PurchaseId};
use crate::outbox::OutboxEvent;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::HashMap;
use uuid::{NoContext, Timestamp, Uuid};

/// Who publishes what comes of a payment.
pub(super) const SOURCE: &str = "create-purchase";

/// One confirmed payment with what its purchase will be, if it comes to one.
#[derive(Debug, Clone, PartialEq)]
pub struct PurchaseRequest {
    /// The event.
    pub event: PurchaseConfirmed,
    /// The id that the purchase gets, unless it is there already.
    pub purchase_id: PurchaseId,
    /// The number of sessions bought; 0 for an event that differs from its payment's row.
    pub tier: i32,
    /// When the purchase ends.
    pub expiry: Option<DateTime<Utc>>,
    /// The event's metadata over the payment's, days and times in their normal form.
    pub metadata: Metadata,
    /// In what the event is not what the payment's row says: then nothing is made.
    pub difference: Option<Difference>,
}

impl PaymentFacts {
    /// Reads the payments of these events; one that is not there has no facts.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn load(
        connection: &mut Connection,
        events: &[&PurchaseConfirmed],
        timezone: Tz,
    ) -> Result<Self, sqlx::Error> {
        let ids: Vec<Uuid> = events.iter().map(|event| event.payment_id.0).collect();
        let rows = sqlx::query!(
            "SELECT id, student_id, amount_cents, currency, status, metadata FROM payments WHERE id = ANY($1)",
            &ids
        )
        .fetch_all(&mut *connection)
        .await?;
        let facts = rows.into_iter().map(|row| {
            let fact = PaymentFact {
                student_id: row.student_id,
                amount_minor: row.amount_cents,
                currency: row.currency,
                status: row.status,
                // What can't be read as metadata is of another service's making, and names no course.
                metadata: Metadata::read(row.metadata.as_ref()).unwrap_or_default(),
            };
            (row.id, fact)
        });
        let rows: HashMap<Uuid, PaymentFact> = facts.collect();
        let unknown: Vec<&&PurchaseConfirmed> = events
            .iter()
            .filter(|event| !rows.contains_key(&event.payment_id.0))
            .collect();
        let students: Vec<Uuid> = unknown.iter().map(|event| event.student_id.0).collect();
        let named: Vec<(&str, Uuid)> = unknown
            .iter()
            .map(|event| (event.envelope.event_id.as_str(), event.payment_id.0))
            .collect();
        Ok(Self {
            erased: erased::students(connection, &students).await?,
            processed: idempotency::processed(connection, EventType::PurchaseConfirmed, "paymentId", &named)
                .await?,
            rows,
            timezone,
        })
    }
}

impl PurchaseRequest {
    /// Compares the event with its payment's row, and works out tier and expiry.
    ///
    /// # Errors
    /// [`EventError`] naming the field of `metadata` that can't be used, whether the row is there (yet) or not; never about an event that
    /// differs from it.
    pub fn of(
        event: &PurchaseConfirmed,
        facts: &PaymentFacts,
        now: DateTime<Utc>,
    ) -> Result<Self, EventError> {
        let metadata = match facts.rows.get(&event.payment_id.0) {
            Some(fact) => event.metadata.over(&fact.metadata),
            None => event.metadata.clone(),
        }
        .normalised(facts.timezone);
        let difference = facts.difference(event);
        let (tier, expiry) = match difference {
            Some(difference) if !difference.may_pass() => (0, None),
            Some(_) | None => (metadata.purchase_tier()?, metadata.expiry(facts.timezone)?),
        };
        Ok(Self {
            event: event.clone(),
            purchase_id: PurchaseId(time_ordered_id(now)),
            tier,
            expiry,
            metadata,
            difference,
        })
    }

    /// What publishes this purchase under the id given.
    #[must_use]
    pub fn outbox_event(&self, purchase_id: PurchaseId, now: DateTime<Utc>) -> OutboxEvent {
        let event_id = PurchaseCreated::event_id(purchase_id);
        // The payment's id is the correlation through the whole course pipeline (SPEC 2), whatever the producer sent.
        let correlation = CorrelationId(self.event.payment_id.0);
        let created = PurchaseCreated {
            purchase_id,
            student_id: self.event.student_id,
            course_id: self.event.course_id,
            purchase_tier: self.tier,
            metadata: self.metadata.clone(),
            envelope: Envelope::published(event_id.clone(), correlation.to_string(), SOURCE, now),
        };
        OutboxEvent {
            event_id,
            event_type: EventType::PurchaseCreated,
            correlation,
            payload: created.to_json(),
        }
    }

    /// The key by which concurrent batches take their locks in the same order.
    #[must_use]
    pub fn key(&self) -> (Uuid, Uuid) {
        (self.event.student_id.0, self.event.course_id.0)
    }
}

/// Time-ordered, so that a million purchases fill the index from one side.
fn time_ordered_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        seconds,
        now.timestamp_subsec_nanos(),
    ))
}
