//! The world around the workers, and the promises.

use super::reconcile::{self, Reconciler};
use super::rescue::{self, Rescuer};
use super::worker::{self, Worker};
use super::{Action, Broken, Case, Jobs, Row, Seen, State, Status, WORKERS, Who};
use stateright::{Model, Property};

impl State {
    pub(super) fn row_is_free(&self) -> bool {
        self.row_lock.is_none()
    }

    pub(super) fn release(&mut self, who: Who) {
        if self.row_lock == Some(who) {
            self.row_lock = None;
        }
        if self.intent_lock == Some(who) {
            self.intent_lock = None;
        }
    }

    pub(super) fn has_order(&self) -> bool {
        self.orders > 0
    }

    /// The case that `open_case_of_paid_intent` leaves when it is told to open one.
    pub(super) fn opened(&self) -> Case {
        if self.has_order() { self.case } else { Case::Open }
    }

    fn is_over(&self, jobs: &Jobs) -> bool {
        let mut actions = Vec::new();
        jobs.actions(self, &mut actions);
        actions.is_empty()
    }

    fn ended_well(&self) -> bool {
        match self.row.status {
            Status::Completed => self.has_order() && self.case != Case::Open,
            Status::Failed => self.has_order() != (self.case == Case::Open),
            Status::Pending | Status::Processing => false,
        }
    }
}

impl Model for Jobs {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let row = Row {
            status: Status::Pending,
            attempts: 0,
            most: 2,
            owner: None,
            lease_lives: false,
            due: true,
            only_died: true,
            attempts_returned: false,
            requeued: false,
            holder: None,
        };
        let fresh = State {
            row,
            row_lock: None,
            intent_lock: None,
            order_lock: None,
            orders: 0,
            case: Case::Never,
            workers: [Worker::Idle; WORKERS],
            rescuers: [Rescuer::Idle; 2],
            reconcilers: [Reconciler::Idle; 2],
            left: self.budget,
            broken: Broken::default(),
            seen: Seen::default(),
        };
        // What older systems left behind: an order whose job still waits, and jobs that ended with neither order nor case.
        let ordered = State {
            orders: 1,
            ..fresh.clone()
        };
        let ended = |status| State {
            row: Row {
                status,
                attempts: 1,
                only_died: false,
                ..row
            },
            ..fresh.clone()
        };
        vec![ordered, ended(Status::Completed), ended(Status::Failed), fresh]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let row = &state.row;
        if row.status == Status::Processing && row.lease_lives && state.row_is_free() {
            actions.push(Action::LeaseRunsOut);
        }
        if row.status == Status::Pending && !row.due && state.row_is_free() {
            actions.push(Action::BackoffPasses);
        }
        if row.status == Status::Processing
            && row.lease_lives
            && state.row_is_free()
            && state.left.lost_claims > 0
        {
            actions.push(Action::FailoverLosesTheClaim);
        }
        if row.status == Status::Failed && state.row_is_free() && state.left.retries > 0 {
            actions.push(Action::PersonRetries);
        }
        for index in 0..state.workers.len() {
            worker::steps(self, state, index, actions);
        }
        for index in 0..state.rescuers.len() {
            rescue::steps(self, state, index, actions);
        }
        for index in 0..state.reconcilers.len() {
            reconcile::steps(self, state, index, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::LeaseRunsOut => state.row.lease_lives = false,
            Action::BackoffPasses => state.row.due = true,
            Action::FailoverLosesTheClaim => {
                state.left.lost_claims -= 1;
                state.row.status = Status::Pending;
                state.row.attempts -= 1;
                state.row.owner = None;
                state.row.lease_lives = false;
                state.row.holder = None;
            }
            Action::PersonRetries => {
                state.left.retries -= 1;
                state.row.status = Status::Pending;
                state.row.most = state.row.attempts + 1;
                state.row.due = true;
            }
            Action::Worker(index, step) => worker::take(self, &mut state, index, step),
            Action::Rescuer(index, step) => rescue::take(self, &mut state, index, step),
            Action::Reconciler(index, step) => reconcile::take(self, &mut state, index, step),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an intent has at most one order", |_, state: &State| {
                state.orders <= 1
            }),
            Property::always("who lost the lease changes nothing", |_, state: &State| {
                !state.broken.changed_without_lease
            }),
            Property::always("a live lease is left alone", |_, state: &State| {
                !state.broken.live_lease_taken
            }),
            Property::always("a finished job stays finished", |_, state: &State| {
                !state.broken.finished_reopened
            }),
            Property::always(
                "no program goes on with what a person was given",
                |_, state: &State| !state.broken.behind_a_person,
            ),
            Property::always("who completes a job leaves its order", |_, state: &State| {
                !state.broken.completed_without_order
            }),
            Property::always(
                "in the end a paid intent has its order or an open case, and no job is left",
                |jobs: &Jobs, state: &State| !state.is_over(jobs) || state.ended_well(),
            ),
            Property::sometimes("an order is made", |_, state: &State| state.has_order()),
            Property::sometimes(
                "a worker comes back and finds its lease gone",
                |_, state: &State| state.seen.lost_lease,
            ),
            Property::sometimes("a rescued job gets its order", |_, state: &State| {
                state.seen.rescued && state.has_order()
            }),
            Property::sometimes("attempts are returned", |_, state: &State| {
                state.row.attempts_returned
            }),
            Property::sometimes("it ends with a person", |jobs: &Jobs, state: &State| {
                state.row.status == Status::Failed && state.is_over(jobs)
            }),
            Property::sometimes("an order closes its case", |_, state: &State| {
                state.case == Case::Resolved
            }),
        ]
    }
}
