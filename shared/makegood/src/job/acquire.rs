//! Claims runnable jobs: pending and due, the lowest priority number first, then the oldest.

use super::{Job, JobId, Lease};
use crate::db::Connection;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// A claimed row.
struct Claimed {
    id: Uuid,
    job_type: String,
    payload: Value,
    attempts: i32,
    max_attempts: i32,
}

impl Claimed {
    fn by(self, worker: &str) -> Job {
        Job {
            lease: Lease {
                id: JobId(self.id),
                attempts: self.attempts,
                locked_by: worker.to_owned(),
            },
            job_type: self.job_type,
            payload: self.payload,
            max_attempts: self.max_attempts,
        }
    }
}

/// Claims the next runnable job for this worker until `lease` is over; none when nothing is runnable. Never more than one,
/// whatever the planner believes of the table. Skips rows that another worker is claiming at this moment, and holds no lock
/// afterwards.
///
/// Behind 32 or more jobs that are not due, "oldest" means the oldest of the 32 that are due the longest.
///
/// # Errors
/// Those of the database.
pub async fn acquire_next_job(
    connection: &mut Connection,
    worker: &str,
    lease: Duration,
) -> Result<Option<Job>, sqlx::Error> {
    let claimed = sqlx::query_file_as!(Claimed, "src/job/claim_next.sql", worker, lease.as_secs_f64())
        .fetch_optional(connection)
        .await?;
    Ok(claimed.map(|claimed| claimed.by(worker)))
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
    let claimed = sqlx::query_as!(
        Claimed,
        "UPDATE job_queue
         SET status = 'processing', locked_by = $2, locked_until = now() + make_interval(secs => $3),
             attempts = attempts + 1, updated_at = now()
         WHERE id = (SELECT id FROM job_queue
                     WHERE id = $1 AND status = 'pending' AND scheduled_for <= now() FOR UPDATE SKIP LOCKED)
         RETURNING id, job_type, payload, attempts, max_attempts",
        id.0,
        worker,
        lease.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(claimed.map(|claimed| claimed.by(worker)))
}
