//! The event that leads to the healing of what is unfulfilled.

use crate::context::Sweep;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::event::{Envelope, EventType, Metadata, PurchaseConfirmed, PurchaseCreated, TrainerAllocated};
use makegood::ids::{AllocationId, CorrelationId, CourseId, PaymentId, PurchaseId, StudentId, TrainerId};
use makegood::outbox::OutboxEvent;
use makegood::school_days::SchoolDays;
use makegood::unfulfilled::{
    Rule, Unfulfilled, UnfulfilledAllocation, UnfulfilledPayment, UnfulfilledPurchase,
};
use serde_json::Value;
use uuid::Uuid;

/// The event to publish again; none for what another pipeline heals.
pub(super) fn event(row: Unfulfilled, rule: &Rule, days: &SchoolDays) -> Option<OutboxEvent> {
    let now = rule.now;
    match row {
        Unfulfilled::Payment(payment) => Some(of_payment(payment, now)),
        Unfulfilled::Purchase(purchase) => Some(of_purchase(purchase, now)),
        Unfulfilled::Allocation(allocation) => Some(of_allocation(allocation, rule, days)),
        Unfulfilled::Intent(_) => None,
    }
}

/// Allocations for which no trainer was free and whose turn it is, as the events that ask again; the `most` asked for longest ago.
pub(super) async fn pending_allocations(
    connection: &mut Connection,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<OutboxEvent>, sqlx::Error> {
    let rows = sqlx::query_file!("src/reconcile/course/pending_allocations.sql", most)
        .fetch_all(connection)
        .await?;
    let events = rows.into_iter().map(|row| {
        let purchase = UnfulfilledPurchase {
            id: row.purchase_id,
            student_id: row.student_id,
            course_id: row.course_id,
            purchase_tier: row.purchase_tier,
            metadata: row.metadata,
            correlation_id: row.correlation_id,
            since: now,
            is_due: true,
        };
        of_purchase(purchase, now)
    });
    Ok(events.collect())
}

/// Payments that were held for want of a price and have one now, at most this many, as the events that were never published. Resolves
/// their cases.
pub(super) async fn priced_since(
    connection: &mut Connection,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<OutboxEvent>, sqlx::Error> {
    let payments = sqlx::query_file_as!(
        UnfulfilledPayment,
        "src/reconcile/course/priced_since.sql",
        now,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(payments
        .into_iter()
        .map(|payment| of_payment(payment, now))
        .collect())
}

pub(super) fn of_payment(payment: UnfulfilledPayment, now: DateTime<Utc>) -> OutboxEvent {
    let payment_id = PaymentId(payment.id);
    let event_id = PurchaseConfirmed::event_id(payment_id);
    let event = PurchaseConfirmed {
        payment_id,
        student_id: StudentId(payment.student_id),
        course_id: CourseId(payment.course_id),
        amount_cents: payment.amount_minor,
        currency: None,
        metadata: metadata(payment.metadata),
        envelope: envelope(&event_id, payment_id.0, now),
    };
    outbox_event(
        event_id,
        EventType::PurchaseConfirmed,
        payment_id.0,
        event.to_json(),
    )
}

fn of_purchase(purchase: UnfulfilledPurchase, now: DateTime<Utc>) -> OutboxEvent {
    let purchase_id = PurchaseId(purchase.id);
    let event_id = PurchaseCreated::event_id(purchase_id);
    let event = PurchaseCreated {
        purchase_id,
        student_id: StudentId(purchase.student_id),
        course_id: CourseId(purchase.course_id),
        purchase_tier: purchase.purchase_tier,
        metadata: metadata(purchase.metadata),
        envelope: envelope(&event_id, purchase.correlation_id, now),
    };
    outbox_event(
        event_id,
        EventType::PurchaseCreated,
        purchase.correlation_id,
        event.to_json(),
    )
}

fn of_allocation(allocation: UnfulfilledAllocation, rule: &Rule, days: &SchoolDays) -> OutboxEvent {
    let allocation_id = AllocationId(allocation.id);
    let event_id = TrainerAllocated::event_id(allocation_id);
    let start_date = metadata(allocation.metadata)
        .start_date(rule.timezone)
        .map_or(rule.today, |chosen| chosen.max(rule.today));
    let event = TrainerAllocated {
        allocation_id,
        trainer_id: TrainerId(allocation.trainer_id),
        student_id: StudentId(allocation.student_id),
        course_id: CourseId(allocation.course_id),
        session_count: allocation.session_count,
        start_date,
        end_date: TrainerAllocated::last_day(start_date, allocation.session_count, days),
        envelope: envelope(&event_id, allocation.correlation_id, rule.now),
    };
    outbox_event(
        event_id,
        EventType::TrainerAllocated,
        allocation.correlation_id,
        event.to_json(),
    )
}

fn outbox_event(event_id: String, event_type: EventType, correlation: Uuid, payload: Value) -> OutboxEvent {
    OutboxEvent {
        event_id,
        event_type,
        correlation: CorrelationId(correlation),
        payload,
    }
}

fn envelope(event_id: &str, correlation: Uuid, now: DateTime<Utc>) -> Envelope {
    Envelope::published(event_id.to_owned(), correlation.to_string(), Sweep::NAME, now)
}

/// Old rows hold what they hold; what can't be read as fields counts as not chosen.
fn metadata(value: Option<Value>) -> Metadata {
    Metadata::read(value.as_ref()).unwrap_or_default()
}
