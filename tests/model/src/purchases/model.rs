//! The world around the environments, and the promises.

use super::environment::{self, At, Environment, Outcome};
use super::{Action, ENVIRONMENTS, MOST, PAYMENTS, Purchases, State};
use stateright::{Model, Property};

impl State {
    fn is_over(&self, model: &Purchases) -> bool {
        let mut actions = Vec::new();
        model.actions(self, &mut actions);
        // That an index is built or dropped once more, or a purchase ends, is not needed for anything.
        !actions
            .iter()
            .any(|action| matches!(action, Action::Environment(..)))
    }

    fn running(&self) -> usize {
        self.purchases
            .iter()
            .flatten()
            .filter(|purchase| purchase.runs)
            .count()
    }

    fn made_by(&self, payment: usize) -> usize {
        let made = self.purchases.iter().flatten();
        made.filter(|purchase| purchase.payment == payment).count()
    }

    fn is_settled(&self, payment: usize) -> bool {
        self.has_purchase(payment) || self.surplus[payment]
    }
}

/// The environment is between its look and its insert, and meanwhile the running purchase was made, or a case about its own payment
/// was opened. That this purchase also ends before the insert is left out (README.md, "What is taken for granted").
fn is_overtaken(state: &State, at: &At) -> bool {
    match at {
        At::Fast(payment, look) | At::Looked(payment, look) | At::Fallback(payment, Some(look)) => {
            !look.one_ran || (look.free && state.surplus[*payment])
        }
        _ => false,
    }
}

impl Model for Purchases {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let environment = Environment {
            at: At::Idle,
            believes: None,
            acknowledged: false,
        };
        let fresh = State {
            index: true,
            purchases: [None; MOST],
            surplus: [false; PAYMENTS],
            marked: [false; PAYMENTS],
            waiting: [2; PAYMENTS],
            acknowledged: [false; PAYMENTS],
            pair_lock: None,
            purchase_lock: None,
            environments: [environment; ENVIRONMENTS],
            left: self.budget,
            fallback_made: false,
        };
        // A mark without purchase, as an older system's crash left it.
        let marked = State {
            marked: [true, false],
            ..fresh.clone()
        };
        vec![fresh, marked]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for index in 0..ENVIRONMENTS {
            environment::steps(self, state, index, actions);
        }
        let any = |wanted: &dyn Fn(&At) -> bool| {
            state
                .environments
                .iter()
                .any(|environment| wanted(&environment.at))
        };
        // Both wait for the statements and transactions that have written to the table.
        let writes = |at: &At| matches!(at, At::Fast(..) | At::Inserted(_));
        if state.left.index_changes > 0 {
            if state.index && !any(&writes) {
                actions.push(Action::DropIndex);
            }
            if !state.index && state.running() <= 1 && !any(&writes) {
                actions.push(Action::BuildIndex);
            }
        }
        if state.left.ends > 0
            && state.one_runs()
            && state.purchase_lock.is_none()
            && !any(&|at| is_overtaken(state, at))
        {
            actions.push(Action::PurchaseEnds);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::DropIndex | Action::BuildIndex => {
                state.left.index_changes -= 1;
                state.index = !state.index;
            }
            Action::PurchaseEnds => {
                state.left.ends -= 1;
                for purchase in state.purchases.iter_mut().flatten() {
                    purchase.runs = false;
                }
                state.purchases.sort_unstable();
            }
            Action::Environment(index, step) => environment::take(self, &mut state, index, step),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a pair has at most one running purchase", |_, state: &State| {
                state.running() <= 1
            }),
            Property::always("a payment makes at most one purchase", |_, state: &State| {
                (0..PAYMENTS).all(|payment| state.made_by(payment) <= 1)
            }),
            Property::always(
                "who is acknowledged has a purchase or a case",
                |_, state: &State| {
                    (0..PAYMENTS).all(|payment| !state.acknowledged[payment] || state.is_settled(payment))
                },
            ),
            Property::always(
                "no case asks to refund what fulfilled something",
                |_, state: &State| {
                    (0..PAYMENTS).all(|payment| !state.has_purchase(payment) || !state.surplus[payment])
                },
            ),
            Property::always(
                "in the end every payment has a purchase or a case",
                |model: &Purchases, state: &State| {
                    !state.is_over(model)
                        || (0..PAYMENTS)
                            .all(|payment| state.acknowledged[payment] && state.is_settled(payment))
                },
            ),
            Property::sometimes("the second payment is surplus", |_, state: &State| {
                state.surplus[1]
            }),
            Property::sometimes("the second payment is a renewal", |_, state: &State| {
                (0..PAYMENTS).all(|payment| state.has_purchase(payment))
            }),
            Property::sometimes("the fallback makes a purchase", |_, state: &State| {
                state.fallback_made
            }),
            Property::sometimes("a delivery is tried again", |_, state: &State| {
                let again =
                    |environment: &Environment| matches!(environment.at, At::Decided(_, Outcome::TryAgain));
                state.environments.iter().any(again)
            }),
        ]
    }
}
