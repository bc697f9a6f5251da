//! The outbox as the person on call looks at it: what waits to be published, by topic, and which events are next. The payload
//! is never read.

use crate::page::{Page, PageRequest};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde::Serialize;
use uuid::Uuid;

/// How many events that wait are counted, the oldest.
pub const MOST_COUNTED: i64 = 10_000;

/// Events of one topic that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicWaits {
    /// Where they go.
    pub topic: String,
    /// How many, of those that are counted.
    pub events: i64,
    /// When the oldest was written.
    pub oldest_at: DateTime<Utc>,
    /// How many of them were tried, and failed.
    pub failed: i64,
    /// The most attempts of one.
    pub most_attempts: i32,
    /// Why the oldest of those failed, the last time.
    pub last_error: Option<String>,
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingEvent {
    /// The row.
    pub id: i64,
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Where it goes.
    pub topic: String,
    /// Its payment.
    pub correlation_id: Uuid,
    /// How often it was tried.
    pub attempts: i32,
    /// Why it failed, the last time.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// Until when its publisher owns it, or it rests after a failure.
    pub claimed_until: Option<DateTime<Utc>>,
}

/// What waits, by topic, the oldest first. No more than [`MOST_COUNTED`] events are counted.
///
/// # Errors
/// Those of the database.
pub async fn by_topic(connection: &mut Connection) -> Result<Vec<TopicWaits>, sqlx::Error> {
    sqlx::query_as!(
        TopicWaits,
        r#"WITH oldest AS MATERIALIZED (
             SELECT id, topic, attempts, last_error, created_at FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1)
           SELECT topic, count(*) AS "events!", min(created_at) AS "oldest_at!", count(*) FILTER (WHERE attempts > 0) AS "failed!",
                  max(attempts) AS "most_attempts!",
                  (array_agg(last_error ORDER BY id) FILTER (WHERE last_error IS NOT NULL))[1] AS last_error
           FROM oldest GROUP BY topic ORDER BY min(created_at), topic"#,
        MOST_COUNTED,
    )
    .fetch_all(connection)
    .await
}

/// The events that wait, in the order in which a sweep takes them.
///
/// # Errors
/// Those of the database.
pub async fn waiting(
    connection: &mut Connection,
    request: &PageRequest<i64>,
) -> Result<Page<WaitingEvent, i64>, sqlx::Error> {
    let rows = sqlx::query_as!(
        WaitingEvent,
        "SELECT id, event_id, event_type, topic, correlation_id, attempts, last_error, created_at, claimed_until
         FROM outbox WHERE published_at IS NULL AND id > $1 ORDER BY id LIMIT $2",
        request.after.unwrap_or(0),
        request.reading(),
    )
    .fetch_all(connection)
    .await?;
    Ok(request.page(rows, |row| row.id))
}
