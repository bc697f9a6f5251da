//! `settle.rs` and `decide.rs`: what becomes of a payment that made no purchase.

use super::environment::{At, Outcome, give_back, release};
use super::{Guard, Purchases, State};

/// Gathers the evidence and decides.
pub(super) fn decide(model: &Purchases, state: &State, payment: usize) -> Outcome {
    if state.has_purchase(payment) && model.has(Guard::OwnPurchaseComesFirst) {
        return Outcome::AlreadyFulfilled;
    }
    if state.surplus[payment] {
        return Outcome::SurplusBefore;
    }
    let in_the_way = state.purchases.iter().flatten().find(|purchase| purchase.runs);
    match in_the_way {
        Some(purchase) => Outcome::Surplus(purchase.payment),
        None if model.has(Guard::NothingInTheWayIsTriedAgain) => Outcome::TryAgain,
        None => Outcome::AlreadyFulfilled,
    }
}

/// Locks the purchase in the way, so that it can't end before the case is there. It may have ended already.
pub(super) fn hold(state: &mut State, index: usize, payment: usize, owner: usize) -> At {
    let mut purchases = state.purchases.iter().flatten();
    if purchases.any(|purchase| purchase.runs && purchase.payment == owner) {
        state.purchase_lock = Some(index);
        return At::Holding(payment);
    }
    At::Decided(payment, Outcome::TryAgain)
}

/// Writes what follows and commits.
pub(super) fn settle(state: &mut State, index: usize, payment: usize, outcome: Outcome) -> At {
    release(state, index);
    match outcome {
        Outcome::TryAgain => return give_back(state, index, payment),
        Outcome::AlreadyFulfilled | Outcome::SurplusBefore => {}
        Outcome::Surplus(_) => state.surplus[payment] = true,
    }
    state.marked[payment] = true;
    At::Committed(payment)
}
