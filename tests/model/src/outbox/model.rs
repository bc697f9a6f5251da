//! The world around the publishers, and the promises.

use super::publisher::{self, Publisher};
use super::writer::{self, Writer};
use super::{Action, Change, Guard, Lease, Outbox, PUBLISHERS, QUEUES, Row, State};
use stateright::{Model, Property};

impl State {
    fn is_over(&self, outbox: &Outbox) -> bool {
        let mut actions = Vec::new();
        outbox.actions(self, &mut actions);
        actions.is_empty()
    }

    /// How many are publishing the row at this moment.
    fn owners(&self) -> usize {
        let sending = |publisher: &&Publisher| matches!(publisher, Publisher::Sending(_));
        let writer = usize::from(matches!(self.writer, Writer::Publishing(_)));
        writer + self.publishers.iter().filter(sending).count()
    }

    fn ended_well(&self) -> bool {
        match self.change {
            Change::Committed => {
                self.effects == [1; QUEUES] && matches!(self.row, Row::Published | Row::Deleted)
            }
            Change::RolledBack => self.taken == [0; QUEUES],
            Change::Unwritten => false,
        }
    }
}

impl Model for Outbox {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            change: Change::Unwritten,
            row: Row::Absent,
            writer: Writer::Waiting,
            publishers: [Publisher::Idle; PUBLISHERS],
            taken: [0; QUEUES],
            effects: [0; QUEUES],
            noted: [false; QUEUES],
            left: self.budget,
            repeats_left: self.repeats,
            sent_in_vain: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        match state.row {
            Row::Waiting { lease, due, .. } => {
                let ends = match lease {
                    Lease::Over => false,
                    Lease::Dead => self.has(Guard::LeaseEndsByItself),
                    Lease::Writer | Lease::Publisher(_) => state.left.slow > 0,
                };
                if ends {
                    actions.push(Action::LeaseRunsOut);
                }
                if !due {
                    actions.push(Action::BackoffPasses);
                }
                if !self.has(Guard::OnlyPublishedRowsAreDeleted) && lease == Lease::Over {
                    actions.push(Action::Delete);
                }
            }
            Row::Published => actions.push(Action::Delete),
            Row::Absent | Row::Deleted => {}
        }
        writer::steps(self, state, actions);
        for index in 0..PUBLISHERS {
            publisher::steps(self, state, index, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::LeaseRunsOut => {
                if let Row::Waiting { lease, .. } = &mut state.row {
                    state.left.slow -= u8::from(*lease != Lease::Dead);
                    *lease = Lease::Over;
                }
            }
            Action::BackoffPasses => {
                if let Row::Waiting { due, .. } = &mut state.row {
                    *due = true;
                }
            }
            Action::Delete => state.row = Row::Deleted,
            Action::Writer(step) => writer::take(self, &mut state, step),
            Action::Publisher(index, step) => publisher::take(self, &mut state, index, step),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "no event of a change that was not committed goes out",
                |_, state: &State| state.change == Change::Committed || state.taken == [0; QUEUES],
            ),
            Property::always(
                "a row has one owner until a lease runs out",
                |outbox: &Outbox, state: &State| state.left.slow != outbox.budget.slow || state.owners() <= 1,
            ),
            Property::always("an event has one effect", |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1)
            }),
            Property::always(
                "what a queue is known to have taken is not sent there again",
                |_, state: &State| !state.sent_in_vain,
            ),
            Property::always(
                "in the end every committed event is published and has its effects",
                |outbox: &Outbox, state: &State| !state.is_over(outbox) || state.ended_well(),
            ),
            Property::sometimes("a change is rolled back", |_, state: &State| {
                state.change == Change::RolledBack
            }),
            Property::sometimes(
                "the sweep publishes what a dead writer left",
                |outbox: &Outbox, state: &State| {
                    state.writer == Writer::Done
                        && state.left.crashes < outbox.budget.crashes
                        && state.row == Row::Published
                },
            ),
            Property::sometimes("a queue gets an event twice", |_, state: &State| {
                state.taken.contains(&2)
            }),
        ]
    }
}
