//! The two ways to make a purchase: `fast.rs` and `fallback.rs`.

use super::environment::{At, Look, Step, release};
use super::{Guard, Purchase, Purchases, State};

impl State {
    /// The payment's purchase, whatever its state.
    pub(super) fn has_purchase(&self, payment: usize) -> bool {
        self.purchases
            .iter()
            .flatten()
            .any(|purchase| purchase.payment == payment)
    }

    /// Whether a purchase of the pair runs.
    pub(super) fn one_runs(&self) -> bool {
        self.purchases.iter().flatten().any(|purchase| purchase.runs)
    }

    /// Another environment has written a purchase and not committed it.
    fn another_inserts(&self, index: usize) -> bool {
        let mut others = self.environments.iter().enumerate();
        others.any(|(other, environment)| other != index && matches!(environment.at, At::Inserted(_)))
    }

    fn add(&mut self, payment: usize) {
        if let Some(free) = self.purchases.iter_mut().find(|purchase| purchase.is_none()) {
            *free = Some(Purchase { payment, runs: true });
        }
        // Their order means nothing.
        self.purchases.sort_unstable();
        self.marked[payment] = true;
    }
}

pub(super) fn steps(state: &State, index: usize, mut can: impl FnMut(Step)) {
    // The unique index makes an insert wait for another's uncommitted entry.
    let waits = state.index && state.another_inserts(index);
    match state.environments[index].at {
        At::Fast(_, look) | At::Looked(_, look) if look.free && waits => {}
        At::Looked(_, look) if !look.free => can(Step::Commit),
        At::Fast(..) | At::Looked(..) => can(Step::Insert),
        _ => {}
    }
}

/// The first step of the way that the environment believes in.
pub(super) fn begin(model: &Purchases, state: &mut State, index: usize, payment: usize) -> At {
    let environment = &mut state.environments[index];
    if environment.believes != Some(true) {
        return At::Fallback(payment, None);
    }
    if !state.index && model.has(Guard::ConflictNamesItsArbiter) {
        // 42P10.
        if !model.has(Guard::MissingArbiterTakesTheFallback) {
            return At::Committed(payment);
        }
        environment.believes = None;
        return At::Fallback(payment, None);
    }
    let fulfilled = state.has_purchase(payment) && model.has(Guard::FastPathSkipsFulfilled);
    let surplus = state.surplus[payment] && model.has(Guard::FastPathSkipsSurplus);
    At::Fast(
        payment,
        Look {
            free: !fulfilled && !surplus,
            one_ran: state.one_runs(),
        },
    )
}

pub(super) fn take(model: &Purchases, state: &mut State, index: usize, step: Step, at: At) -> At {
    match (step, at) {
        (Step::Insert, At::Fast(payment, look)) => {
            if !look.free || (state.index && state.one_runs()) {
                return At::Unmade(payment);
            }
            state.add(payment);
            At::Committed(payment)
        }
        (Step::Look, At::Fallback(payment, _)) => At::Fallback(payment, Some(look(model, state, payment))),
        (Step::Lock, At::Fallback(payment, looked)) => {
            if model.has(Guard::FallbackLocksThePair) {
                state.pair_lock = Some(index);
            }
            looked.map_or(At::Locked(payment), |look| At::Looked(payment, look))
        }
        (Step::Look, At::Locked(payment)) => At::Looked(payment, look(model, state, payment)),
        (Step::Insert, At::Looked(payment, _)) => insert_plainly(model, state, index, payment),
        (Step::Commit, At::Looked(payment, _)) => {
            release(state, index);
            At::Unmade(payment)
        }
        (Step::Commit, At::Inserted(payment)) => {
            release(state, index);
            state.add(payment);
            state.fallback_made = true;
            At::Committed(payment)
        }
        (_, at) => at,
    }
}

fn look(model: &Purchases, state: &State, payment: usize) -> Look {
    let fulfilled = state.has_purchase(payment) && model.has(Guard::FallbackSkipsFulfilled);
    let surplus = state.surplus[payment] && model.has(Guard::FallbackSkipsSurplus);
    let one_ran = state.one_runs();
    Look {
        free: !one_ran && !fulfilled && !surplus,
        one_ran,
    }
}

fn insert_plainly(model: &Purchases, state: &mut State, index: usize, payment: usize) -> At {
    if !state.index || !state.one_runs() {
        return At::Inserted(payment);
    }
    release(state, index);
    if model.has(Guard::TakenKeyIsSuccess) {
        // 23505: a writer on the fast path was faster.
        return At::Unmade(payment);
    }
    // Taken for a failure of the record's own: it is parked and acknowledged.
    At::Committed(payment)
}
