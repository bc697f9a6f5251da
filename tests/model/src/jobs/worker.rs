//! A worker: `acquire_next_jobs`, `make_set` (a set of one), `complete_job_if_owned`, `fail_job_if_owned`.

use super::{Action, Case, Guard, Jobs, Row, State, Status, Who};

/// What a worker was given with its claim, and what it did since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    attempts: u8,
    most: u8,
    /// Only without [`Guard::OrderAndCompletionAreOne`]: the job is completed already.
    completed: bool,
}

/// Where a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Worker {
    /// Waits for work.
    Idle,
    /// Only without [`Guard::ClaimLocksItsRow`]: has chosen the job, and has not claimed it yet.
    Chose,
    /// Has the job.
    Claimed(Run),
    /// Has locked the intent and looked for its order.
    Looked(Run, bool),
    /// Has written the order, if it was to be made.
    Made(Run, bool),
    /// Has written the completion too: holds the job's row.
    Completing(Run, bool, Row),
    /// Its work failed.
    Failing(Run, bool),
    /// Has written the failure and its case: holds the job's row.
    Failed(Row, Case),
    /// Only without [`Guard::FailureAndCaseAreOne`].
    OpeningCase,
}

/// What a worker does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Step {
    Choose,
    Claim,
    CompleteFirst,
    LockAndLook,
    FailForGood,
    FailForNow,
    MakeOrder,
    Complete,
    Commit,
    CommitWithoutAnswer,
    LinkIsCut,
    WriteFailure,
    OpenCase,
    Crash,
}

pub(super) fn steps(jobs: &Jobs, state: &State, index: usize, actions: &mut Vec<Action>) {
    let mut can = |step| actions.push(Action::Worker(index, step));
    let runnable = state.row.status == Status::Pending && state.row.due;
    match state.workers[index] {
        Worker::Idle if !runnable => {}
        Worker::Idle if !jobs.has(Guard::ClaimLocksItsRow) => can(Step::Choose),
        Worker::Idle if state.row_is_free() => can(Step::Claim),
        Worker::Idle => {}
        Worker::Chose if state.row_is_free() => can(Step::Claim),
        Worker::Chose => {}
        Worker::Claimed(run) if !jobs.has(Guard::OrderAndCompletionAreOne) && !run.completed => {
            if state.row_is_free() {
                can(Step::CompleteFirst);
            }
        }
        Worker::Claimed(_) if !jobs.has(Guard::IntentIsLocked) || state.intent_lock.is_none() => {
            can(Step::LockAndLook)
        }
        Worker::Claimed(_) => {}
        Worker::Looked(_, has_order) => {
            if has_order || !jobs.has(Guard::OrderIsUnique) || state.order_lock.is_none() {
                can(Step::MakeOrder);
            }
            if !has_order && state.left.failures > 0 {
                can(Step::FailForGood);
                can(Step::FailForNow);
            }
        }
        Worker::Made(run, _) if run.completed => can(Step::Commit),
        Worker::Made(..) if state.row_is_free() => can(Step::Complete),
        Worker::Made(..) => {}
        Worker::Completing(..) => {
            can(Step::Commit);
            if state.left.lost_answers > 0 {
                can(Step::CommitWithoutAnswer);
            }
            if state.left.cuts > 0 {
                can(Step::LinkIsCut);
            }
        }
        Worker::Failing(..) if state.row_is_free() => can(Step::WriteFailure),
        Worker::Failing(..) => {}
        Worker::Failed(..) => can(Step::Commit),
        Worker::OpeningCase => can(Step::OpenCase),
    }
    if !matches!(state.workers[index], Worker::Idle | Worker::Chose) && state.left.crashes > 0 {
        actions.push(Action::Worker(index, Step::Crash));
    }
}

pub(super) fn take(jobs: &Jobs, state: &mut State, index: usize, step: Step) {
    let next = match (step, state.workers[index]) {
        (Step::Choose, _) => Worker::Chose,
        (Step::Claim, _) => claim(jobs, state, index),
        (Step::CompleteFirst, Worker::Claimed(run)) => complete_first(jobs, state, index, run),
        (Step::LockAndLook, Worker::Claimed(run)) => {
            if jobs.has(Guard::IntentIsLocked) {
                state.intent_lock = Some(Who::Worker(index));
            }
            Worker::Looked(run, state.has_order() && jobs.has(Guard::OrderIsLookedFor))
        }
        (Step::MakeOrder, Worker::Looked(run, has_order)) => make(jobs, state, index, run, has_order),
        (Step::FailForGood | Step::FailForNow, Worker::Looked(run, _)) => {
            state.left.failures -= 1;
            state.release(Who::Worker(index));
            Worker::Failing(run, step == Step::FailForGood)
        }
        (Step::Complete, Worker::Made(run, makes)) => complete(jobs, state, index, run, makes),
        (Step::Commit, Worker::Made(_, makes)) => {
            commit_order(state, index, makes);
            Worker::Idle
        }
        (Step::Commit, Worker::Completing(_, makes, row)) => {
            commit_completion(state, index, makes, row);
            Worker::Idle
        }
        (Step::CommitWithoutAnswer, Worker::Completing(run, makes, row)) => {
            state.left.lost_answers -= 1;
            commit_completion(state, index, makes, row);
            Worker::Failing(run, false)
        }
        (Step::LinkIsCut, Worker::Completing(run, ..)) => {
            state.left.cuts -= 1;
            roll_back(state, index);
            Worker::Failing(run, false)
        }
        (Step::WriteFailure, Worker::Failing(run, for_good)) => {
            write_failure(jobs, state, index, run, for_good)
        }
        (Step::Commit, Worker::Failed(row, case)) => commit_failure(jobs, state, index, row, case),
        (Step::OpenCase, _) => {
            state.case = state.opened();
            Worker::Idle
        }
        (Step::Crash, _) => {
            state.left.crashes -= 1;
            roll_back(state, index);
            Worker::Idle
        }
        (_, worker) => worker,
    };
    state.workers[index] = next;
}

fn claim(jobs: &Jobs, state: &mut State, index: usize) -> Worker {
    if state.row.lease_lives {
        state.broken.live_lease_taken = true;
    }
    if state.row.status == Status::Completed {
        state.broken.finished_reopened = true;
    }
    state.row.status = Status::Processing;
    state.row.attempts += 1;
    state.row.owner = jobs.name(index);
    state.row.lease_lives = true;
    state.row.holder = Some(index);
    Worker::Claimed(Run {
        attempts: state.row.attempts,
        most: state.row.most,
        completed: false,
    })
}

fn make(jobs: &Jobs, state: &mut State, index: usize, run: Run, has_order: bool) -> Worker {
    if has_order {
        return Worker::Made(run, false);
    }
    if jobs.has(Guard::OrderIsUnique) {
        if state.has_order() {
            // 23505: the transaction rolls back.
            state.release(Who::Worker(index));
            return Worker::Failing(run, false);
        }
        state.order_lock = Some(index);
    }
    Worker::Made(run, true)
}

/// The guard of a finish: the attempt and the owner are this worker's, as far as they are compared.
fn owns(jobs: &Jobs, row: &Row, run: Run, index: usize, [attempt, owner]: [Guard; 2]) -> bool {
    row.status == Status::Processing
        && (!jobs.has(attempt) || row.attempts == run.attempts)
        && (!jobs.has(owner) || row.owner == jobs.name(index))
}

fn ended(row: &Row, status: Status) -> Row {
    Row {
        status,
        owner: None,
        lease_lives: false,
        holder: None,
        ..*row
    }
}

fn completion(jobs: &Jobs, state: &mut State, index: usize, run: Run) -> Option<Row> {
    let guards = [Guard::CompletionChecksAttempt, Guard::CompletionChecksOwner];
    if !owns(jobs, &state.row, run, index, guards) {
        state.seen.lost_lease = true;
        return None;
    }
    if state.row.holder != Some(index) {
        state.broken.changed_without_lease = true;
    }
    Some(ended(&state.row, Status::Completed))
}

fn complete(jobs: &Jobs, state: &mut State, index: usize, run: Run, makes: bool) -> Worker {
    let Some(row) = completion(jobs, state, index, run) else {
        roll_back(state, index);
        return Worker::Idle;
    };
    state.row_lock = Some(Who::Worker(index));
    Worker::Completing(run, makes, row)
}

fn complete_first(jobs: &Jobs, state: &mut State, index: usize, run: Run) -> Worker {
    let Some(row) = completion(jobs, state, index, run) else {
        return Worker::Idle;
    };
    state.row = row;
    state.broken.completed_without_order |= !state.has_order();
    Worker::Claimed(Run {
        completed: true,
        ..run
    })
}

fn commit_order(state: &mut State, index: usize, makes: bool) {
    state.orders += u8::from(makes);
    if state.case == Case::Open {
        state.case = Case::Resolved;
    }
    roll_back(state, index);
}

fn commit_completion(state: &mut State, index: usize, makes: bool, row: Row) {
    state.row = row;
    commit_order(state, index, makes);
}

/// Lets go of everything that was not committed.
fn roll_back(state: &mut State, index: usize) {
    if state.order_lock == Some(index) {
        state.order_lock = None;
    }
    state.release(Who::Worker(index));
}

fn write_failure(jobs: &Jobs, state: &mut State, index: usize, run: Run, for_good: bool) -> Worker {
    let guards = [Guard::FailureChecksAttempt, Guard::FailureChecksOwner];
    if !owns(jobs, &state.row, run, index, guards) {
        state.seen.lost_lease = true;
        return Worker::Idle;
    }
    if state.row.holder != Some(index) {
        state.broken.changed_without_lease = true;
    }
    let is_final = for_good || run.attempts >= run.most;
    let status = if is_final { Status::Failed } else { Status::Pending };
    let mut row = ended(&state.row, status);
    row.due = false;
    row.only_died = false;
    state.row_lock = Some(Who::Worker(index));
    let case = if is_final { state.opened() } else { state.case };
    Worker::Failed(row, case)
}

fn commit_failure(jobs: &Jobs, state: &mut State, index: usize, row: Row, case: Case) -> Worker {
    state.row = row;
    roll_back(state, index);
    if row.status == Status::Failed && !jobs.has(Guard::FailureAndCaseAreOne) {
        return Worker::OpeningCase;
    }
    state.case = case;
    Worker::Idle
}
