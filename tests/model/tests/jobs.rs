//! Leases, rescue and completion of jobs, in every order of steps.

use makegood_model::check::{assert_breaks, assert_keeps_its_promises, explore};
use makegood_model::jobs::Guard::*;
use makegood_model::jobs::{Guard, Jobs};

type Scenario = fn(&[Guard]) -> Jobs;

const ONE: Scenario = Jobs::in_one_environment;
const FAILOVER: Scenario = Jobs::over_a_failover;

/// What breaks without them. Two in one line: each of them does alone, and the other is there in case.
const NEEDED: [(Scenario, &[Guard], &str); 13] = [
    (ONE, &[ClaimLocksItsRow], "a live lease is left alone"),
    (
        ONE,
        &[CompletionChecksAttempt],
        "who lost the lease changes nothing",
    ),
    (
        FAILOVER,
        &[CompletionChecksOwner],
        "who lost the lease changes nothing",
    ),
    (ONE, &[FailureChecksAttempt], "who lost the lease changes nothing"),
    (
        FAILOVER,
        &[FailureChecksOwner],
        "who lost the lease changes nothing",
    ),
    (ONE, &[RescueWaitsForTheLease], "a live lease is left alone"),
    (
        ONE,
        &[RescueLocksItsRows, RescueRechecksTheLease],
        "a live lease is left alone",
    ),
    (
        ONE,
        &[OrderAndCompletionAreOne],
        "who completes a job leaves its order",
    ),
    (
        ONE,
        &[OrderIsLookedFor, OrderIsUnique],
        "an intent has at most one order",
    ),
    (
        ONE,
        &[FailureAndCaseAreOne],
        "no program goes on with what a person was given",
    ),
    (
        ONE,
        &[JobsAreRescued],
        "in the end a paid intent has its order or an open case, and no job is left",
    ),
    (ONE, &[RequeueTakesEndedJobs], "a live lease is left alone"),
    (
        ONE,
        &[RequeueLocksTheJobFirst],
        "no program goes on with what a person was given",
    ),
];

/// Guards that another one stands in for: without one of them nothing breaks, so that no test of the code can miss it.
const DOUBLED: [Guard; 5] = [
    RescueLocksItsRows,
    RescueRechecksTheLease,
    OrderIsLookedFor,
    OrderIsUnique,
    IntentIsLocked,
];

#[test]
fn jobs_keep_their_promises() {
    assert_keeps_its_promises("jobs of one environment", ONE(&[]));
    assert_keeps_its_promises("jobs over a failover", FAILOVER(&[]));
}

#[test]
fn without_a_guard_of_jobs_a_promise_breaks() {
    for (scenario, guards, promise) in NEEDED {
        assert_breaks(&guards, scenario(guards), promise);
    }
    // The intent's lock and the job's lock do the same for the reconciler.
    let both = [IntentIsLocked, RequeueLocksTheJobFirst];
    assert_breaks(&both, ONE(&both), "a finished job stays finished");
}

#[test]
fn a_doubled_guard_of_jobs_may_be_missing_alone() {
    for guard in DOUBLED {
        let explored = explore("jobs without a doubled guard", ONE(&[guard]));
        assert!(explored.broken.is_empty(), "{guard:?}: {:?}", explored.broken);
    }
}
