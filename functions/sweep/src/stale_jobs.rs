//! The `stale-jobs` sweep: takes jobs away from workers that died, heals what is paid, and wakes what no worker took.
//!
//! A job that is out of attempts is not left to a person where that can be helped. Its order is there: it is completed. Its workers
//! died: that uses up no attempt, a bounded number of times. Else it stays failed, and a case is open for the paid intent. What
//! failed for another cause than its own fault runs again with growing pauses, case or not (docs/decisions/0030).

use crate::context::Sweep;
use makegood::case::CaseKind;
use makegood::cause::Cause;
use makegood::db::{Connection, ErrorClass, Transaction, classify, describe};
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
/// How long a job that is taken alone waits for a row.
const WAIT_SHORTLY: &str = "SET LOCAL lock_timeout = '1s'";

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
    /// Runnable jobs that no worker took, as this run found them; those just requeued included.
    pub untaken: usize,
    /// Wake-ups sent.
    pub woken: usize,
    /// Jobs of dead workers that could not be taken away now: another transaction holds their rows, or the database refuses.
    pub left: usize,
}

/// Chunk by chunk. A chunk that fails at one of its jobs is taken one by one; what fails alone is left and counted. What its owner
/// or another transaction holds is tried once more at the end with a short wait, and then left to the next run.
pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<StaleJobs, sqlx::Error> {
    let mut run = Run {
        sweep,
        deadline,
        done: StaleJobs::default(),
        runnable: BTreeSet::new(),
        left: Vec::new(),
    };
    run.rescue_all().await?;
    run.heal().await?;
    let mut done = run.done;
    done.left = run.left.len();
    metrics::counter!("JobsRequeued").increment(count(done.requeued + done.healed));
    metrics::counter!("JobsFailed").increment(count(done.failed));
    wake(sweep, &mut done, run.runnable).await?;
    Ok(done)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A run under way.
struct Run<'a> {
    sweep: &'a Sweep,
    deadline: Deadline,
    done: StaleJobs,
    runnable: BTreeSet<JobId>,
    left: Vec<JobId>,
}

impl Run<'_> {
    fn has_time(&self) -> bool {
        self.deadline.remaining() > RESERVE
    }

    async fn rescue_all(&mut self) -> Result<(), sqlx::Error> {
        while self.has_time() {
            let tried = match self.rescue_chunk().await {
                Ok(chunk) => self.take(chunk),
                Err(error) if is_of_rows(&error) => {
                    tracing::warn!(
                        error = describe(&error),
                        "jobs of dead workers are taken one by one, since they could not be taken together"
                    );
                    self.rescue_each().await?
                }
                Err(error) => return Err(error),
            };
            if tried < usize::try_from(CHUNK).unwrap_or(usize::MAX) {
                break;
            }
        }
        // Those that another transaction held, if there are any.
        self.rescue_each().await?;
        Ok(())
    }

    /// Counts what a transaction did, after its commit; gives back how many jobs it took.
    fn take(&mut self, chunk: Chunk) -> usize {
        self.done.requeued += chunk.requeued.len();
        self.done.attempts_returned += chunk.attempts_returned;
        self.done.completed += chunk.completed;
        self.done.failed += chunk.failed;
        self.done.cases_opened += chunk.cases_opened;
        self.runnable.extend(chunk.requeued);
        chunk.rescued
    }

    async fn rescue_chunk(&self) -> Result<Chunk, sqlx::Error> {
        let mut transaction = self.sweep.publisher.database.begin().await?;
        let settled = match job::rescue_expired_jobs_except(&mut transaction, &self.left, CHUNK).await {
            Ok(rescued) => settle(&mut transaction, &rescued).await,
            Err(error) => Err(error),
        };
        end(transaction, settled).await
    }

    /// Takes up to a chunk of what is left, each in a transaction of its own, waiting a second at most for who holds it. Gives
    /// back how many it tried.
    async fn rescue_each(&mut self) -> Result<usize, sqlx::Error> {
        let expired = {
            let mut connection = self.sweep.publisher.database.acquire().await?;
            job::list_expired(&mut connection, &self.left, CHUNK).await?
        };
        for id in &expired {
            if !self.has_time() {
                break;
            }
            match self.rescue_one(*id).await {
                Ok(chunk) => {
                    self.take(chunk);
                }
                Err(error) if is_of_rows(&error) => {
                    tracing::error!(job_id = %id, error = describe(&error), "the job of a dead worker can't be taken away now; it holds up no other");
                    self.left.push(*id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(expired.len())
    }

    async fn rescue_one(&self, id: JobId) -> Result<Chunk, sqlx::Error> {
        let mut transaction = self.sweep.publisher.database.begin().await?;
        let settled = rescue_waiting(&mut transaction, id).await;
        end(transaction, settled).await
    }

    /// Jobs that failed for another cause than their own fault run again, chunk by chunk; their cases are closed by the order.
    async fn heal(&mut self) -> Result<(), sqlx::Error> {
        while self.has_time() {
            let mut connection = self.sweep.publisher.database.acquire().await?;
            let healed = job::requeue_healable(&mut connection, CHUNK).await?;
            self.done.healed += healed.len();
            let is_last = healed.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
            self.runnable.extend(healed);
            if is_last {
                break;
            }
        }
        Ok(())
    }
}

/// What one transaction did.
#[derive(Default)]
struct Chunk {
    rescued: usize,
    requeued: Vec<JobId>,
    attempts_returned: usize,
    completed: usize,
    failed: usize,
    cases_opened: usize,
}

/// Commits what was settled. A failure is rolled back at once, not when the connection is dropped: the next try wants the same rows.
async fn end(transaction: Transaction, settled: Result<Chunk, sqlx::Error>) -> Result<Chunk, sqlx::Error> {
    match settled {
        Ok(chunk) => transaction.commit().await.map(|()| chunk),
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

async fn rescue_waiting(connection: &mut Connection, id: JobId) -> Result<Chunk, sqlx::Error> {
    let waiting = sqlx::query(WAIT_SHORTLY).persistent(false);
    waiting.execute(&mut *connection).await?;
    let rescued = job::rescue_job_if_expired(connection, id).await?;
    settle(connection, rescued.as_slice()).await
}

/// Whether some rows of the transaction are to blame, so that the others can go on without them.
fn is_of_rows(error: &sqlx::Error) -> bool {
    let class = classify(error);
    class.may_be_one_record() || class == ErrorClass::Contention
}

/// What becomes of jobs that were just taken from dead workers.
async fn settle(connection: &mut Connection, rescued: &[RescuedJob]) -> Result<Chunk, sqlx::Error> {
    let mut chunk = Chunk {
        rescued: rescued.len(),
        ..Chunk::default()
    };
    let mut undone = Vec::new();
    for job in rescued {
        match complete_if_done(connection, job).await? {
            true => chunk.completed += 1,
            false => undone.push(job),
        }
    }
    let ids: Vec<JobId> = undone.iter().map(|job| job.id).collect();
    let spared = job::spare_lost_workers(connection, &ids).await?;
    for job in undone {
        match (job.rescue, spared.contains(&job.id)) {
            (Rescue::Requeued, _) => chunk.requeued.push(job.id),
            (Rescue::OutOfAttempts, true) => {
                chunk.attempts_returned += 1;
                chunk.requeued.push(job.id);
            }
            (Rescue::OutOfAttempts, false) => {
                chunk.failed += 1;
                chunk.cases_opened += usize::from(open_case(connection, job).await?);
            }
        }
    }
    Ok(chunk)
}

/// In the transaction that failed it, so that no reader sees it failed in between.
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
            "runnable jobs that no worker took; set JOBS_QUEUE_URL to wake workers"
        );
    }
    Ok(())
}
