//! What the rows of one subject say, as far as something could be missing from it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A payment case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFacts {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Whether it waits for a person.
    pub is_open: bool,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
}

/// A dead letter that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterFacts {
    /// Its id.
    pub id: Uuid,
    /// Since when.
    pub parked_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// An event in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFacts {
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it left.
    pub published_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    pub attempts: i32,
    /// What the queue said last.
    pub last_error: Option<String>,
}

/// How far an event has come on its way to the next stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hop {
    /// It waits for a person.
    pub parked: Option<DeadLetterFacts>,
    /// It is in the outbox.
    pub event: Option<EventFacts>,
    /// It was marked as processed.
    pub marked: bool,
}

/// The allocation that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationFacts {
    /// The column `status`.
    pub status: String,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// Scheduled sessions from today on.
    pub ahead: i64,
    /// Sessions that were not cancelled.
    pub used: i64,
    /// Sessions bought.
    pub bought: i64,
}

/// What the rows of a course payment say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CourseFacts {
    /// `payments.status`; none when it is not on record.
    pub payment: Option<String>,
    /// When the money was received.
    pub paid_at: Option<DateTime<Utc>>,
    /// The payment names no course, or one that is no UUID.
    pub course_unreadable: bool,
    /// The case about it: an open one before a resolved one.
    pub case: Option<CaseFacts>,
    /// When its purchase was made, and whether it is active.
    pub purchase: Option<(DateTime<Utc>, bool)>,
    /// The allocation that counts.
    pub allocation: Option<AllocationFacts>,
    /// `PURCHASE_CONFIRMED`.
    pub confirmed: Hop,
    /// `PURCHASE_CREATED`.
    pub created: Hop,
    /// `TRAINER_ALLOCATED`.
    pub allocated: Hop,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// Its id.
    pub id: Uuid,
    /// The column `status`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// After how many attempts it fails.
    pub max_attempts: i32,
    /// When it may run.
    pub scheduled_for: DateTime<Utc>,
    /// Until when its worker holds it.
    pub locked_until: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Why it failed last.
    pub last_error: Option<String>,
}

/// What the rows of a payment intent say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    /// `payment_intents.status`.
    pub intent: String,
    /// When the checkout began.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the gateway called it paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// When the gateway named another amount.
    pub mismatch_at: Option<DateTime<Utc>>,
    /// The case about it: an open one before a resolved one.
    pub case: Option<CaseFacts>,
    /// When the order was made, and its items.
    pub order: Option<(DateTime<Utc>, i64)>,
    /// The latest `finalize_order`.
    pub job: Option<JobFacts>,
    /// `ORDER_CONFIRMED`.
    pub published: Option<EventFacts>,
    /// Since when a reservation should no longer hold stock, and does.
    pub held_since: Option<DateTime<Utc>>,
    /// Since when all of the money is back.
    pub given_back_at: Option<DateTime<Utc>>,
}

/// What the rows say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// Of a course payment, or an older purchase.
    Course(CourseFacts),
    /// Of a payment intent.
    Order(OrderFacts),
    /// Of a dead letter that names nothing else.
    DeadLetter(DeadLetterFacts),
    /// Of a job that names no intent.
    Job(JobFacts),
}

impl Facts {
    /// How it stands when nothing is missing.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Course(course) => match (course.payment.as_deref(), course.purchase) {
                (_, Some((_, true))) => "complete",
                (_, Some((_, false))) => "complete, the purchase has ended",
                (Some("succeeded") | None, None) => "nothing is owed: a person decided",
                (Some("refunded"), None) => "nothing is owed: refunded",
                (Some(_), None) => "nothing is owed: not paid",
            },
            Self::Order(order) => match (order.order, order.paid_at) {
                (Some(_), _) if order.given_back_at.is_some() => "complete, the money was given back",
                (Some(_), _) => "complete",
                (None, _) if order.given_back_at.is_some() => "nothing is owed: refunded",
                (None, Some(_)) => "nothing is owed: a person decided",
                (None, None) => "nothing is owed: not paid",
            },
            Self::DeadLetter(_) | Self::Job(_) => "nothing is missing",
        }
    }
}
