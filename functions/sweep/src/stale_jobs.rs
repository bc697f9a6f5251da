//! The `stale-jobs` sweep: takes jobs away from workers that died, heals what is paid, and wakes what nobody took.
//!
//! A job that is out of attempts is not left to a person where that can be helped. Its order is there: it is completed. Its workers
//! died: that uses up no attempt, a bounded number of times. Else it stays failed, and a case is open for the paid intent. What
//! failed for another cause than its own fault runs again with growing pauses, case or not (docs/decisions/0030).

use crate::handler::Sweep;
use makegood::case::CaseKind;
use makegood::cause::Cause;
use makegood::db::Connection;
use makegood::delivery::Deadline;
use makegood::job::{self, JobFailure, JobId, JobType, Rescue, RescuedJob};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many jobs one transaction takes away.
const CHUNK: i64 = 200;
/// How many jobs one run wakes at most; each worker that wakes goes on until nothing is runnable.
const MOST_WOKEN: i64 = 200;
/// A job that is runnable for less long has a wake-up under way.
const UNTAKEN_AFTER: Duration = Duration::from_secs(30);
/// Kept back for the wake-ups and the answer.
const RESERVE: Duration = Duration::from_secs(3);

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StaleJobs {
    /// Jobs that are runnable again, those that got their attempts back included.
    pub requeued: usize,
    /// Jobs that were out of attempts and run again all the same, since a worker's death uses up none.
    pub attempts_returned: usize,
    /// Failed jobs that run again because it was not their own fault.
    pub healed: usize,
    /// Jobs whose work was done already.
    pub completed: usize,
    /// Jobs failed for good.
    pub failed: usize,
    /// Cases opened.
    pub cases_opened: usize,
    /// Runnable jobs that nobody took, as this run found them; those just requeued included.
    pub untaken: usize,
    /// Wake-ups sent.
    pub woken: usize,
}

pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<StaleJobs, sqlx::Error> {
    let mut done = StaleJobs::default();
    let mut runnable = BTreeSet::new();
    while deadline.remaining() > RESERVE {
        let rescued = rescue_chunk(sweep, &mut done, &mut runnable).await?;
        if rescued < usize::try_from(CHUNK).unwrap_or(usize::MAX) {
            break;
        }
    }
    heal(sweep, deadline, &mut done, &mut runnable).await?;
    metrics::counter!("JobsRequeued").increment(count(done.requeued + done.healed));
    metrics::counter!("JobsFailed").increment(count(done.failed));
    wake(sweep, &mut done, runnable).await?;
    Ok(done)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

async fn rescue_chunk(
    sweep: &Sweep,
    done: &mut StaleJobs,
    runnable: &mut BTreeSet<JobId>,
) -> Result<usize, sqlx::Error> {
    let mut transaction = sweep.publisher.database.begin().await?;
    let rescued = job::rescue_expired_jobs(&mut transaction, CHUNK).await?;
    let (mut undone, mut completed) = (Vec::new(), 0);
    for job in &rescued {
        match complete_if_done(&mut transaction, job).await? {
            true => completed += 1,
            false => undone.push(job),
        }
    }
    let ids: Vec<JobId> = undone.iter().map(|job| job.id).collect();
    let spared = job::spare_lost_workers(&mut transaction, &ids).await?;
    let mut chunk = StaleJobs::default();
    let mut requeued = Vec::new();
    for job in undone {
        match (job.rescue, spared.contains(&job.id)) {
            (Rescue::Requeued, _) => requeued.push(job.id),
            (Rescue::OutOfAttempts, true) => {
                chunk.attempts_returned += 1;
                requeued.push(job.id);
            }
            (Rescue::OutOfAttempts, false) => {
                chunk.failed += 1;
                chunk.cases_opened += usize::from(open_case(&mut transaction, job).await?);
            }
        }
    }
    transaction.commit().await?;
    done.requeued += requeued.len();
    done.attempts_returned += chunk.attempts_returned;
    done.completed += completed;
    done.failed += chunk.failed;
    done.cases_opened += chunk.cases_opened;
    runnable.extend(requeued);
    Ok(rescued.len())
}

/// In the transaction that failed it, so that nobody sees it failed in between.
async fn complete_if_done(connection: &mut Connection, job: &RescuedJob) -> Result<bool, sqlx::Error> {
    let Some(intent_id) = intent_of_order(job).filter(|_| job.rescue == Rescue::OutOfAttempts) else {
        return Ok(false);
    };
    let has_order = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM orders WHERE payment_intent_id = $1) AS "has_order!""#,
        intent_id
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(has_order && job::complete_failed_job(connection, job.id).await?)
}

/// For the paid intent of a job that lost more workers than it is spared. It runs again with growing pauses; a person knows of it.
async fn open_case(connection: &mut Connection, job: &RescuedJob) -> Result<bool, sqlx::Error> {
    let Some(intent_id) = intent_of_order(job) else {
        return Ok(false);
    };
    let reason = "its workers died or failed until no attempt was left";
    let failure = JobFailure::passing("out_of_attempts", reason, Cause::WorkerLost);
    let kind = CaseKind::Unfulfillable;
    let opened = job::open_case_of_paid_intent(connection, kind, intent_id, job.id, &failure).await?;
    tracing::error!(job_id = %job.id, correlation_id = intent_id, opened, "the job is out of attempts");
    Ok(opened)
}

/// The intent whose order the job makes; none when it is another type of job.
fn intent_of_order(job: &RescuedJob) -> Option<&str> {
    let intent = job.payload.get("payment_intent_id").and_then(Value::as_str);
    intent.filter(|_| job.job_type == JobType::FinalizeOrder.wire_name())
}

/// Jobs that failed for another cause than their own fault run again, chunk by chunk; their cases are closed by the order.
async fn heal(
    sweep: &Sweep,
    deadline: Deadline,
    done: &mut StaleJobs,
    runnable: &mut BTreeSet<JobId>,
) -> Result<(), sqlx::Error> {
    while deadline.remaining() > RESERVE {
        let mut connection = sweep.publisher.database.acquire().await?;
        let healed = job::requeue_healable(&mut connection, CHUNK).await?;
        done.healed += healed.len();
        let is_last = healed.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
        runnable.extend(healed);
        if is_last {
            break;
        }
    }
    Ok(())
}

async fn wake(sweep: &Sweep, done: &mut StaleJobs, mut runnable: BTreeSet<JobId>) -> Result<(), sqlx::Error> {
    let untaken = {
        let mut connection = sweep.publisher.database.acquire().await?;
        job::list_untaken(&mut connection, UNTAKEN_AFTER, MOST_WOKEN).await?
    };
    runnable.extend(untaken);
    done.untaken = runnable.len();
    let most = usize::try_from(MOST_WOKEN).unwrap_or(usize::MAX);
    let jobs: Vec<JobId> = runnable.into_iter().take(most).collect();
    if let Some(waker) = &sweep.waker {
        done.woken = waker.wake(&jobs, Duration::ZERO).await;
    } else if !jobs.is_empty() {
        tracing::warn!(
            jobs = jobs.len(),
            "runnable jobs that nobody took; set JOBS_QUEUE_URL to wake workers"
        );
    }
    Ok(())
}
