//! Purchases of two payments for one course, in every order of steps.

use makegood_model::check::{assert_breaks, assert_keeps_its_promises};
use makegood_model::purchases::Guard::*;
use makegood_model::purchases::{Guard, Purchases};

const ONE_RUNS: &str = "a pair has at most one running purchase";
const ONE_EACH: &str = "a payment makes at most one purchase";
const SETTLED: &str = "who is acknowledged has a purchase or a case";
const NO_REFUND: &str = "no case asks to refund what fulfilled something";

/// What breaks without them.
const NEEDED: [(Guard, &str); 14] = [
    (ConflictNamesItsArbiter, ONE_RUNS),
    (MissingArbiterTakesTheFallback, SETTLED),
    (FastPathSkipsFulfilled, ONE_EACH),
    (FastPathSkipsSurplus, NO_REFUND),
    (FallbackLocksThePair, ONE_RUNS),
    (FallbackLooksAfterTheLock, ONE_RUNS),
    (FallbackSkipsFulfilled, ONE_EACH),
    (FallbackSkipsSurplus, NO_REFUND),
    (TakenKeyIsSuccess, SETTLED),
    (OwnPurchaseComesFirst, NO_REFUND),
    (SurplusHoldsThePurchase, NO_REFUND),
    (NothingInTheWayIsTriedAgain, SETTLED),
    (PurchaseDecidesNotTheMark, SETTLED),
    (AcknowledgedAfterTheCommit, SETTLED),
];

#[test]
fn purchases_keep_their_promises() {
    assert_keeps_its_promises("purchases", Purchases::without(&[]));
}

#[test]
fn without_a_guard_of_purchases_a_promise_breaks() {
    for (guard, promise) in NEEDED {
        assert_breaks(&guard, Purchases::without(&[guard]), promise);
    }
}
