//! `processed_events`: which events were processed. Always written in the business transaction, and never the
//! authority on whether the work is done.

use crate::db::Connection;
use crate::event::{Envelope, EventType};
use serde_json::Value;

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

/// The text, cut to what its column holds.
#[must_use]
pub fn clip(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
