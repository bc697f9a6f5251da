//! What is to be written for one confirmed payment, worked out before the database is asked.

use crate::db::Connection;
use crate::event::{Envelope, EventError, EventType, Metadata, PurchaseConfirmed, PurchaseCreated};
use crate::ids::{CorrelationId, PurchaseId};
use crate::outbox::OutboxEvent;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::{NoContext, Timestamp, Uuid};

/// One confirmed payment with what its purchase will be, if it comes to one.
#[derive(Debug, Clone, PartialEq)]
pub struct PurchaseRequest {
    /// The event.
    pub event: PurchaseConfirmed,
    /// The id that the purchase gets, unless it is there already.
    pub purchase_id: PurchaseId,
    /// The number of sessions bought.
    pub tier: i32,
    /// When the purchase ends.
    pub expiry: Option<DateTime<Utc>>,
    /// The event's metadata over the payment's.
    pub metadata: Metadata,
}

/// What `payments` knows of the payments of a batch, by id.
#[derive(Debug, Clone, Default)]
pub struct PaymentFacts(pub HashMap<Uuid, PaymentFact>);

/// What `payments` knows of one payment.
#[derive(Debug, Clone)]
pub struct PaymentFact {
    /// Merged under the event's metadata.
    pub metadata: Metadata,
    /// Whether the money went back.
    pub refunded: bool,
}

impl PaymentFacts {
    /// Reads the payments of these events; one that is not there has no facts.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn load(
        connection: &mut Connection,
        events: &[&PurchaseConfirmed],
    ) -> Result<Self, sqlx::Error> {
        let ids: Vec<Uuid> = events.iter().map(|event| event.payment_id.0).collect();
        let rows = sqlx::query!(
            "SELECT id, metadata, status FROM payments WHERE id = ANY($1)",
            &ids
        )
        .fetch_all(connection)
        .await?;
        let facts = rows.into_iter().map(|row| {
            // What can't be read as metadata is of another service's making and only adds to the event's.
            let metadata = Metadata::read(row.metadata.as_ref()).unwrap_or_default();
            (
                row.id,
                PaymentFact {
                    metadata,
                    refunded: row.status == "refunded",
                },
            )
        });
        Ok(Self(facts.collect()))
    }

    /// Whether the money went back already.
    #[must_use]
    pub fn refunded(&self, event: &PurchaseConfirmed) -> bool {
        self.0.get(&event.payment_id.0).is_some_and(|fact| fact.refunded)
    }
}

impl PurchaseRequest {
    /// Works out tier and expiry.
    ///
    /// # Errors
    /// [`EventError`] naming the field of `metadata` that can't be used.
    pub fn of(
        event: &PurchaseConfirmed,
        facts: &PaymentFacts,
        now: DateTime<Utc>,
    ) -> Result<Self, EventError> {
        let metadata = match facts.0.get(&event.payment_id.0) {
            Some(fact) => event.metadata.over(&fact.metadata),
            None => event.metadata.clone(),
        };
        Ok(Self {
            event: event.clone(),
            purchase_id: PurchaseId(time_ordered_id(now)),
            tier: metadata.purchase_tier()?,
            expiry: metadata.expiry()?,
            metadata,
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
            envelope: Envelope::published(event_id.clone(), correlation.to_string(), "create-purchase", now),
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
