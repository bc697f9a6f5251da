//! An order that is to be made, and the event that tells of it.

use crate::facts::Facts;
use crate::handler::NAME;
use chrono::{DateTime, Utc};
use makegood::event::{Envelope, EventType, OrderConfirmed};
use makegood::ids::{CorrelationId, OrderId, UserId};
use makegood::outbox::{OutboxEvent, OutboxRow};
use uuid::Uuid;

/// What is new about an order; the rest is the intent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewOrder {
    pub(crate) intent_id: String,
    pub(crate) id: Uuid,
    pub(crate) order_number: String,
    /// What its intent holds is freed, and what it wants is taken from what is free then.
    pub(crate) takes_anew: bool,
}

/// The event of this order, which has so many lines.
pub(crate) fn outbox_event(facts: &Facts, order: &NewOrder, lines: usize, now: DateTime<Utc>) -> OutboxEvent {
    let event_id = OrderConfirmed::event_id(OrderId(order.id));
    let envelope = Envelope::published(event_id.clone(), facts.payment_intent_id.clone(), NAME, now);
    let event = OrderConfirmed {
        order_id: OrderId(order.id),
        order_number: order.order_number.clone(),
        payment_intent_id: facts.payment_intent_id.clone(),
        user_id: UserId(facts.user_id),
        total_cents: facts.amount_cents,
        currency: facts.currency.clone(),
        item_count: i64::try_from(lines).unwrap_or(i64::MAX),
        envelope,
    };
    OutboxEvent {
        event_id,
        event_type: EventType::OrderConfirmed,
        correlation: CorrelationId::from_text(&facts.payment_intent_id),
        payload: event.to_json(),
    }
}

/// The event as the row of this id has it.
pub(crate) fn outbox_row(id: i64, event: &OutboxEvent) -> OutboxRow {
    OutboxRow {
        id,
        event_id: event.event_id.clone(),
        event_type: event.event_type.wire_name().to_owned(),
        topic: event.event_type.topic().to_owned(),
        correlation: event.correlation,
        payload: event.payload.clone(),
    }
}
