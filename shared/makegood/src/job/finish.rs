//! What the owner of a job does at its end, under the guard `(id, attempts, locked_by)`.

use super::{Completion, FailedJob, Job, JobFailure, JobId, Lease};
use crate::cause::Cause;
use crate::db::Connection;
use crate::delivery::retry_delay;
use crate::idempotency::clip;
use std::time::Duration;

/// The most characters of an error that are kept.
const LONGEST_ERROR: usize = 1_000;
/// How many runs of one job may fail for a cause that is not its own fault before they count. With pauses of about a minute that is
/// an hour; a record that only looks like an outage (a page that can't be read) must come to a person's eyes.
const MOST_SPARED: i32 = 50;

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
/// failure is permanent or no attempt is left. A failure that is not the job's own fault uses up no attempt
/// (`MOST_SPARED` times at most): `max_attempts` grows with it.
///
/// # Errors
/// Those of the database.
pub async fn fail_job_if_owned(
    connection: &mut Connection,
    job: &Job,
    failure: &JobFailure,
) -> Result<FailedJob, sqlx::Error> {
    let delay = delay(job.lease.attempts, failure.cause);
    let is_final = sqlx::query_file_scalar!(
        "src/job/fail.sql",
        job.lease.id.0,
        job.lease.attempts,
        job.lease.locked_by,
        failure.is_permanent,
        failure.cause.uses_attempt(),
        MOST_SPARED,
        delay.as_secs_f64(),
        failure.cause.wire_name(),
        clip(&failure.to_string(), LONGEST_ERROR),
    )
    .fetch_optional(connection)
    .await?;
    Ok(match is_final {
        None => FailedJob::LostRace,
        Some(true) => FailedJob::ForGood,
        Some(false) => FailedJob::Requeued { delay },
    })
}

/// Puts every job that this worker still holds back at the end of its invocation, for later, without using an attempt:
/// `max_attempts` is raised and `attempts` left alone, since its number is part of the guard and never comes twice. Gives back which.
///
/// `locked_by` is the guard: a worker's name is its environment's alone, and an environment runs one invocation at a time.
/// A job that was completed, failed or rescued meanwhile is left as it is.
///
/// # Errors
/// Those of the database; the leases then run out, and the jobs are rescued.
pub async fn return_jobs_of(connection: &mut Connection, worker: &str) -> Result<Vec<JobId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "UPDATE job_queue
         SET status = 'pending', scheduled_for = now() + make_interval(secs => $2), locked_by = NULL, locked_until = NULL,
             max_attempts = max_attempts + 1, updated_at = now()
         WHERE status = 'processing' AND locked_by = $1
         RETURNING id",
        worker,
        retry_delay(1).as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(JobId).collect())
}

/// `attempts` counts spared runs as well, so the pauses are bounded: a database that is back must not wait a quarter of an hour for
/// paid orders, and a lock is held for seconds.
fn delay(attempts: i32, cause: Cause) -> Duration {
    let longest = match cause {
        Cause::Lock => 3,
        Cause::Outage | Cause::Drift | Cause::WorkerLost | Cause::OwnFault => 6,
    };
    retry_delay(u32::try_from(attempts).unwrap_or(1).min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_it_was_spared_a_job_waits_about_a_minute_and_for_a_lock_some_seconds() {
        for attempts in [1, 7, 60] {
            assert!(delay(attempts, Cause::Outage) <= Duration::from_secs(64));
            assert!(delay(attempts, Cause::Lock) <= Duration::from_secs(8));
        }
    }
}
