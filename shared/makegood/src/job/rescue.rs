//! Jobs whose worker died, and jobs that no worker took.

use super::JobId;
use crate::db::Connection;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

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
    rescue_expired_jobs_except(connection, &[], most).await
}

/// As [`rescue_expired_jobs`], but leaves these jobs.
///
/// # Errors
/// Those of the database.
pub async fn rescue_expired_jobs_except(
    connection: &mut Connection,
    passed: &[JobId],
    most: i64,
) -> Result<Vec<RescuedJob>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH expired AS MATERIALIZED (
             SELECT id, attempts, locked_by FROM job_queue
             WHERE status = 'processing' AND locked_until < now() AND id <> ALL($3)
             ORDER BY locked_until, id LIMIT $1 FOR UPDATE SKIP LOCKED)
           UPDATE job_queue j
           SET status = CASE WHEN j.attempts >= j.max_attempts THEN 'failed' ELSE 'pending' END,
               failed_at = CASE WHEN j.attempts >= j.max_attempts THEN now() END,
               scheduled_for = CASE WHEN j.attempts >= j.max_attempts THEN j.scheduled_for ELSE now() END,
               locked_by = NULL, locked_until = NULL, updated_at = now(),
               last_error = coalesce(j.last_error, $2 || ': the worker ' || j.locked_by || ' never came back')
           FROM expired
           WHERE j.id = expired.id AND j.attempts = expired.attempts AND j.locked_by = expired.locked_by
             AND j.status = 'processing'
           RETURNING j.id, j.job_type, j.payload, j.status = 'failed' AS "failed!""#,
        most,
        LEASE_EXPIRED,
        &ids(passed),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(RescuedJob::from).collect())
}

/// As [`rescue_expired_jobs`], but this very job, and waits for whoever holds its row, as long as the transaction's
/// `lock_timeout` lets it. None when the job is not with a dead worker any more.
///
/// # Errors
/// Those of the database; 55P03 when the row stays locked.
pub async fn rescue_job_if_expired(
    connection: &mut Connection,
    id: JobId,
) -> Result<Option<RescuedJob>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"UPDATE job_queue
           SET status = CASE WHEN attempts >= max_attempts THEN 'failed' ELSE 'pending' END,
               failed_at = CASE WHEN attempts >= max_attempts THEN now() END,
               scheduled_for = CASE WHEN attempts >= max_attempts THEN scheduled_for ELSE now() END,
               locked_by = NULL, locked_until = NULL, updated_at = now(),
               last_error = coalesce(last_error, $2 || ': the worker ' || locked_by || ' never came back')
           WHERE id = $1 AND status = 'processing' AND locked_until < now()
           RETURNING id, job_type, payload, status = 'failed' AS "failed!""#,
        id.0,
        LEASE_EXPIRED,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(RescuedJob::from))
}

/// Up to `most` jobs whose lease ran out, the longest expired first, but those of `passed`. Locks nothing.
///
/// # Errors
/// Those of the database.
pub async fn list_expired(
    connection: &mut Connection,
    passed: &[JobId],
    most: i64,
) -> Result<Vec<JobId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM job_queue
         WHERE status = 'processing' AND locked_until < now() AND id <> ALL($1)
         ORDER BY locked_until, id LIMIT $2",
        &ids(passed),
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(JobId).collect())
}

/// Up to `most` jobs that have been runnable for at least this long without anybody taking them: the lowest priority number
/// first, then those that are due the longest.
///
/// # Errors
/// Those of the database.
pub async fn list_untaken(
    connection: &mut Connection,
    waiting: Duration,
    most: i64,
) -> Result<Vec<JobId>, sqlx::Error> {
    let ids = sqlx::query_file_scalar!("src/job/list_untaken.sql", waiting.as_secs_f64(), most)
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(JobId).collect())
}

struct Row {
    id: Uuid,
    job_type: String,
    payload: Value,
    failed: bool,
}

impl From<Row> for RescuedJob {
    fn from(row: Row) -> Self {
        Self {
            id: JobId(row.id),
            job_type: row.job_type,
            payload: row.payload,
            rescue: if row.failed {
                Rescue::OutOfAttempts
            } else {
                Rescue::Requeued
            },
        }
    }
}

fn ids(jobs: &[JobId]) -> Vec<Uuid> {
    jobs.iter().map(|job| job.0).collect()
}
