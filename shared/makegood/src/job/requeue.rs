//! Another run for a job that ended without doing its work: once where it failed by itself, again and again with growing pauses where
//! it was not its own fault.

use super::{JobId, JobType};
use crate::case;
use crate::db::Connection;
use std::time::Duration;

/// How many attempts a requeued job gets.
const ATTEMPTS: i32 = 3;
/// The least time between the failure of a job that was not its own fault and its next run; the pause is a quarter of the age at
/// which it failed, at most [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// The most.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);
/// For how long after it was written a job runs again by itself. Its case stays open; after this a person decides.
const HEALS_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Makes a job that failed or completed runnable again, once in its life: a job that was requeued before stays as it is. False
/// when nothing was changed. Whoever calls this has seen, under the intent's lock, that the work is not done and that no case
/// gives it to a person.
///
/// `enqueue` can't do this: the same key is the same job, whatever became of it. `attempts` is left alone: its number is part
/// of the guard and never comes twice.
///
/// # Errors
/// Those of the database.
pub async fn requeue_ended_job_once(connection: &mut Connection, id: JobId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE job_queue
           SET status = 'pending', scheduled_for = now(), failed_at = NULL, completed_at = NULL, updated_at = now(),
               max_attempts = attempts + $2, payload = payload || '{"requeued": true}'
           WHERE id = $1 AND status IN ('failed', 'completed') AND NOT payload ? 'requeued'"#,
        id.0,
        ATTEMPTS,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes up to `most` jobs runnable that failed for another cause than their own fault and whose pause is over, the longest failed
/// first, each with three attempts; gives back which. None that a person has: for the order of an intent, one with another case than
/// the job's own open, or with one that a person resolved. Skips a job that another transaction is changing at this moment. By
/// index: costs what it finds.
///
/// # Errors
/// Those of the database.
pub async fn requeue_healable(connection: &mut Connection, most: i64) -> Result<Vec<JobId>, sqlx::Error> {
    let ids = sqlx::query_file_scalar!(
        "src/job/requeue_healable.sql",
        SHORTEST_PAUSE.as_secs_f64(),
        LONGEST_PAUSE.as_secs_f64(),
        HEALS_FOR.as_secs_f64(),
        JobType::FinalizeOrder.wire_name(),
        most,
        &case::programs(),
        ATTEMPTS,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(JobId).collect())
}
