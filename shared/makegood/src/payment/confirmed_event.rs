//! The event of a recorded payment.

use crate::event::{Envelope, EventType, PurchaseConfirmed};
use crate::ids::PaymentId;
use crate::outbox::OutboxEvent;
use crate::payment::ConfirmedPayment;
use crate::payment::source::SOURCE;
use chrono::{DateTime, Utc};

/// What publishes a payment that is recorded under this id.
pub(super) fn purchase_confirmed(
    id: PaymentId,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> OutboxEvent {
    let event_id = PurchaseConfirmed::event_id(id);
    let event = PurchaseConfirmed {
        payment_id: id,
        student_id: payment.student_id,
        course_id: payment.course_id,
        amount_cents: payment.amount_minor,
        currency: Some(payment.currency.clone()),
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
