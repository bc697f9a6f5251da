//! `processed_events`: which events were processed. Always written in the business transaction, and never the
//! authority on whether the work is done.

use crate::db::Connection;
use crate::event::{Envelope, EventType};
use serde_json::Value;
use std::collections::HashSet;
use uuid::Uuid;

/// Marks events as processed; an event that is marked already stays as it is.
///
/// The conflict has no target on purpose: the event id and (correlation id, type) are both unique here, and either
/// means "marked".
///
/// # Errors
/// Those of the database.
pub async fn mark(
    connection: &mut Connection,
    event_type: EventType,
    events: &[(&Envelope, Value)],
) -> Result<u64, sqlx::Error> {
    if events.is_empty() {
        return Ok(0);
    }
    let event_ids: Vec<String> = events
        .iter()
        .map(|(envelope, _)| envelope.event_id.clone())
        .collect();
    let correlation_ids: Vec<_> = events
        .iter()
        .map(|(envelope, _)| envelope.correlation().0)
        .collect();
    let payloads: Vec<Value> = events.iter().map(|(_, payload)| payload.clone()).collect();
    let sources: Vec<String> = events
        .iter()
        .map(|(envelope, _)| clip(&envelope.source, 100))
        .collect();
    let versions: Vec<String> = events
        .iter()
        .map(|(envelope, _)| clip(&envelope.version, 20))
        .collect();
    let done = sqlx::query!(
        "INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source, version)
         SELECT e.event_id, $6, e.correlation_id, e.payload, e.source, e.version
         FROM unnest($1::text[], $2::uuid[], $3::jsonb[], $4::text[], $5::text[])
              AS e (event_id, correlation_id, payload, source, version)
         ORDER BY e.event_id
         ON CONFLICT DO NOTHING",
        &event_ids,
        &correlation_ids,
        &payloads,
        &sources,
        &versions,
        event_type.wire_name(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Which of these events, each with the id of the row that it is about, were processed before for that very row. For events whose
/// row is not there: a mark says that it was, and that another hand deleted it since. `field` is where the event names the row.
/// Locks nothing.
///
/// # Errors
/// Those of the database.
pub async fn processed(
    connection: &mut Connection,
    event_type: EventType,
    field: &str,
    events: &[(&str, Uuid)],
) -> Result<HashSet<String>, sqlx::Error> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let (event_ids, subjects): (Vec<String>, Vec<Uuid>) = events
        .iter()
        .map(|(event_id, subject)| ((*event_id).to_owned(), *subject))
        .unzip();
    let processed = sqlx::query_scalar!(
        "SELECT e.event_id FROM unnest($1::text[], $2::uuid[]) AS r (event_id, subject)
         JOIN processed_events e ON e.event_id = r.event_id
         WHERE e.event_type = $3 AND lower(makegood_object(e.payload) ->> $4) = r.subject::text",
        &event_ids,
        &subjects,
        event_type.wire_name(),
        field,
    )
    .fetch_all(connection)
    .await?;
    Ok(processed.into_iter().collect())
}

/// The text, cut to what its column holds.
#[must_use]
pub fn clip(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
