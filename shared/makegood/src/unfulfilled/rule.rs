//! The rule: whether these rows are unfulfilled.

use super::Kind;
use crate::case;
use crate::db::Connection;
use crate::school_days::TeachingDays;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use uuid::Uuid;

/// What is younger has its pipeline at work on it (SPEC 4).
const GRACE_SECONDS: f64 = 120.0;

/// When it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The school's day: which sessions are ahead.
    pub today: NaiveDate,
    /// Where the school is: when purchases end.
    pub timezone: Tz,
    /// The days of the week on which it teaches: whether a day is left for a session.
    pub teaching_days: TeachingDays,
}

/// A succeeded payment for a course without purchase and without a case that answers for it.
#[derive(Debug, Clone, PartialEq)]
pub struct UnfulfilledPayment {
    /// The payment.
    pub id: Uuid,
    /// Who paid.
    pub student_id: Uuid,
    /// For what.
    pub course_id: Uuid,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// As the payment has it.
    pub metadata: Option<Value>,
    /// Since when it is paid.
    pub since: DateTime<Utc>,
    /// Whether its event may be published again now: it does not wait in the outbox, was not published lately, and no dead letter of
    /// it waits for a person.
    pub is_due: bool,
}

/// An active purchase without allocation.
#[derive(Debug, Clone, PartialEq)]
pub struct UnfulfilledPurchase {
    /// The purchase.
    pub id: Uuid,
    /// Whose.
    pub student_id: Uuid,
    /// Of what.
    pub course_id: Uuid,
    /// How many sessions.
    pub purchase_tier: i32,
    /// As the purchase has it.
    pub metadata: Option<Value>,
    /// The payment where it is known, else the purchase.
    pub correlation_id: Uuid,
    /// Since when it is bought.
    pub since: DateTime<Utc>,
    /// As [`UnfulfilledPayment::is_due`].
    pub is_due: bool,
}

/// An approved or active allocation with sessions left and none ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct UnfulfilledAllocation {
    /// The allocation.
    pub id: Uuid,
    /// Who teaches.
    pub trainer_id: Uuid,
    /// Whom.
    pub student_id: Uuid,
    /// What.
    pub course_id: Uuid,
    /// As the allocation has it.
    pub metadata: Option<Value>,
    /// How many sessions were bought.
    pub session_count: i32,
    /// The payment where it is known, else the purchase or the allocation.
    pub correlation_id: Uuid,
    /// Since when it is allocated.
    pub since: DateTime<Utc>,
    /// As [`UnfulfilledPayment::is_due`].
    pub is_due: bool,
}

/// An intent that its gateway called paid, without order and without a case that answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfulfilledIntent {
    /// The intent.
    pub id: String,
    /// At which gateway.
    pub provider: String,
    /// What the gateway knows it by.
    pub external_transaction_id: String,
    /// Since when it is verified.
    pub since: DateTime<Utc>,
    /// Whether no job is at work on it.
    pub is_due: bool,
}

/// One thing that is paid and not fulfilled.
#[derive(Debug, Clone, PartialEq)]
pub enum Unfulfilled {
    /// See [`UnfulfilledPayment`].
    Payment(UnfulfilledPayment),
    /// See [`UnfulfilledPurchase`].
    Purchase(UnfulfilledPurchase),
    /// See [`UnfulfilledAllocation`].
    Allocation(UnfulfilledAllocation),
    /// See [`UnfulfilledIntent`].
    Intent(UnfulfilledIntent),
}

impl Unfulfilled {
    /// Its id, as text.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Payment(row) => row.id.to_string(),
            Self::Purchase(row) => row.id.to_string(),
            Self::Allocation(row) => row.id.to_string(),
            Self::Intent(row) => row.id.clone(),
        }
    }

    /// Since when it waits.
    #[must_use]
    pub const fn since(&self) -> DateTime<Utc> {
        match self {
            Self::Payment(row) => row.since,
            Self::Purchase(row) => row.since,
            Self::Allocation(row) => row.since,
            Self::Intent(row) => row.since,
        }
    }

    /// Whether something can be done about it now.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        match self {
            Self::Payment(row) => row.is_due,
            Self::Purchase(row) => row.is_due,
            Self::Allocation(row) => row.is_due,
            Self::Intent(row) => row.is_due,
        }
    }
}

/// Which of these are unfulfilled, the oldest first. Reads the rows of these ids by index, whatever else is there.
///
/// # Errors
/// Those of the database.
pub async fn find(
    connection: &mut Connection,
    kind: Kind,
    ids: &[String],
    rule: &Rule,
) -> Result<Vec<Unfulfilled>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(match kind {
        Kind::Payment => wrap(payments(connection, ids, rule).await?, Unfulfilled::Payment),
        Kind::Purchase => wrap(purchases(connection, ids, rule).await?, Unfulfilled::Purchase),
        Kind::Allocation => wrap(allocations(connection, ids, rule).await?, Unfulfilled::Allocation),
        Kind::Intent => wrap(intents(connection, ids, rule).await?, Unfulfilled::Intent),
    })
}

fn wrap<T>(rows: Vec<T>, each: fn(T) -> Unfulfilled) -> Vec<Unfulfilled> {
    rows.into_iter().map(each).collect()
}

async fn payments(
    connection: &mut Connection,
    ids: &[String],
    rule: &Rule,
) -> Result<Vec<UnfulfilledPayment>, sqlx::Error> {
    sqlx::query_file_as!(
        UnfulfilledPayment,
        "src/unfulfilled/payments.sql",
        ids,
        rule.now,
        GRACE_SECONDS,
        &case::programs(),
    )
    .fetch_all(connection)
    .await
}

async fn purchases(
    connection: &mut Connection,
    ids: &[String],
    rule: &Rule,
) -> Result<Vec<UnfulfilledPurchase>, sqlx::Error> {
    sqlx::query_file_as!(
        UnfulfilledPurchase,
        "src/unfulfilled/purchases.sql",
        ids,
        rule.now,
        GRACE_SECONDS
    )
    .fetch_all(connection)
    .await
}

async fn allocations(
    connection: &mut Connection,
    ids: &[String],
    rule: &Rule,
) -> Result<Vec<UnfulfilledAllocation>, sqlx::Error> {
    sqlx::query_file_as!(
        UnfulfilledAllocation,
        "src/unfulfilled/allocations.sql",
        ids,
        rule.now,
        GRACE_SECONDS,
        rule.today,
        rule.timezone.name(),
        &rule.teaching_days.iso_numbers(),
    )
    .fetch_all(connection)
    .await
}

async fn intents(
    connection: &mut Connection,
    ids: &[String],
    rule: &Rule,
) -> Result<Vec<UnfulfilledIntent>, sqlx::Error> {
    sqlx::query_file_as!(
        UnfulfilledIntent,
        "src/unfulfilled/intents.sql",
        ids,
        rule.now,
        GRACE_SECONDS,
        &case::programs(),
    )
    .fetch_all(connection)
    .await
}
