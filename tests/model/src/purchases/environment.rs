//! One environment with one delivery in hand.

use super::{Action, Guard, Purchases, State, settle, write};

/// What settling comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    AlreadyFulfilled,
    SurplusBefore,
    /// This payment's purchase is in the way.
    Surplus(usize),
    TryAgain,
}

/// What a look at the purchases found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    /// Nothing forbids the purchase.
    pub(crate) free: bool,
    /// A purchase ran.
    pub(crate) one_ran: bool,
}

/// Where an environment is; each with the payment of its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Idle,
    Received(usize),
    /// The statement's snapshot is taken.
    Fast(usize, Look),
    /// Waits for the pair's lock; only without [`Guard::FallbackLooksAfterTheLock`] it has looked already.
    Fallback(usize, Option<Look>),
    /// Has the pair's lock.
    Locked(usize),
    /// Has looked.
    Looked(usize, Look),
    /// Has written the purchase, not committed.
    Inserted(usize),
    /// Nothing was made.
    Unmade(usize),
    /// Has gathered the evidence and decided.
    Decided(usize, Outcome),
    /// Surplus, and it holds the lock of the purchase in its way.
    Holding(usize),
    /// Everything is committed.
    Committed(usize),
}

/// What an environment is and remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Environment {
    pub(crate) at: At,
    /// Whether it believes that the index is there.
    pub(crate) believes: Option<bool>,
    /// Only without [`Guard::AcknowledgedAfterTheCommit`].
    pub(crate) acknowledged: bool,
}

/// What an environment does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Step {
    Receive(usize),
    AskForTheIndex,
    AcknowledgeEarly,
    SkipWhatIsMarked,
    Begin,
    Insert,
    Look,
    Lock,
    Commit,
    Decide,
    Hold,
    Settle,
    Acknowledge,
    AcknowledgementIsLost,
    Crash,
}

impl At {
    pub(super) const fn payment(self) -> Option<usize> {
        match self {
            Self::Idle => None,
            Self::Received(payment)
            | Self::Fast(payment, _)
            | Self::Fallback(payment, _)
            | Self::Locked(payment)
            | Self::Looked(payment, _)
            | Self::Inserted(payment)
            | Self::Unmade(payment)
            | Self::Decided(payment, _)
            | Self::Holding(payment)
            | Self::Committed(payment) => Some(payment),
        }
    }
}

pub(super) fn steps(model: &Purchases, state: &State, index: usize, actions: &mut Vec<Action>) {
    let environment = &state.environments[index];
    let mut can = |step| actions.push(Action::Environment(index, step));
    match environment.at {
        At::Idle => {
            for payment in 0..state.waiting.len() {
                if state.waiting[payment] > 0 {
                    can(Step::Receive(payment));
                }
            }
        }
        At::Received(_) if !model.has(Guard::AcknowledgedAfterTheCommit) && !environment.acknowledged => {
            can(Step::AcknowledgeEarly);
        }
        At::Received(payment) if state.marked[payment] && !model.has(Guard::PurchaseDecidesNotTheMark) => {
            can(Step::SkipWhatIsMarked);
        }
        At::Received(_) => {
            // What it believes is asked again after a while: both are possible at any time.
            if environment.believes != Some(state.index) {
                can(Step::AskForTheIndex);
            }
            if environment.believes.is_some() {
                can(Step::Begin);
            }
        }
        At::Fast(..) | At::Looked(..) => write::steps(state, index, can),
        At::Fallback(_, None) if !model.has(Guard::FallbackLooksAfterTheLock) => can(Step::Look),
        At::Fallback(..) if !model.has(Guard::FallbackLocksThePair) || state.pair_lock.is_none() => {
            can(Step::Lock)
        }
        At::Fallback(..) => {}
        At::Locked(_) => can(Step::Look),
        At::Inserted(_) => can(Step::Commit),
        At::Unmade(_) => can(Step::Decide),
        At::Decided(_, Outcome::Surplus(_)) if model.has(Guard::SurplusHoldsThePurchase) => {
            if state.purchase_lock.is_none() {
                can(Step::Hold);
            }
        }
        At::Decided(..) | At::Holding(_) => can(Step::Settle),
        At::Committed(_) => {
            can(Step::Acknowledge);
            if state.left.lost_acknowledgements > 0 {
                can(Step::AcknowledgementIsLost);
            }
        }
    }
    if environment.at != At::Idle && state.left.crashes > 0 {
        actions.push(Action::Environment(index, Step::Crash));
    }
}

pub(super) fn take(model: &Purchases, state: &mut State, index: usize, step: Step) {
    let at = state.environments[index].at;
    let next = match (step, at) {
        (Step::Receive(payment), _) => {
            state.waiting[payment] -= 1;
            At::Received(payment)
        }
        (Step::AskForTheIndex, at) => {
            state.environments[index].believes = Some(state.index);
            at
        }
        (Step::AcknowledgeEarly, At::Received(payment)) => {
            state.environments[index].acknowledged = true;
            state.acknowledged[payment] = true;
            at
        }
        (Step::SkipWhatIsMarked, At::Received(payment)) => At::Committed(payment),
        (Step::Begin, At::Received(payment)) => write::begin(model, state, index, payment),
        (Step::Decide, At::Unmade(payment)) => At::Decided(payment, settle::decide(model, state, payment)),
        (Step::Hold, At::Decided(payment, Outcome::Surplus(owner))) => {
            settle::hold(state, index, payment, owner)
        }
        (Step::Settle, At::Decided(payment, outcome)) => settle::settle(state, index, payment, outcome),
        (Step::Settle, At::Holding(payment)) => {
            settle::settle(state, index, payment, Outcome::Surplus(payment))
        }
        (Step::Acknowledge, At::Committed(payment)) => {
            state.acknowledged[payment] = true;
            state.environments[index].acknowledged = false;
            At::Idle
        }
        (Step::AcknowledgementIsLost, At::Committed(payment)) => {
            state.left.lost_acknowledgements -= 1;
            give_back(state, index, payment)
        }
        (Step::Crash, at) => {
            state.left.crashes -= 1;
            let next = at
                .payment()
                .map_or(At::Idle, |payment| give_back(state, index, payment));
            state.environments[index].believes = None;
            next
        }
        (step, at) => write::take(model, state, index, step, at),
    };
    state.environments[index].at = next;
}

/// The delivery was not acknowledged: it comes again. Locks and uncommitted rows are gone.
pub(super) fn give_back(state: &mut State, index: usize, payment: usize) -> At {
    release(state, index);
    let environment = &mut state.environments[index];
    if environment.acknowledged {
        environment.acknowledged = false;
    } else {
        state.waiting[payment] += 1;
    }
    At::Idle
}

/// Lets go of the environment's locks.
pub(super) fn release(state: &mut State, index: usize) {
    if state.pair_lock == Some(index) {
        state.pair_lock = None;
    }
    if state.purchase_lock == Some(index) {
        state.purchase_lock = None;
    }
}
