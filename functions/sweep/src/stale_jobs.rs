//! The `stale-jobs` sweep: takes jobs away from workers that died, heals what is paid, and wakes what nobody took.
//!
//! A `finalize_order` job that is out of attempts is not left to a person where that can be helped. Its order is there:
//! it is completed. Its intent is paid and only dead workers are known against it: it gets its attempts back, once. Else it
//! stays failed, and a case is open for the paid intent.

use crate::handler::Sweep;
use makegood::case::CaseKind;
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
    /// Jobs that got their attempts back.
    pub attempts_returned: usize,
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

/// What became of a job that was out of attempts.
enum Healed {
    Completed,
    AttemptsReturned,
    Failed { case_opened: bool },
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
    metrics::counter!("JobsRequeued").increment(count(done.requeued));
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
    let mut chunk = StaleJobs::default();
    let mut requeued = Vec::new();
    for job in &rescued {
        match job.rescue {
            Rescue::Requeued => requeued.push(job.id),
            Rescue::OutOfAttempts => match heal(&mut transaction, job).await? {
                Healed::Completed => chunk.completed += 1,
                Healed::AttemptsReturned => {
                    chunk.attempts_returned += 1;
                    requeued.push(job.id);
                }
                Healed::Failed { case_opened } => {
                    chunk.failed += 1;
                    chunk.cases_opened += usize::from(case_opened);
                }
            },
        }
    }
    transaction.commit().await?;
    done.requeued += requeued.len();
    done.attempts_returned += chunk.attempts_returned;
    done.completed += chunk.completed;
    done.failed += chunk.failed;
    done.cases_opened += chunk.cases_opened;
    runnable.extend(requeued);
    Ok(rescued.len())
}

/// In the transaction that failed it, so that nobody sees it failed in between.
async fn heal(connection: &mut Connection, job: &RescuedJob) -> Result<Healed, sqlx::Error> {
    let intent = job.payload.get("payment_intent_id").and_then(Value::as_str);
    let (Some(intent_id), true) = (intent, job.job_type == JobType::FinalizeOrder.wire_name()) else {
        return Ok(Healed::Failed { case_opened: false });
    };
    let standing = standing(connection, intent_id).await?;
    if standing.has_order && job::complete_failed_job(connection, job.id).await? {
        return Ok(Healed::Completed);
    }
    if standing.is_paid && job::return_attempts_once(connection, job.id).await? {
        return Ok(Healed::AttemptsReturned);
    }
    let failure = JobFailure {
        code: "out_of_attempts",
        reason: "its workers died or failed until no attempt was left".to_owned(),
        is_permanent: true,
    };
    let case_opened =
        job::open_case_of_paid_intent(connection, CaseKind::Unfulfillable, intent_id, job.id, &failure)
            .await?;
    tracing::error!(job_id = %job.id, correlation_id = intent_id, case_opened, "the job is out of attempts");
    Ok(Healed::Failed { case_opened })
}

struct Standing {
    has_order: bool,
    is_paid: bool,
}

async fn standing(connection: &mut Connection, intent_id: &str) -> Result<Standing, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"SELECT EXISTS (SELECT FROM orders WHERE payment_intent_id = $1) AS "has_order!",
                  EXISTS (SELECT FROM payment_gateway_verifications
                          WHERE payment_intent_id = $1 AND status = 'success') AS "is_paid!""#,
        intent_id,
    )
    .fetch_one(connection)
    .await
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
