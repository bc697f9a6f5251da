//! The outbox, its sweep and its fan-out, in every order of steps.

use makegood_model::check::{assert_breaks, assert_keeps_its_promises, explore};
use makegood_model::outbox::Guard::*;
use makegood_model::outbox::{Guard, Outbox};

type Scenario = fn(&[Guard]) -> Outbox;

const ALONE: Scenario = Outbox::alone;
const LOST: Scenario = Outbox::with_lost_effects;
const END: &str = "in the end every committed event is published and has its effects";
const AGAIN: &str = "what a queue is known to have taken is not sent there again";
const OWNER: &str = "a row has one owner until a lease runs out";

/// What breaks without them.
const NEEDED: [(Scenario, Guard, &str); 15] = [
    (ALONE, EventIsWrittenWithTheChange, END),
    (
        ALONE,
        SendingWaitsForTheCommit,
        "no event of a change that was not committed goes out",
    ),
    (ALONE, MarkWaitsForTheAnswers, END),
    (ALONE, MarkNeedsEveryQueue, END),
    (ALONE, AnswerMustNameTheEvent, END),
    (ALONE, ClaimRespectsTheLease, OWNER),
    (ALONE, LeaseEndsByItself, END),
    (ALONE, ClaimLocksItsRows, OWNER),
    (ALONE, OutboxIsSwept, END),
    (ALONE, OnlyPublishedRowsAreDeleted, END),
    (ALONE, ConsumersAreIdempotent, "an event has one effect"),
    (ALONE, ProgressIsRemembered, AGAIN),
    (ALONE, ProgressIsAdded, AGAIN),
    (LOST, AgainForgetsProgress, END),
    (LOST, LostEffectsAreLookedFor, END),
];

#[test]
fn the_outbox_keeps_its_promises() {
    assert_keeps_its_promises("outbox", ALONE(&[]));
    assert_keeps_its_promises("outbox with lost effects", LOST(&[]));
}

#[test]
fn whole_rows_sent_again_cost_copies_and_lose_nothing() {
    for scenario in [ALONE, LOST] {
        let explored = explore(
            "outbox without memory of its queues",
            scenario(&[ProgressIsRemembered]),
        );
        println!("{explored}");
        let broken: Vec<&str> = explored.broken.iter().map(|run| run.promise).collect();
        assert_eq!(broken, [AGAIN]);
    }
}

#[test]
fn without_a_guard_of_the_outbox_a_promise_breaks() {
    for (scenario, guard, promise) in NEEDED {
        assert_breaks(&guard, scenario(&[guard]), promise);
    }
}
