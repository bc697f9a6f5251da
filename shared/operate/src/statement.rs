//! The providers' statements as a person looks at them: totals by day, one entry, and what nothing answers for.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use makegood::case;
use makegood::db::Connection;
use serde::Serialize;

/// What a provider says of one day, by kind, currency and outcome. Amounts are minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    /// The day.
    pub day: NaiveDate,
    /// Whose statement.
    pub provider: String,
    /// `payment`, `refund`, `adjustment` or `settlement`.
    pub kind: String,
    /// ISO 4217.
    pub currency: String,
    /// See [`makegood::statement::Outcome::wire_name`].
    pub outcome: String,
    /// How many entries.
    pub entries: i64,
    /// Their sum.
    pub amount_minor: i64,
    /// What the provider kept of it.
    pub fee_minor: i64,
    /// What they add to settlements.
    pub net_minor: i64,
}

/// An entry with all that is known of it. Amounts are minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryRow {
    /// Whose statement.
    pub provider: String,
    /// `payment`, `refund`, `adjustment` or `settlement`.
    pub kind: String,
    /// The provider's id of it.
    pub entry_id: String,
    /// The provider's payment.
    pub pays: String,
    /// The amount.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What the provider kept of it.
    pub fee_minor: Option<i64>,
    /// The tax in the fee.
    pub tax_minor: Option<i64>,
    /// What it adds to its settlement.
    pub net_minor: Option<i64>,
    /// How much of it went back.
    pub returned_minor: i64,
    /// Whether the money moved.
    pub state: String,
    /// What comparing it came to.
    pub outcome: String,
    /// Our payment or intent.
    pub subject: Option<String>,
    /// What was done about a difference.
    pub acted: Option<String>,
    /// The settlement that it is in.
    pub settlement_id: Option<String>,
    /// When the provider made it.
    pub occurred_at: DateTime<Utc>,
    /// When it was seen first.
    pub first_seen_at: DateTime<Utc>,
    /// When it was seen last.
    pub seen_at: DateTime<Utc>,
}

/// Totals since this instant, by day in this zone; at most a thousand, the newest day first.
///
/// # Errors
/// Those of the database.
pub async fn totals(
    connection: &mut Connection,
    since: DateTime<Utc>,
    timezone: Tz,
) -> Result<Vec<Total>, sqlx::Error> {
    sqlx::query_file_as!(Total, "src/statement/totals.sql", since, timezone.name())
        .fetch_all(connection)
        .await
}

/// The entries of an id: the provider's of an entry, payment or settlement, or ours. None when no statement has it.
///
/// # Errors
/// Those of the database.
pub async fn entries(connection: &mut Connection, id: &str) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_file_as!(EntryRow, "src/statement/entries.sql", id)
        .fetch_all(connection)
        .await
}

/// What differs, and no case answers for; at most two hundred, the oldest first.
///
/// # Errors
/// Those of the database.
pub async fn unanswered(connection: &mut Connection) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_file_as!(EntryRow, "src/statement/unanswered.sql", &case::programs())
        .fetch_all(connection)
        .await
}
