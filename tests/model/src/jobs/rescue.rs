//! The `stale-jobs` sweep: `rescue_expired_jobs`, and what it does about a job that is out of attempts, in one transaction.

use super::{Action, Case, Guard, Jobs, Name, Row, State, Status, Who};

/// Where a rescuer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Rescuer {
    /// Has nothing in hand.
    Idle,
    /// Only without [`Guard::RescueLocksItsRows`]: has seen an expired job of this attempt and owner.
    Chose(u8, Option<Name>),
    /// Has written: holds the job's row.
    Written(Row, Case),
}

/// What a rescuer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Step {
    Choose,
    Write,
    Commit,
    Crash,
}

pub(super) fn steps(jobs: &Jobs, state: &State, index: usize, actions: &mut Vec<Action>) {
    if !jobs.has(Guard::JobsAreRescued) {
        return;
    }
    let mut can = |step| actions.push(Action::Rescuer(index, step));
    let expired = !state.row.lease_lives || !jobs.has(Guard::RescueWaitsForTheLease);
    match state.rescuers[index] {
        Rescuer::Idle if state.row.status != Status::Processing || !expired => {}
        Rescuer::Idle if !jobs.has(Guard::RescueLocksItsRows) => can(Step::Choose),
        // SKIP LOCKED: a row that its owner is finishing is not waited for.
        Rescuer::Idle if state.row_is_free() => can(Step::Write),
        Rescuer::Idle => {}
        Rescuer::Chose(..) if state.row_is_free() => can(Step::Write),
        Rescuer::Chose(..) => {}
        Rescuer::Written(..) => {
            can(Step::Commit);
            if state.left.crashes > 0 {
                can(Step::Crash);
            }
        }
    }
}

pub(super) fn take(jobs: &Jobs, state: &mut State, index: usize, step: Step) {
    let who = Who::Rescuer(index);
    let next = match (step, state.rescuers[index]) {
        (Step::Choose, _) => Rescuer::Chose(state.row.attempts, state.row.owner),
        (Step::Write, Rescuer::Chose(attempts, owner)) if jobs.has(Guard::RescueRechecksTheLease) => {
            let same = state.row.attempts == attempts
                && state.row.owner == owner
                && state.row.status == Status::Processing;
            if same { write(state, who) } else { Rescuer::Idle }
        }
        (Step::Write, _) => write(state, who),
        (Step::Commit, Rescuer::Written(row, case)) => {
            state.row = row;
            state.case = case;
            state.seen.rescued = true;
            state.release(who);
            Rescuer::Idle
        }
        (Step::Crash, _) => {
            state.left.crashes -= 1;
            state.release(who);
            Rescuer::Idle
        }
        (_, rescuer) => rescuer,
    };
    state.rescuers[index] = next;
}

fn write(state: &mut State, who: Who) -> Rescuer {
    let row = &state.row;
    if row.status == Status::Completed {
        state.broken.finished_reopened = true;
    }
    if row.status == Status::Processing && row.lease_lives {
        state.broken.live_lease_taken = true;
    }
    state.row_lock = Some(who);
    let mut rescued = Row {
        status: Status::Pending,
        owner: None,
        lease_lives: false,
        due: true,
        holder: None,
        ..state.row
    };
    if rescued.attempts < rescued.most {
        return Rescuer::Written(rescued, state.case);
    }
    if state.has_order() {
        rescued.status = Status::Completed;
        return Rescuer::Written(rescued, state.case);
    }
    if rescued.only_died && !rescued.attempts_returned {
        rescued.most += rescued.attempts;
        rescued.attempts_returned = true;
        return Rescuer::Written(rescued, state.case);
    }
    rescued.status = Status::Failed;
    Rescuer::Written(rescued, state.opened())
}
