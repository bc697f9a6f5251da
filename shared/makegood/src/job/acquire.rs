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

/// The most jobs that one claim takes.
pub const MOST_JOBS_A_CLAIM: i32 = 100;

/// Claims up to `most` runnable jobs for this worker until `lease` is over, the first first; none when nothing is runnable. Never
/// more, whatever the planner believes of the table. Skips rows that another worker is claiming at this moment, and holds no lock
/// afterwards.
///
/// Jobs that are claimed together are run together, and die together when their worker dies. So a job that failed for another
/// cause than its own fault is claimed with half as many others each time, and one whose worker never came back is claimed alone.
///
/// Behind as many jobs that are not due as a claim reads (32, or twice `most`), "oldest" means the oldest of those that are due the
/// longest.
///
/// # Errors
/// Those of the database.
pub async fn acquire_next_jobs(
    connection: &mut Connection,
    worker: &str,
    lease: Duration,
    most: i32,
) -> Result<Vec<Job>, sqlx::Error> {
    let most = most.clamp(1, MOST_JOBS_A_CLAIM);
    let mut rows = sqlx::query_file!("src/job/claim_next.sql", worker, lease.as_secs_f64(), most)
        .fetch_all(connection)
        .await?;
    rows.sort_by_key(|row| row.place);
    let claimed = rows.into_iter().map(|row| Claimed {
        id: row.id,
        job_type: row.job_type,
        payload: row.payload,
        attempts: row.attempts,
        max_attempts: row.max_attempts,
    });
    Ok(claimed.map(|claimed| claimed.by(worker)).collect())
}

/// As [`acquire_next_jobs`], but this very job; none when it is not runnable now.
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
