//! What can be amiss, how it is found, and the event that leads to its mending.

use crate::handler::Sweep;
use chrono::{DateTime, NaiveDate, Utc};
use makegood::db::Connection;
use makegood::event::{Envelope, EventType, Metadata, PurchaseConfirmed, PurchaseCreated, TrainerAllocated};
use makegood::ids::{AllocationId, CorrelationId, CourseId, PaymentId, PurchaseId, StudentId, TrainerId};
use makegood::outbox::Announcement;
use serde_json::Value;
use uuid::Uuid;

/// What can be amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Paid, and neither purchase nor case.
    UnfulfilledPayments,
    /// Bought, and no allocation.
    UnallocatedPurchases,
    /// An allocation without trainer.
    PendingAllocations,
    /// An allocation with sessions left and none ahead.
    IdleAllocations,
}

/// How many payments wait for their purchase, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unfulfilled {
    pub count: i64,
    pub oldest_seconds: i64,
}

impl Finding {
    /// For logs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UnfulfilledPayments => "payments without purchase",
            Self::UnallocatedPurchases => "purchases without allocation",
            Self::PendingAllocations => "allocations without trainer",
            Self::IdleAllocations => "allocations without sessions ahead",
        }
    }

    /// The oldest findings that may be announced now, as the events that lead to their mending; at most this many.
    pub(super) async fn find(
        self,
        connection: &mut Connection,
        now: DateTime<Utc>,
        today: NaiveDate,
        most: i64,
    ) -> Result<Vec<Announcement>, sqlx::Error> {
        match self {
            Self::UnfulfilledPayments => unfulfilled_payments(connection, now, most).await,
            Self::UnallocatedPurchases => unallocated_purchases(connection, now, most).await,
            Self::PendingAllocations => pending_allocations(connection, now, most).await,
            Self::IdleAllocations => idle_allocations(connection, now, today, most).await,
        }
    }
}

/// Succeeded payments without purchase and without case, older than two minutes, announced lately or not.
pub(super) async fn count_unfulfilled(connection: &mut Connection) -> Result<Unfulfilled, sqlx::Error> {
    let row = sqlx::query_file!("src/reconcile/course/unfulfilled_payments.sql", 0_i64)
        .fetch_one(connection)
        .await?;
    Ok(Unfulfilled {
        count: row.total,
        oldest_seconds: row.oldest_seconds,
    })
}

async fn unfulfilled_payments(
    connection: &mut Connection,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Announcement>, sqlx::Error> {
    let rows = sqlx::query_file!("src/reconcile/course/unfulfilled_payments.sql", most)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let payment_id = PaymentId(row.payment_id?);
            let event_id = PurchaseConfirmed::event_id(payment_id);
            let event = PurchaseConfirmed {
                payment_id,
                student_id: StudentId(row.student_id?),
                course_id: CourseId(row.course_id?),
                amount_cents: row.amount_cents?,
                metadata: metadata(row.metadata),
                envelope: envelope(&event_id, payment_id.0, now),
            };
            Some(announcement(
                event_id,
                EventType::PurchaseConfirmed,
                payment_id.0,
                event.to_json(),
            ))
        })
        .collect())
}

async fn unallocated_purchases(
    connection: &mut Connection,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Announcement>, sqlx::Error> {
    let rows = sqlx::query_file!("src/reconcile/course/unallocated_purchases.sql", most)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let bought = Bought {
                purchase: row.purchase_id,
                student: row.student_id,
                course: row.course_id,
                tier: row.purchase_tier,
                metadata: row.metadata,
                correlation: row.correlation_id,
            };
            bought.announcement(now)
        })
        .collect())
}

async fn pending_allocations(
    connection: &mut Connection,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Announcement>, sqlx::Error> {
    let rows = sqlx::query_file!("src/reconcile/course/pending_allocations.sql", most)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let bought = Bought {
                purchase: row.purchase_id,
                student: row.student_id,
                course: row.course_id,
                tier: row.purchase_tier,
                metadata: row.metadata,
                correlation: row.correlation_id,
            };
            bought.announcement(now)
        })
        .collect())
}

async fn idle_allocations(
    connection: &mut Connection,
    now: DateTime<Utc>,
    today: NaiveDate,
    most: i64,
) -> Result<Vec<Announcement>, sqlx::Error> {
    let rows = sqlx::query_file!("src/reconcile/course/idle_allocations.sql", today, most)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let allocation_id = AllocationId(row.allocation_id);
            let event_id = TrainerAllocated::event_id(allocation_id);
            let start_date = metadata(row.metadata)
                .start_date()
                .map_or(today, |chosen| chosen.max(today));
            let event = TrainerAllocated {
                allocation_id,
                trainer_id: TrainerId(row.trainer_id),
                student_id: StudentId(row.student_id),
                course_id: CourseId(row.course_id),
                session_count: row.session_count,
                start_date,
                end_date: TrainerAllocated::last_day(start_date, row.session_count),
                envelope: envelope(&event_id, row.correlation_id, now),
            };
            announcement(
                event_id,
                EventType::TrainerAllocated,
                row.correlation_id,
                event.to_json(),
            )
        })
        .collect())
}

/// A purchase for which a trainer is wanted.
struct Bought {
    purchase: Uuid,
    student: Uuid,
    course: Uuid,
    tier: i32,
    metadata: Option<Value>,
    correlation: Uuid,
}

impl Bought {
    fn announcement(self, now: DateTime<Utc>) -> Announcement {
        let purchase_id = PurchaseId(self.purchase);
        let event_id = PurchaseCreated::event_id(purchase_id);
        let event = PurchaseCreated {
            purchase_id,
            student_id: StudentId(self.student),
            course_id: CourseId(self.course),
            purchase_tier: self.tier,
            metadata: metadata(self.metadata),
            envelope: envelope(&event_id, self.correlation, now),
        };
        announcement(
            event_id,
            EventType::PurchaseCreated,
            self.correlation,
            event.to_json(),
        )
    }
}

fn announcement(event_id: String, event_type: EventType, correlation: Uuid, payload: Value) -> Announcement {
    Announcement {
        event_id,
        event_type,
        correlation: CorrelationId(correlation),
        payload,
    }
}

fn envelope(event_id: &str, correlation: Uuid, now: DateTime<Utc>) -> Envelope {
    Envelope::announced(event_id.to_owned(), correlation.to_string(), Sweep::NAME, now)
}

/// Old rows hold what they hold; what can't be read as fields counts as not chosen.
fn metadata(value: Option<Value>) -> Metadata {
    Metadata::read(value.as_ref()).unwrap_or_default()
}
