//! Rows of the outbox: written, claimed under a lease, finished. None of these commits.

use super::{OutboxEvent, OutboxRow};
use crate::db::Connection;
use crate::ids::CorrelationId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long a writer or a sweep owns a row before another may publish it.
pub const LEASE_SECONDS: i32 = 30;
/// The pause after a row's first failure; it doubles with each.
const FIRST_PAUSE_SECONDS: f64 = 10.0;
/// The longest pause: a queue that works again is served within so long, and the alarm on the oldest event needs as much.
const LONGEST_PAUSE_SECONDS: f64 = 300.0;

/// After how many attempts a row that is refused for what is in it is moved to the dead letters.
const MOST_ATTEMPTS: i32 = 3;

/// What `taken_by` holds: the queues that took the event, as of the attempt that noted them. Every attempt after it, the one that
/// published the row included, makes it void, so that whoever writes the event again need not know of it.
#[derive(Debug, Serialize, Deserialize)]
struct TakenBy {
    attempts: i32,
    queues: Vec<String>,
}

/// A claimed row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claimed {
    /// The row.
    pub(super) row: OutboxRow,
    /// The queues that took it before.
    pub(super) taken_by: Vec<String>,
}

/// A row that did not reach everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unpublished {
    /// Its key.
    pub(super) id: i64,
    /// Why.
    pub(super) reason: String,
    /// The queues, or the topic, that refuse what is in it and always will.
    pub(super) refused_by: Vec<String>,
    /// All queues that took it, now and before.
    pub(super) taken_by: Vec<String>,
}

/// Writes events under a lease of this invocation, which publishes them after the commit. Gives back the rows written;
/// an event that is there already is left as it is, and is not among them.
///
/// # Errors
/// Those of the database.
pub async fn enqueue(
    connection: &mut Connection,
    outbox_events: &[OutboxEvent],
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    write(connection, outbox_events, false).await
}

/// As [`enqueue`], but an event that was published already is published once more, to everybody: what was published got lost,
/// or its consumer must look again. One that is waiting under a live lease, or for its next try, is left to its owner.
///
/// # Errors
/// Those of the database.
pub async fn publish_again(
    connection: &mut Connection,
    outbox_events: &[OutboxEvent],
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    write(connection, outbox_events, true).await
}

async fn write(
    connection: &mut Connection,
    outbox_events: &[OutboxEvent],
    again: bool,
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    if outbox_events.is_empty() {
        return Ok(Vec::new());
    }
    let event_ids: Vec<String> = outbox_events.iter().map(|event| event.event_id.clone()).collect();
    let types: Vec<String> = outbox_events
        .iter()
        .map(|event| event.event_type.wire_name().to_owned())
        .collect();
    let topics: Vec<String> = outbox_events
        .iter()
        .map(|event| event.event_type.topic().to_owned())
        .collect();
    let payloads: Vec<_> = outbox_events.iter().map(|event| event.payload.clone()).collect();
    let correlations: Vec<_> = outbox_events.iter().map(|event| event.correlation.0).collect();
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

/// Claims up to `most` of the oldest rows behind this one that no sender owns and whose pause is over, under a lease, but none of
/// these topics; skips rows that another sweep is claiming at this moment. Gives them back in their order.
///
/// `after` keeps a run from reading again what it published before: an old snapshot anywhere keeps those index entries alive.
///
/// # Errors
/// Those of the database.
pub(super) async fn claim(
    connection: &mut Connection,
    most: i64,
    after: i64,
    without_topics: &[String],
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH free AS MATERIALIZED (
             SELECT id FROM outbox
             WHERE published_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
               AND id > $3 AND topic <> ALL($4)
             ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
           UPDATE outbox o SET claimed_until = now() + make_interval(secs => $2)
           FROM free WHERE o.id = free.id
           RETURNING o.id, o.event_id, o.event_type, o.topic, o.correlation_id AS "correlation_id!", o.payload,
                     o.attempts, o.taken_by"#,
        most,
        f64::from(LEASE_SECONDS),
        after,
        without_topics,
    )
    .fetch_all(connection)
    .await?;
    let mut claimed: Vec<Claimed> = rows
        .into_iter()
        .map(|row| Claimed {
            taken_by: read_queues(row.taken_by, row.attempts),
            row: OutboxRow {
                id: row.id,
                event_id: row.event_id,
                event_type: row.event_type,
                topic: row.topic,
                correlation: CorrelationId(row.correlation_id),
                payload: row.payload,
            },
        })
        .collect();
    claimed.sort_by_key(|claimed| claimed.row.id);
    Ok(claimed)
}

/// What can't be read counts for no queue: the queues are sent the event again.
fn read_queues(taken_by: Option<Value>, attempts: i32) -> Vec<String> {
    let taken_by = taken_by.and_then(|column| serde_json::from_value::<TakenBy>(column).ok());
    taken_by
        .filter(|taken_by| taken_by.attempts == attempts)
        .map_or_else(Vec::new, |taken_by| taken_by.queues)
}

/// Marks rows as published, unless another sender did so first.
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

/// Notes why rows were not published and which queues have them, and lets each wait: ten seconds after its first failure, twice
/// as long after each further one, five minutes at most, give or take a quarter. Until then no sweep takes it.
///
/// # Errors
/// Those of the database.
pub(super) async fn note_failures(
    connection: &mut Connection,
    failures: &[Unpublished],
) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = failures.iter().map(|failed| failed.id).collect();
    let reasons: Vec<String> = failures.iter().map(|failed| failed.reason.clone()).collect();
    let taken_by: Vec<Value> = failures.iter().map(|failed| json!(failed.taken_by)).collect();
    sqlx::query!(
        "UPDATE outbox o
         SET attempts = o.attempts + 1, last_error = f.reason,
             taken_by = CASE WHEN f.queues <> '[]' THEN jsonb_build_object('attempts', o.attempts + 1, 'queues', f.queues) END,
             claimed_until = now() + make_interval(secs =>
               least($4::float8 * 2 ^ least(o.attempts, 10), $5::float8) * (0.75 + random() / 2))
         FROM unnest($1::bigint[], $2::text[], $3::jsonb[]) AS f (id, reason, queues)
         WHERE o.id = f.id AND o.published_at IS NULL",
        &ids,
        &reasons,
        &taken_by,
        FIRST_PAUSE_SECONDS,
        LONGEST_PAUSE_SECONDS,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the rows that were refused for what is in them, at their third attempt at the latest, to the dead letters: one for each queue
/// that refuses it, under that queue's name, so that a corrected payload can be replayed to it. Gives back how many. Other rows stay.
///
/// # Errors
/// Those of the database.
pub(super) async fn park_refused(
    connection: &mut Connection,
    failures: &[Unpublished],
) -> Result<u64, sqlx::Error> {
    let refused = failures
        .iter()
        .flat_map(|failed| failed.refused_by.iter().map(|by| (failed.id, queue_name(by))));
    let (ids, sources): (Vec<i64>, Vec<String>) = refused.unzip();
    let done = sqlx::query_file!("src/outbox/park_refused.sql", &ids, &sources, MOST_ATTEMPTS)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// The last part of a queue's URL, which is how dead letters name their source; a topic is its own name.
fn queue_name(url: &str) -> String {
    let name = url.trim_end_matches('/').rsplit('/').next();
    name.unwrap_or(url).to_owned()
}

/// Deletes up to `most` rows published over seven days ago, the oldest first; gives back how many. Never more, whatever the
/// planner believes of the table.
///
/// # Errors
/// Those of the database.
pub async fn retire(connection: &mut Connection, most: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH old AS MATERIALIZED (
           SELECT id FROM outbox WHERE published_at < now() - interval '7 days'
           ORDER BY published_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         DELETE FROM outbox o USING old WHERE o.id = old.id",
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
