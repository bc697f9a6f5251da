//! The `reconcile` sweep over a paid intent that has neither order nor case, and a job that ended.

use super::{Action, Case, Guard, Jobs, Row, State, Status, Who};

/// How many attempts a requeued job gets; fewer than the code's, which changes nothing but the number of states.
const ATTEMPTS: u8 = 1;

/// Where the reconciler is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reconciler {
    /// Has nothing in hand.
    Idle,
    /// Has seen the intent stranded.
    Saw,
    /// Has the intent's lock.
    Locked,
    /// Has the intent's and the job's locks.
    JobLocked,
    /// Has looked for order and case under the intent's lock: there are none.
    Unsettled,
    /// Has written: holds the job's row.
    Written(Row, Case),
}

/// What the reconciler does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Step {
    See,
    LockIntent,
    LockJob,
    Look,
    Write,
    Commit,
    Crash,
}

pub(super) fn steps(jobs: &Jobs, state: &State, index: usize, actions: &mut Vec<Action>) {
    let mut can = |step| actions.push(Action::Reconciler(index, step));
    let ended = matches!(state.row.status, Status::Completed | Status::Failed);
    match state.reconcilers[index] {
        Reconciler::Idle if ended && !state.has_order() && state.case == Case::Never => can(Step::See),
        Reconciler::Idle => {}
        Reconciler::Saw if !jobs.has(Guard::IntentIsLocked) || state.intent_lock.is_none() => {
            can(Step::LockIntent)
        }
        Reconciler::Saw => {}
        Reconciler::Locked if !jobs.has(Guard::RequeueLocksTheJobFirst) => can(Step::Look),
        Reconciler::Locked if state.row_is_free() => can(Step::LockJob),
        Reconciler::Locked => {}
        Reconciler::JobLocked => can(Step::Look),
        Reconciler::Unsettled if state.row_is_free() || state.row_lock == Some(Who::Reconciler(index)) => {
            can(Step::Write)
        }
        Reconciler::Unsettled => {}
        Reconciler::Written(..) => {
            can(Step::Commit);
            if state.left.crashes > 0 {
                can(Step::Crash);
            }
        }
    }
}

pub(super) fn take(jobs: &Jobs, state: &mut State, index: usize, step: Step) {
    let who = Who::Reconciler(index);
    state.reconcilers[index] = match (step, state.reconcilers[index]) {
        (Step::See, _) => Reconciler::Saw,
        (Step::LockIntent, _) => {
            if jobs.has(Guard::IntentIsLocked) {
                state.intent_lock = Some(who);
            }
            Reconciler::Locked
        }
        (Step::LockJob, _) => {
            state.row_lock = Some(who);
            Reconciler::JobLocked
        }
        (Step::Look, _) if state.has_order() || state.case != Case::Never => {
            state.release(who);
            Reconciler::Idle
        }
        (Step::Look, _) => Reconciler::Unsettled,
        (Step::Write, _) => write(jobs, state, who),
        (Step::Commit, Reconciler::Written(row, case)) => {
            state.seen.requeued |= row.requeued;
            state.row = row;
            state.case = case;
            state.release(who);
            Reconciler::Idle
        }
        (Step::Crash, _) => {
            state.left.crashes -= 1;
            state.release(who);
            Reconciler::Idle
        }
        (_, reconciler) => reconciler,
    };
}

fn write(jobs: &Jobs, state: &mut State, who: Who) -> Reconciler {
    let ended = matches!(state.row.status, Status::Completed | Status::Failed);
    if !ended && jobs.has(Guard::RequeueTakesEndedJobs) {
        state.release(who);
        return Reconciler::Idle;
    }
    state.row_lock = Some(who);
    if ended && state.row.requeued {
        return Reconciler::Written(state.row, state.opened());
    }
    if state.has_order() {
        state.broken.finished_reopened = true;
    }
    if state.case == Case::Open {
        state.broken.behind_a_person = true;
    }
    if state.row.lease_lives {
        state.broken.live_lease_taken = true;
    }
    let row = Row {
        status: Status::Pending,
        most: state.row.attempts + ATTEMPTS,
        due: true,
        requeued: true,
        owner: None,
        lease_lives: false,
        holder: None,
        ..state.row
    };
    Reconciler::Written(row, state.case)
}
