//! Jobs whose worker died, and jobs that nobody took.

use super::JobId;
use crate::db::Connection;
use serde_json::Value;
use std::time::Duration;

/// What begins the `last_error` of a job of which nothing but dead workers is known.
pub(super) const LEASE_EXPIRED: &str = "lease_expired";

/// What became of a job whose lease ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescue {
    /// It is runnable again, at once.
    Requeued,
    /// No attempt was left: it has failed.
    OutOfAttempts,
}

/// A job whose lease ran out.
#[derive(Debug, Clone, PartialEq)]
pub struct RescuedJob {
    /// The job.
    pub id: JobId,
    /// As the column has it.
    pub job_type: String,
    /// Its parameters.
    pub payload: Value,
    /// What became of it.
    pub rescue: Rescue,
}

/// Takes up to `most` jobs away from workers whose lease ran out, the longest expired first: requeues them, or fails those
/// out of attempts. Skips a job that its owner is finishing at this moment. The rows stay locked until the transaction ends.
///
/// # Errors
/// Those of the database.
pub async fn rescue_expired_jobs(
    connection: &mut Connection,
    most: i64,
) -> Result<Vec<RescuedJob>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"UPDATE job_queue j
           SET status = CASE WHEN j.attempts >= j.max_attempts THEN 'failed' ELSE 'pending' END,
               failed_at = CASE WHEN j.attempts >= j.max_attempts THEN now() END,
               scheduled_for = CASE WHEN j.attempts >= j.max_attempts THEN j.scheduled_for ELSE now() END,
               locked_by = NULL, locked_until = NULL, updated_at = now(),
               last_error = coalesce(j.last_error, $2 || ': the worker ' || j.locked_by || ' never came back')
           FROM (SELECT id, attempts, locked_by FROM job_queue
                 WHERE status = 'processing' AND locked_until < now()
                 ORDER BY locked_until, id LIMIT $1 FOR UPDATE SKIP LOCKED) expired
           WHERE j.id = expired.id AND j.attempts = expired.attempts AND j.locked_by = expired.locked_by
             AND j.status = 'processing'
           RETURNING j.id, j.job_type, j.payload, j.status = 'failed' AS "failed!""#,
        most,
        LEASE_EXPIRED,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RescuedJob {
            id: JobId(row.id),
            job_type: row.job_type,
            payload: row.payload,
            rescue: if row.failed {
                Rescue::OutOfAttempts
            } else {
                Rescue::Requeued
            },
        })
        .collect())
}

/// Up to `most` jobs that have been runnable for at least this long without anybody taking them, in the order in which
/// they run.
///
/// # Errors
/// Those of the database.
pub async fn list_untaken(
    connection: &mut Connection,
    waiting: Duration,
    most: i64,
) -> Result<Vec<JobId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM job_queue
         WHERE status = 'pending' AND scheduled_for <= now() - make_interval(secs => $1)
         ORDER BY priority, created_at, id LIMIT $2",
        waiting.as_secs_f64(),
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(JobId).collect())
}
