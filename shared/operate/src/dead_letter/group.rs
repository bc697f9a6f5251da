//! Dead letters in groups: by what they failed with, and by their event. A thousand dead letters of one outage are one line.
//!
//! No more than [`MOST_LOOKED_AT`] are looked at, the newest, along the index of their status: an incident is grouped in the
//! same time whatever the table holds.

use super::{DeadLetterFilter, DeadLetterStatus};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde::Serialize;
use uuid::Uuid;

/// How many dead letters are looked at, the newest.
pub const MOST_LOOKED_AT: i64 = 10_000;
/// How many groups are given, the largest.
pub const MOST_GROUPS: i64 = 100;

/// Groups, the largest first, and what they were made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Groups<T> {
    /// The largest groups.
    pub groups: Vec<T>,
    /// How many groups there are beside them.
    pub further: i64,
    /// How many dead letters were looked at.
    pub looked_at: i64,
    /// Whether there may be older ones that were not looked at, so that each count is one at least.
    pub is_cut: bool,
}

/// Dead letters that one function parked for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorGroup {
    /// Who parked them; none when SQS moved them.
    pub function_name: Option<String>,
    /// Why, as filters have it.
    pub error_code: Option<String>,
    /// How many.
    pub dead_letters: i64,
    /// Of how many events whose id can be read.
    pub events: i64,
    /// When the oldest of them was parked, the last time.
    pub first_parked_at: DateTime<Utc>,
    /// When the newest of them was parked.
    pub last_parked_at: DateTime<Utc>,
    /// The newest of them.
    pub example: Uuid,
    /// Its reason, for a person.
    pub failure_reason: String,
}

/// Dead letters of one event: each function that could not process it parks its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventGroup {
    /// The event; none for all whose event's id can't be read.
    pub event_id: Option<String>,
    /// Its type, where it can be read.
    pub event_type: Option<String>,
    /// Its payment, where it can be read.
    pub correlation_id: Option<Uuid>,
    /// How many.
    pub dead_letters: i64,
    /// Each function with its error code, as `create-purchase: missing_field`.
    pub errors: Vec<String>,
    /// When the oldest of them was parked, the last time.
    pub first_parked_at: DateTime<Utc>,
    /// When the newest of them was parked.
    pub last_parked_at: DateTime<Utc>,
    /// The newest of them.
    pub example: Uuid,
}

/// A group, how many groups there are, and how many dead letters were looked at.
type Counted<T> = (T, i64, i64);

fn groups<T>(rows: Vec<Counted<T>>) -> Groups<T> {
    let (all, looked_at) = rows
        .first()
        .map_or((0, 0), |(_, all, looked_at)| (*all, *looked_at));
    let groups: Vec<T> = rows.into_iter().map(|(group, _, _)| group).collect();
    let given = i64::try_from(groups.len()).unwrap_or(i64::MAX);
    Groups {
        groups,
        further: all - given,
        looked_at,
        is_cut: looked_at >= MOST_LOOKED_AT,
    }
}

/// Groups by function and error code. Heeds the filter's status and time range, and nothing else of it.
///
/// # Errors
/// Those of the database.
pub async fn by_error(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
) -> Result<Groups<ErrorGroup>, sqlx::Error> {
    let (since, until) = filter.range();
    let rows = sqlx::query_file!(
        "src/dead_letter/groups_by_error.sql",
        &DeadLetterStatus::wanted(filter.status),
        since,
        until,
        MOST_LOOKED_AT,
        MOST_GROUPS,
    )
    .fetch_all(connection)
    .await?;
    let group = rows.into_iter().map(|row| {
        let group = ErrorGroup {
            function_name: row.function_name,
            error_code: row.error_code,
            dead_letters: row.dead_letters,
            events: row.events,
            first_parked_at: row.first_parked_at,
            last_parked_at: row.last_parked_at,
            example: row.example,
            failure_reason: row.failure_reason,
        };
        (group, row.groups, row.looked_at)
    });
    Ok(groups(group.collect()))
}

/// Groups by the event's id. Heeds the filter's status and time range, and nothing else of it.
///
/// # Errors
/// Those of the database.
pub async fn by_event(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
) -> Result<Groups<EventGroup>, sqlx::Error> {
    let (since, until) = filter.range();
    let rows = sqlx::query_file!(
        "src/dead_letter/groups_by_event.sql",
        &DeadLetterStatus::wanted(filter.status),
        since,
        until,
        MOST_LOOKED_AT,
        MOST_GROUPS,
    )
    .fetch_all(connection)
    .await?;
    let group = rows.into_iter().map(|row| {
        let group = EventGroup {
            event_id: row.event_id,
            event_type: row.event_type,
            correlation_id: row.correlation_id,
            dead_letters: row.dead_letters,
            errors: row.errors,
            first_parked_at: row.first_parked_at,
            last_parked_at: row.last_parked_at,
            example: row.example,
        };
        (group, row.groups, row.looked_at)
    });
    Ok(groups(group.collect()))
}
