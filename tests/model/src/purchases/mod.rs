//! Two payments for one student and course, each delivered twice, to two environments: who makes the purchase, on which path, and
//! what becomes of the other payment.
//!
//! As in `shared/makegood/src/purchase`: the fast path arbitrated by the unique index, the fallback under advisory locks while the index is
//! missing, and the settling of what was not made. The index is dropped and built meanwhile, and a purchase ends.

mod environment;
mod model;
mod settle;
mod write;

use crate::guards::Without;
use environment::Environment;

/// Two payments of the same student for the same course.
const PAYMENTS: usize = 2;
/// Two environments.
const ENVIRONMENTS: usize = 2;
/// The most purchases that one run can make; a broken model may want more.
const MOST: usize = 4;

/// What keeps the promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// `create_fast.sql`: the conflict names the index's columns and predicate.
    ConflictNamesItsArbiter,
    /// `write`: 42P10 leads to the fallback.
    MissingArbiterTakesTheFallback,
    /// `create_fast.sql`: a payment that has a purchase makes no other.
    FastPathSkipsFulfilled,
    /// `create_fast.sql`: a payment that is surplus makes none.
    FastPathSkipsSurplus,
    /// `lock_pairs`: the advisory lock of the pair.
    FallbackLocksThePair,
    /// `look`: a statement of its own, after the lock.
    FallbackLooksAfterTheLock,
    /// `look`: a payment that has a purchase makes no other.
    FallbackSkipsFulfilled,
    /// `look`: a payment that is surplus makes none.
    FallbackSkipsSurplus,
    /// `write_under_locks`: 23505 is another writer's success.
    TakenKeyIsSuccess,
    /// `decide`: a payment's own purchase comes before anything else.
    OwnPurchaseComesFirst,
    /// `settle`: a case is opened only under the lock of the running purchase that it rests on.
    SurplusHoldsThePurchase,
    /// `decide`: without a running purchase in the way the event is delivered once more.
    NothingInTheWayIsTriedAgain,
    /// The purchase says what is done, not the mark in `processed_events`.
    PurchaseDecidesNotTheMark,
    /// The delivery is acknowledged after the commit.
    AcknowledgedAfterTheCommit,
}

/// How often things may happen in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Environments that die.
    pub(crate) crashes: u8,
    /// Acknowledgements that the queue does not get.
    pub(crate) lost_acknowledgements: u8,
    /// Purchases that end.
    pub(crate) ends: u8,
    /// Times that the index is dropped, or built.
    pub(crate) index_changes: u8,
}

/// A model of purchases, with these guards taken out.
#[derive(Debug, Clone)]
pub struct Purchases {
    without: Without<Guard>,
    budget: Budget,
}

impl Purchases {
    /// The code as it is, or without some of its guards.
    #[must_use]
    pub fn without(guards: &[Guard]) -> Self {
        Self {
            without: Without::these(guards),
            budget: Budget {
                crashes: 1,
                lost_acknowledgements: 1,
                ends: 1,
                index_changes: 2,
            },
        }
    }

    fn has(&self, guard: Guard) -> bool {
        self.without.has(guard)
    }
}

/// A committed purchase of the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Purchase {
    pub(crate) payment: usize,
    pub(crate) runs: bool,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// `unique_active_purchase` is there and valid.
    pub(crate) index: bool,
    pub(crate) purchases: [Option<Purchase>; MOST],
    /// The payment's case `surplus_payment`.
    pub(crate) surplus: [bool; PAYMENTS],
    /// The payment's event stands in `processed_events`.
    pub(crate) marked: [bool; PAYMENTS],
    /// Deliveries that wait in the queue.
    pub(crate) waiting: [u8; PAYMENTS],
    /// At least one delivery was acknowledged.
    pub(crate) acknowledged: [bool; PAYMENTS],
    /// Who holds the pair's advisory lock.
    pub(crate) pair_lock: Option<usize>,
    /// Who holds the lock of a running purchase.
    pub(crate) purchase_lock: Option<usize>,
    pub(crate) environments: [Environment; ENVIRONMENTS],
    pub(crate) left: Budget,
    /// The fallback made a purchase.
    pub(crate) fallback_made: bool,
}

/// One step of an environment, or of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `DROP INDEX`.
    DropIndex,
    /// `CREATE UNIQUE INDEX CONCURRENTLY`.
    BuildIndex,
    /// The purchase that runs ends.
    PurchaseEnds,
    /// An environment's next step.
    Environment(usize, environment::Step),
}
