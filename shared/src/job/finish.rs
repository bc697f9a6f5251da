//! What the owner of a job does at its end, under the guard `(id, attempts, locked_by)`.

use super::{Completion, FailedJob, Job, JobFailure, Lease};
use crate::db::Connection;
use crate::delivery::retry_delay;
use crate::idempotency::clip;

/// The most characters of an error that are kept.
const LONGEST_ERROR: usize = 1_000;

/// Completes the job. Belongs at the end of the transaction that did the work: on [`Completion::LostRace`] the caller
/// rolls it all back. Waits for a rescuer that holds the row, and then sees what it did.
///
/// # Errors
/// Those of the database.
pub async fn complete_job_if_owned(
    connection: &mut Connection,
    lease: &Lease,
) -> Result<Completion, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE job_queue
         SET status = 'completed', completed_at = now(), updated_at = now(), locked_by = NULL, locked_until = NULL,
             last_error = NULL
         WHERE id = $1 AND attempts = $2 AND locked_by = $3 AND status = 'processing'",
        lease.id.0,
        lease.attempts,
        lease.locked_by,
    )
    .execute(connection)
    .await?;
    Ok(match done.rows_affected() {
        0 => Completion::LostRace,
        _ => Completion::Completed,
    })
}

/// Puts the job back for later (exponential backoff with jitter through `scheduled_for`), or fails it for good when the
/// failure is permanent or no attempt is left.
///
/// # Errors
/// Those of the database.
pub async fn fail_job_if_owned(
    connection: &mut Connection,
    job: &Job,
    failure: &JobFailure,
) -> Result<FailedJob, sqlx::Error> {
    let is_final = failure.is_permanent || job.lease.attempts >= job.max_attempts;
    let delay = retry_delay(u32::try_from(job.lease.attempts).unwrap_or(1));
    let done = sqlx::query!(
        "UPDATE job_queue
         SET status = CASE WHEN $4 THEN 'failed' ELSE 'pending' END,
             failed_at = CASE WHEN $4 THEN now() END,
             scheduled_for = CASE WHEN $4 THEN scheduled_for ELSE now() + make_interval(secs => $5) END,
             locked_by = NULL, locked_until = NULL, updated_at = now(), last_error = $6
         WHERE id = $1 AND attempts = $2 AND locked_by = $3 AND status = 'processing'",
        job.lease.id.0,
        job.lease.attempts,
        job.lease.locked_by,
        is_final,
        delay.as_secs_f64(),
        clip(&failure.to_string(), LONGEST_ERROR),
    )
    .execute(connection)
    .await?;
    Ok(match (done.rows_affected(), is_final) {
        (0, _) => FailedJob::LostRace,
        (_, true) => FailedJob::ForGood,
        (_, false) => FailedJob::Requeued { delay },
    })
}
