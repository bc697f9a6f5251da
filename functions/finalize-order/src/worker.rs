//! The worker: claims jobs, runs them, and finishes each under the guard of its lease.

use crate::handler::FinalizeOrder;
use crate::payload::intent_id;
use crate::refusal::Refusal;
use futures::FutureExt;
use makegood::case::CaseKind;
use makegood::delivery::Deadline;
use makegood::job::{self, FailedJob, Job, JobFailure, JobType};
use makegood::stock::{self, ReleasedAs};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout_at;

/// Jobs are begun only while at least this much time is left.
const LEFT_FOR_JOBS: Duration = Duration::from_secs(2);
/// How long one job may take when its set fails and it has to be made alone.
const FOR_ONE_JOB: Duration = Duration::from_millis(50);
/// The most jobs of one set: each holds its buyer's lock, and the table of such locks is finite; and a worker that dies takes as many
/// with it.
const MOST_JOBS: i32 = 50;
/// How long putting jobs back may take: less than the deadline keeps back for the answer.
const FOR_RETURNING: Duration = Duration::from_secs(1);

/// What became of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// Its work is done, by this worker or before.
    Completed,
    /// It runs again later.
    Requeued,
    /// It has failed for good, for this reason.
    Failed(String),
    /// The lease had been taken away: nothing was changed.
    LostLease,
}

/// What one invocation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    /// Jobs completed.
    pub completed: usize,
    /// Jobs put back for later.
    pub requeued: usize,
    /// Jobs failed for good.
    pub failed: usize,
    /// Jobs that were taken away.
    pub lost: usize,
    /// Jobs put back because the time was up or the database went away, without using an attempt.
    pub returned: usize,
    /// Whether jobs may be left because the time was up.
    pub time_was_up: bool,
}

impl Worked {
    fn and(mut self, finished: &[Finished]) -> Self {
        for finished in finished {
            match finished {
                Finished::Completed => self.completed += 1,
                Finished::Requeued => self.requeued += 1,
                Finished::Failed(_) => self.failed += 1,
                Finished::LostLease => self.lost += 1,
            }
        }
        self
    }
}

/// How many jobs are claimed at once with so much time left; none when no more are begun.
fn jobs_in(left: Duration) -> Option<i32> {
    let spare = left.checked_sub(LEFT_FOR_JOBS).filter(|spare| !spare.is_zero())?;
    let most = i32::try_from(spare.as_millis() / FOR_ONE_JOB.as_millis()).unwrap_or(MOST_JOBS);
    Some(most.clamp(1, MOST_JOBS))
}

/// How the work of a job that asks for no order ended, before the job itself is finished.
#[derive(Debug)]
pub(crate) enum Performed {
    /// Committed together with the job's completion.
    Done,
    /// Rolled back: the lease had been taken away.
    LostLease,
    /// Rolled back: this job will never succeed as it is.
    Refused(Refusal),
}

impl FinalizeOrder {
    /// Runs jobs until none is runnable or the time is up. Never fails: a database that can't be reached leaves the jobs
    /// where they are, and is logged.
    ///
    /// Leaves nothing `processing` behind: a job that is not done when the time is up is stopped, rolled back and put back
    /// without using an attempt, and so is one that was claimed when the database went away.
    pub async fn work(&self, deadline: Deadline) -> Worked {
        let mut worked = Worked::default();
        let mut finished = Vec::new();
        while let Some(most) = jobs_in(deadline.remaining()) {
            match timeout_at(deadline.instant(), self.run_next(most, &mut finished)).await {
                Ok(Ok(0)) => return worked.and(&finished),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "the queue of jobs can't be worked on; the stale-jobs sweep wakes us again");
                    worked.returned = self.return_jobs().await;
                    return worked.and(&finished);
                }
                Err(_) => worked.returned = self.return_jobs().await,
            }
        }
        worked.time_was_up = true;
        worked.and(&finished)
    }

    /// Puts back what this worker still holds; gives back how many jobs. What can't be put back now is rescued when its lease
    /// runs out.
    async fn return_jobs(&self) -> usize {
        let returning = async {
            let mut connection = self.publisher.database.acquire().await?;
            job::return_jobs_of(&mut connection, &self.worker).await
        };
        let returned = tokio::time::timeout(FOR_RETURNING, returning).await;
        match returned.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(jobs) if jobs.is_empty() => 0,
            Ok(jobs) => {
                tracing::warn!(jobs = ?jobs, "put back before their end, without using an attempt");
                jobs.len()
            }
            Err(error) => {
                tracing::warn!(%error, "jobs not put back; they are rescued when their leases run out");
                0
            }
        }
    }

    /// Claims up to `most` runnable jobs and runs them; gives back how many, none when nothing is runnable.
    ///
    /// # Errors
    /// Those of the database while claiming or failing; the leases then run out, and the jobs are rescued.
    pub async fn run_next(&self, most: i32, finished: &mut Vec<Finished>) -> Result<usize, sqlx::Error> {
        let claimed = {
            let mut connection = self.publisher.database.acquire().await?;
            job::acquire_next_jobs(&mut connection, &self.worker, self.lease, most).await?
        };
        let count = claimed.len();
        self.run(claimed, finished).await?;
        Ok(count)
    }

    /// Runs jobs that this worker holds, and notes what became of each as it is finished. Those in a row that ask for orders are one
    /// set; every other job runs by itself, in its turn. A panic fails the job that brought it out for good, and nothing else.
    ///
    /// # Errors
    /// Those of the database while failing one.
    pub async fn run(&self, jobs: Vec<Job>, finished: &mut Vec<Finished>) -> Result<(), sqlx::Error> {
        let mut set = Vec::new();
        for job in jobs {
            if JobType::from_wire_name(&job.job_type) == Some(JobType::FinalizeOrder) {
                set.push(job);
                continue;
            }
            self.make_orders(std::mem::take(&mut set), finished).await?;
            finished.push(self.run_other(&job).await?);
        }
        self.make_orders(set, finished).await
    }

    async fn run_other(&self, job: &Job) -> Result<Finished, sqlx::Error> {
        let performed = AssertUnwindSafe(self.perform_other(job).boxed())
            .catch_unwind()
            .await;
        let failure = match performed {
            Ok(Ok(Performed::Done)) => return Ok(Finished::Completed),
            Ok(Ok(Performed::LostLease)) => {
                self.log_lost(job);
                return Ok(Finished::LostLease);
            }
            Ok(Ok(Performed::Refused(refusal))) => return self.refuse(job, &refusal).await,
            Ok(Err(error)) => JobFailure::from(error),
            Err(_) => panicked(),
        };
        self.fail(job, &failure, None, false).await
    }

    async fn perform_other(&self, job: &Job) -> Result<Performed, sqlx::Error> {
        match JobType::from_wire_name(&job.job_type) {
            Some(JobType::HandlePaymentFailure) => self.handle_payment_failure(job).await,
            Some(JobType::ProcessRefund) => self.process_refund(job).await,
            Some(JobType::FinalizeOrder) | None => {
                Ok(Performed::Refused(Refusal::UnknownJobType(job.job_type.clone())))
            }
        }
    }

    /// Fails a job that will never succeed as it is.
    pub(crate) async fn refuse(&self, job: &Job, refusal: &Refusal) -> Result<Finished, sqlx::Error> {
        self.fail(job, &refusal.failure(), refusal.case(), refusal.frees_stock())
            .await
    }

    /// Failing the job and opening the case are one transaction: no paid intent is without both.
    pub(crate) async fn fail(
        &self,
        job: &Job,
        failure: &JobFailure,
        case: Option<CaseKind>,
        frees_stock: bool,
    ) -> Result<Finished, sqlx::Error> {
        let mut transaction = self.publisher.database.begin().await?;
        if let (true, Some(intent)) = (frees_stock, intent_id(&job.payload)) {
            // Before the job's row, as everybody; rolled back with it when the lease is lost.
            stock::release_if_active(&mut transaction, intent, ReleasedAs::Released).await?;
        }
        let failed = job::fail_job_if_owned(&mut transaction, job, failure).await?;
        if matches!(failed, FailedJob::LostRace) {
            transaction.rollback().await?;
            return Ok(self.report(job, failure, failed).await);
        }
        let is_order = job.job_type == JobType::FinalizeOrder.wire_name();
        if let (FailedJob::ForGood, true, Some(kind), Some(intent)) =
            (failed, is_order, case, intent_id(&job.payload))
        {
            job::open_case_of_paid_intent(&mut transaction, kind, intent, job.lease.id, failure).await?;
        }
        transaction.commit().await?;
        Ok(self.report(job, failure, failed).await)
    }

    async fn report(&self, job: &Job, failure: &JobFailure, failed: FailedJob) -> Finished {
        let (job_id, attempt) = (job.lease.id, job.lease.attempts);
        let correlation_id = intent_id(&job.payload).unwrap_or_default();
        let (code, reason, cause) = (failure.code, failure.reason.as_str(), failure.cause.wire_name());
        match failed {
            FailedJob::ForGood => {
                metrics::counter!("JobsFailed").increment(1);
                tracing::error!(%job_id, attempt, correlation_id, code, reason, cause, "the job has failed for good");
                Finished::Failed(failure.to_string())
            }
            FailedJob::Requeued { delay } => {
                tracing::warn!(%job_id, attempt, correlation_id, code, reason, cause, "the job failed and runs again later");
                if let Some(waker) = &self.waker {
                    waker.wake(&[job.lease.id], delay).await;
                }
                Finished::Requeued
            }
            FailedJob::LostRace => {
                self.log_lost(job);
                Finished::LostLease
            }
        }
    }

    pub(crate) fn log_lost(&self, job: &Job) {
        tracing::warn!(
            job_id = %job.lease.id,
            attempt = job.lease.attempts,
            correlation_id = intent_id(&job.payload).unwrap_or_default(),
            "the lease was taken away meanwhile: nothing was changed"
        );
    }
}

/// The panic's own message went to the log already; here it may hold anything.
pub(crate) fn panicked() -> JobFailure {
    JobFailure::permanent(
        "panic",
        "the worker panicked over this job; see the log, fix the defect, retry the job",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_time_is_left_the_fewer_jobs_are_claimed_and_none_at_the_end() {
        let jobs = |millis| jobs_in(Duration::from_millis(millis));
        assert_eq!(jobs(30_000), Some(MOST_JOBS));
        assert_eq!(jobs(3_000), Some(20));
        assert_eq!(jobs(2_001), Some(1));
        assert_eq!(jobs(2_000), None);
        assert_eq!(jobs(0), None);
    }
}
