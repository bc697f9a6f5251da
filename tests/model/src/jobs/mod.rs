//! One paid intent and its job: claimed under a lease, worked on, finished, rescued, requeued.
//!
//! As in `shared/makegood/src/job`, `functions/finalize-order` and the sweeps `stale-jobs` and `reconcile`. A row's lock has a holder; who
//! needs it waits, and then sees the newest committed row, as READ COMMITTED does.

mod model;
mod reconcile;
mod rescue;
mod worker;

use crate::guards::Without;
use reconcile::Reconciler;
use rescue::Rescuer;
use worker::Worker;

/// What keeps the promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// `acquire_next_jobs`: the candidate is locked while it is chosen (`FOR UPDATE SKIP LOCKED`).
    ClaimLocksItsRow,
    /// `complete_job_if_owned`: `attempts = $2`.
    CompletionChecksAttempt,
    /// `complete_job_if_owned`: `locked_by = $3`.
    CompletionChecksOwner,
    /// `fail_job_if_owned`: `attempts = $2`.
    FailureChecksAttempt,
    /// `fail_job_if_owned`: `locked_by = $3`.
    FailureChecksOwner,
    /// `rescue_expired_jobs`: `locked_until < now()`.
    RescueWaitsForTheLease,
    /// `rescue_expired_jobs`: the candidates are locked while they are chosen.
    RescueLocksItsRows,
    /// `rescue_expired_jobs`: the update compares attempt, owner and status once more.
    RescueRechecksTheLease,
    /// `write.sql`: the order and the job's completion are one statement.
    OrderAndCompletionAreOne,
    /// `load_locked`: an intent that has its order gets no other.
    OrderIsLookedFor,
    /// `orders.payment_intent_id` is unique.
    OrderIsUnique,
    /// `stock::lock_intent` before anybody looks for the order.
    IntentIsLocked,
    /// `FinalizeOrder::fail`: the failed job and its case are one transaction.
    FailureAndCaseAreOne,
    /// The `stale-jobs` sweep runs at all.
    JobsAreRescued,
    /// `requeue_ended_job_once`: only a job that ended.
    RequeueTakesEndedJobs,
    /// `reconcile`: the job's row is locked before the case is looked for.
    RequeueLocksTheJobFirst,
}

/// How often things may go wrong in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Environments that die.
    pub(crate) crashes: u8,
    /// Links that are cut: the transaction is gone, the worker learns of it.
    pub(crate) cuts: u8,
    /// Commits whose answer is lost.
    pub(crate) lost_answers: u8,
    /// The work's own failures, for good or not.
    pub(crate) failures: u8,
    /// Claims that a failover to a host one transaction behind takes back.
    pub(crate) lost_claims: u8,
    /// Retries by a person.
    pub(crate) retries: u8,
}

/// How many workers there are.
const WORKERS: usize = 2;

/// A model of a job, with these guards taken out.
#[derive(Debug, Clone)]
pub struct Jobs {
    without: Without<Guard>,
    budget: Budget,
    names: [Name; WORKERS],
}

impl Jobs {
    /// Two invocations in one environment, which work under one name.
    #[must_use]
    pub fn in_one_environment(without: &[Guard]) -> Self {
        Self {
            without: Without::these(without),
            budget: Budget {
                crashes: 2,
                cuts: 1,
                lost_answers: 1,
                failures: 2,
                lost_claims: 0,
                retries: 1,
            },
            names: [Name::A, Name::A],
        }
    }

    /// Two environments, and a failover to a host that lacks the last claim: `attempts` counts the same number twice.
    #[must_use]
    pub fn over_a_failover(without: &[Guard]) -> Self {
        let jobs = Self::in_one_environment(without);
        Self {
            budget: Budget {
                crashes: 1,
                failures: 1,
                lost_claims: 1,
                ..jobs.budget
            },
            names: [Name::A, Name::B],
            ..jobs
        }
    }

    fn name(&self, worker: usize) -> Option<Name> {
        self.names.get(worker).copied()
    }

    fn has(&self, guard: Guard) -> bool {
        self.without.has(guard)
    }
}

/// `job_queue.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Pending,
    Processing,
    Completed,
    Failed,
}

/// What `locked_by` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    A,
    B,
}

/// The committed row of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) status: Status,
    pub(crate) attempts: u8,
    pub(crate) most: u8,
    pub(crate) owner: Option<Name>,
    /// `locked_until` is still to come.
    pub(crate) lease_lives: bool,
    /// `scheduled_for` has come.
    pub(crate) due: bool,
    /// `last_error` knows of dead workers only.
    pub(crate) only_died: bool,
    pub(crate) attempts_returned: bool,
    pub(crate) requeued: bool,
    /// In truth: the worker whose claim is the last one. No column says it.
    pub(crate) holder: Option<usize>,
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Worker(usize),
    Rescuer(usize),
    Reconciler(usize),
}

/// The case of the intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Case {
    Never,
    Open,
    Resolved,
}

/// A promise that a step broke; the state keeps it, so that the checker sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Broken {
    /// Who had lost the lease changed the row.
    pub(crate) changed_without_lease: bool,
    /// A live lease was taken away.
    pub(crate) live_lease_taken: bool,
    /// A job whose order is there was opened again.
    pub(crate) finished_reopened: bool,
    /// A job was completed, and its order was not there.
    pub(crate) completed_without_order: bool,
    /// A program started what a case had given to a person.
    pub(crate) behind_a_person: bool,
}

/// What happened on the way here, so that the checker can tell that it can happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) lost_lease: bool,
    pub(crate) rescued: bool,
    pub(crate) requeued: bool,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) row: Row,
    pub(crate) row_lock: Option<Who>,
    pub(crate) intent_lock: Option<Who>,
    /// Whose uncommitted order holds the unique index's entry.
    pub(crate) order_lock: Option<usize>,
    pub(crate) orders: u8,
    pub(crate) case: Case,
    pub(crate) workers: [Worker; WORKERS],
    pub(crate) rescuers: [Rescuer; 2],
    pub(crate) reconcilers: [Reconciler; 2],
    pub(crate) left: Budget,
    pub(crate) broken: Broken,
    pub(crate) seen: Seen,
}

/// One step of one of them, or of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `locked_until` passes.
    LeaseRunsOut,
    /// `scheduled_for` comes.
    BackoffPasses,
    /// A failover takes the last claim back.
    FailoverLosesTheClaim,
    /// A person gives a failed job one more attempt.
    PersonRetries,
    /// A worker's next step.
    Worker(usize, worker::Step),
    /// A rescuer's next step.
    Rescuer(usize, rescue::Step),
    /// A reconciler's next step.
    Reconciler(usize, reconcile::Step),
}
