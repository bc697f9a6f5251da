//! Rows of the outbox: written, claimed under a lease, finished. None of these commits.

use super::{Announcement, OutboxRow};
use crate::db::Connection;
use crate::ids::CorrelationId;

/// How long a writer or a sweep owns a row before another may publish it.
pub const LEASE_SECONDS: i32 = 30;

/// Writes events under a lease of this invocation, which publishes them after the commit. Gives back the rows written;
/// an event that is there already is left as it is, and is not among them.
///
/// # Errors
/// Those of the database.
pub async fn enqueue(
    connection: &mut Connection,
    announcements: &[Announcement],
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    write(connection, announcements, false).await
}

/// As [`enqueue`], but an event that was published already is published once more: what was announced got lost, or its
/// consumer must look again. One that is waiting under a live lease is left to its owner.
///
/// # Errors
/// Those of the database.
pub async fn announce_again(
    connection: &mut Connection,
    announcements: &[Announcement],
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    write(connection, announcements, true).await
}

async fn write(
    connection: &mut Connection,
    announcements: &[Announcement],
    again: bool,
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    if announcements.is_empty() {
        return Ok(Vec::new());
    }
    let event_ids: Vec<String> = announcements.iter().map(|event| event.event_id.clone()).collect();
    let types: Vec<String> = announcements
        .iter()
        .map(|event| event.event_type.wire_name().to_owned())
        .collect();
    let topics: Vec<String> = announcements
        .iter()
        .map(|event| event.event_type.topic().to_owned())
        .collect();
    let payloads: Vec<_> = announcements.iter().map(|event| event.payload.clone()).collect();
    let correlations: Vec<_> = announcements.iter().map(|event| event.correlation.0).collect();
    // DISTINCT: one statement may not touch a row twice, and a batch may hold the same fact twice.
    let rows = sqlx::query!(
        r#"INSERT INTO outbox AS o (event_id, event_type, topic, payload, correlation_id, claimed_until)
           SELECT DISTINCT ON (e.event_id) e.event_id, e.event_type, e.topic, e.payload, e.correlation_id, now() + make_interval(secs => $6)
           FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::uuid[])
                AS e (event_id, event_type, topic, payload, correlation_id)
           ORDER BY e.event_id
           ON CONFLICT (event_id) DO UPDATE
              SET published_at = NULL, claimed_until = excluded.claimed_until
              WHERE $7 AND (o.published_at IS NOT NULL OR o.claimed_until IS NULL OR o.claimed_until < now())
           RETURNING o.id, o.event_id, o.event_type, o.topic, o.correlation_id AS "correlation_id!", o.payload"#,
        &event_ids,
        &types,
        &topics,
        &payloads,
        &correlations,
        f64::from(LEASE_SECONDS),
        again,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OutboxRow {
            id: row.id,
            event_id: row.event_id,
            event_type: row.event_type,
            topic: row.topic,
            correlation: CorrelationId(row.correlation_id),
            payload: row.payload,
        })
        .collect())
}

/// Claims the oldest rows that nobody owns, under a lease; skips rows that another sweep is claiming at this moment.
///
/// # Errors
/// Those of the database.
pub(super) async fn claim(connection: &mut Connection, most: i64) -> Result<Vec<OutboxRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH free AS (
             SELECT id FROM outbox
             WHERE published_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
             ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
           UPDATE outbox o SET claimed_until = now() + make_interval(secs => $2)
           FROM free WHERE o.id = free.id
           RETURNING o.id, o.event_id, o.event_type, o.topic, o.correlation_id AS "correlation_id!", o.payload"#,
        most,
        f64::from(LEASE_SECONDS),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OutboxRow {
            id: row.id,
            event_id: row.event_id,
            event_type: row.event_type,
            topic: row.topic,
            correlation: CorrelationId(row.correlation_id),
            payload: row.payload,
        })
        .collect())
}

/// Marks rows as published, unless somebody did so first.
///
/// # Errors
/// Those of the database.
pub(super) async fn mark_published_if_waiting(
    connection: &mut Connection,
    ids: &[i64],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE outbox SET published_at = now(), attempts = attempts + 1, last_error = NULL
         WHERE id = ANY($1) AND published_at IS NULL",
        ids,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Notes why rows were not published; their lease runs out and a sweep takes them.
///
/// # Errors
/// Those of the database.
pub(super) async fn note_failures(
    connection: &mut Connection,
    failures: &[(i64, String)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = failures.iter().map(|(id, _)| *id).collect();
    let reasons: Vec<String> = failures.iter().map(|(_, reason)| reason.clone()).collect();
    sqlx::query!(
        "UPDATE outbox o SET attempts = attempts + 1, last_error = f.reason
         FROM unnest($1::bigint[], $2::text[]) AS f (id, reason)
         WHERE o.id = f.id AND o.published_at IS NULL",
        &ids,
        &reasons,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes up to `most` rows published over seven days ago; gives back how many.
///
/// # Errors
/// Those of the database.
pub async fn retire(connection: &mut Connection, most: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox WHERE published_at < now() - interval '7 days'
            ORDER BY published_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
