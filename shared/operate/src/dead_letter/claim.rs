//! The rows of dead letters that are being sent back: claimed under a lease, marked, released. None of these commits.
//!
//! Rows are locked in the order of their ids wherever several are changed at once, here and in `park-dead-letters`.

use super::decide::Candidate;
use super::{DeadLetterFilter, LEASE_SECONDS, Refusal};
use crate::page::Cursor;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::event::Event;
use uuid::Uuid;

/// Locks up to `most` parked dead letters of the filter that no replay owns, the oldest first; skips those that another replay is
/// claiming at this moment, and those that were sent back since `started`: what fails at once is parked again at once, and
/// one run sends it once.
pub(super) async fn lock_candidates(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
    started: DateTime<Utc>,
    after: Cursor,
    most: i64,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let (since, until) = filter.range();
    sqlx::query_file_as!(
        Candidate,
        "src/dead_letter/lock_candidates.sql",
        after.at,
        after.id,
        filter.source.as_deref(),
        filter.function.as_deref(),
        filter.error_code.as_deref(),
        filter.event_type.as_deref(),
        filter.correlation_id,
        since,
        until,
        started,
        most,
        filter.event_id.as_deref(),
    )
    .fetch_all(connection)
    .await
}

/// As [`lock_candidates`], but only reads, whoever owns them.
pub(super) async fn read_candidates(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
    after: Cursor,
    most: i64,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let (since, until) = filter.range();
    sqlx::query_file_as!(
        Candidate,
        "src/dead_letter/read_candidates.sql",
        after.at,
        after.id,
        filter.source.as_deref(),
        filter.function.as_deref(),
        filter.error_code.as_deref(),
        filter.event_type.as_deref(),
        filter.correlation_id,
        since,
        until,
        most,
        filter.event_id.as_deref(),
    )
    .fetch_all(connection)
    .await
}

/// Locks one dead letter, or says why it can't be sent or discarded now.
pub(super) async fn lock_parked(
    connection: &mut Connection,
    id: Uuid,
) -> Result<Result<Candidate, Refusal>, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT id, source, raw, document ->> 'rawEncoding' AS raw_encoding,
                  coalesce(document ? 'originalPartition', false) AS "is_from_kafka!", replay_count, parked_at,
                  status AS "status: super::DeadLetterStatus", claimed_until AS "claimed_until?", coalesce(claimed_until > now(), false) AS "is_claimed!"
           FROM dead_letters WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(connection)
    .await?;
    let Some(found) = found else {
        return Ok(Err(Refusal::NotFound));
    };
    if found.status != super::DeadLetterStatus::Parked {
        return Ok(Err(Refusal::NotParked { status: found.status }));
    }
    if let Some(until) = found.claimed_until.filter(|_| found.is_claimed) {
        return Ok(Err(Refusal::BeingReplayed { until }));
    }
    Ok(Ok(Candidate {
        id: found.id,
        source: found.source,
        raw: found.raw,
        raw_encoding: found.raw_encoding,
        is_from_kafka: found.is_from_kafka,
        replay_count: found.replay_count,
        parked_at: found.parked_at,
    }))
}

/// Takes the lease of locked dead letters; gives back its end, which is also what proves it.
pub(super) async fn claim(connection: &mut Connection, ids: &[Uuid]) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH lease AS (SELECT now() + make_interval(secs => $2) AS until),
              claimed AS (UPDATE dead_letters d SET claimed_until = lease.until FROM lease WHERE d.id = ANY($1))
           SELECT until AS "until!" FROM lease"#,
        ids,
        f64::from(LEASE_SECONDS),
    )
    .fetch_one(connection)
    .await
}

/// Keeps another body for a locked dead letter, with what it says about itself. The old one is in the audit log.
pub(super) async fn keep_edited(
    connection: &mut Connection,
    id: Uuid,
    body: &str,
) -> Result<(), sqlx::Error> {
    let event = Event::parse(body).ok();
    let envelope = event.as_ref().map(Event::envelope);
    sqlx::query!(
        "UPDATE dead_letters
         SET raw = $2, document = document - 'rawEncoding', event_type = coalesce($3, event_type),
             event_id = coalesce($4, event_id), correlation_id = coalesce($5, correlation_id)
         WHERE id = $1",
        id,
        body,
        event.as_ref().map(|event| event.event_type().wire_name()),
        envelope.map(|envelope| envelope.event_id.as_str()),
        envelope.map(|envelope| envelope.correlation().0),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks dead letters as sent back in these generations. One that was parked again in the meantime, or that another replay
/// marked after our lease ran out, is left as it is. Gives back how many were marked.
pub(super) async fn mark_sent_if_waiting(
    connection: &mut Connection,
    ids: &[Uuid],
    generations: &[i32],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH sent AS (
           SELECT d.id, s.generation FROM dead_letters d
           JOIN unnest($1::uuid[], $2::integer[]) AS s (id, generation) ON s.id = d.id
           WHERE d.status = 'parked' AND d.replay_count = s.generation - 1
           ORDER BY d.id FOR UPDATE OF d)
         UPDATE dead_letters d
         SET status = 'replayed', replay_count = sent.generation, replayed_at = now(), claimed_until = NULL
         FROM sent WHERE d.id = sent.id",
        ids,
        generations,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Gives back the lease of dead letters that were not sent, if it is still ours.
pub(super) async fn release_if_owned(
    connection: &mut Connection,
    ids: &[Uuid],
    lease: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH ours AS (
           SELECT d.id FROM dead_letters d
           WHERE d.id = ANY($1) AND d.status = 'parked' AND d.claimed_until = $2
           ORDER BY d.id FOR UPDATE)
         UPDATE dead_letters d SET claimed_until = NULL FROM ours WHERE d.id = ours.id",
        ids,
        lease,
    )
    .execute(connection)
    .await?;
    Ok(())
}
