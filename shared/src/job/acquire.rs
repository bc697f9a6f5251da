//! Claims runnable jobs: pending and due, the lowest priority number first, then the oldest.

use super::{Job, JobId, Lease};
use crate::db::Connection;
use std::time::Duration;
use uuid::Uuid;

/// Claims the next runnable job for this worker until `lease` is over; none when nothing is runnable. Skips rows that
/// another worker is claiming at this moment, and holds no lock afterwards.
///
/// # Errors
/// Those of the database.
pub async fn acquire_next_job(
    connection: &mut Connection,
    worker: &str,
    lease: Duration,
) -> Result<Option<Job>, sqlx::Error> {
    acquire(connection, None, worker, lease).await
}

/// As [`acquire_next_job`], but this very job; none when it is not runnable now.
///
/// # Errors
/// Those of the database.
pub async fn acquire_job(
    connection: &mut Connection,
    id: JobId,
    worker: &str,
    lease: Duration,
) -> Result<Option<Job>, sqlx::Error> {
    acquire(connection, Some(id.0), worker, lease).await
}

async fn acquire(
    connection: &mut Connection,
    id: Option<Uuid>,
    worker: &str,
    lease: Duration,
) -> Result<Option<Job>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE job_queue j
         SET status = 'processing', locked_by = $2, locked_until = now() + make_interval(secs => $3),
             attempts = j.attempts + 1, updated_at = now()
         FROM (SELECT id FROM job_queue
               WHERE status = 'pending' AND scheduled_for <= now() AND ($1::uuid IS NULL OR id = $1)
               ORDER BY priority, created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) next
         WHERE j.id = next.id
         RETURNING j.id, j.job_type, j.payload, j.attempts, j.max_attempts",
        id,
        worker,
        lease.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Job {
        lease: Lease {
            id: JobId(row.id),
            attempts: row.attempts,
            locked_by: worker.to_owned(),
        },
        job_type: row.job_type,
        payload: row.payload,
        max_attempts: row.max_attempts,
    }))
}
