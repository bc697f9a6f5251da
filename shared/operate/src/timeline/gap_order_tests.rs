//! Each hole of an order has its sentence, and what is whole has none.

use super::tests::{at, case, event, moment, sentence};
use super::*;
use crate::timeline::facts::{JobFacts, OrderFacts};
use uuid::Uuid;

fn intent() -> OrderFacts {
    OrderFacts {
        intent: "succeeded".to_owned(),
        created_at: at("12:00:00"),
        expires_at: Some(at("12:35:00")),
        paid_at: Some(at("12:01:03")),
        mismatch_at: None,
        case: None,
        order: None,
        job: None,
        published: None,
        held_since: None,
        given_back_at: None,
    }
}

fn job(status: &str, locked_until: Option<&str>) -> JobFacts {
    JobFacts {
        id: Uuid::from_u128(5),
        status: status.to_owned(),
        attempts: 1,
        max_attempts: 3,
        scheduled_for: at("12:01:04"),
        locked_until: locked_until.map(at),
        updated_at: at("12:01:09"),
        last_error: Some("unknown_variant: sku CUP".to_owned()),
    }
}

#[test]
fn a_paid_intent_without_order_says_where_its_job_is() {
    let later = JobFacts {
        scheduled_for: at("13:05:00"),
        ..job("pending", None)
    };
    for (job, expected) in [
        (None, "no job on record"),
        (
            Some(job("pending", None)),
            "the job is due since 12:01:04 and no worker took it",
        ),
        (
            Some(later),
            "the job runs again 13:05:00 (attempt 1 of 3): unknown_variant: sku CUP",
        ),
        (
            Some(job("processing", Some("12:30:00"))),
            "the job's worker died: its lease ended 12:30:00",
        ),
        (
            Some(job("processing", Some("13:01:00"))),
            "the job is running (attempt 1 of 3)",
        ),
        (
            Some(job("failed", None)),
            "the job failed 12:01:09: unknown_variant: sku CUP",
        ),
        (
            Some(job("cancelled", None)),
            "the job was cancelled 12:01:09: unknown_variant: sku CUP",
        ),
        (Some(job("completed", None)), "though the job completed 12:01:09"),
    ] {
        let facts = Facts::Order(OrderFacts { job, ..intent() });
        assert_eq!(
            sentence(facts),
            format!("paid 12:01:03, no order yet, {expected}")
        );
    }
}

#[test]
fn nothing_is_owed_for_an_intent_whose_money_is_back() {
    let given_back = OrderFacts {
        intent: "failed".to_owned(),
        job: Some(job("cancelled", None)),
        given_back_at: Some(at("12:01:04")),
        ..intent()
    };
    assert_eq!(missing(&Facts::Order(given_back.clone()), &moment()), None);
    assert_eq!(Facts::Order(given_back).state(), "nothing is owed: refunded");
}

#[test]
fn an_order_that_is_not_whole_says_what_it_lacks() {
    let made = |items, published, held: Option<&str>| {
        Facts::Order(OrderFacts {
            order: Some((at("12:01:05"), items)),
            published,
            held_since: held.map(at),
            ..intent()
        })
    };
    assert_eq!(
        sentence(made(0, None, None)),
        "order made 12:01:05, without items"
    );
    assert_eq!(
        sentence(made(1, Some(event(None, None)), None)),
        "order made 12:01:05, not published yet, event waits in the outbox since 12:01:04"
    );
    assert_eq!(
        sentence(made(1, None, Some("12:00:01"))),
        "order made 12:01:05, its stock is still reserved since 12:00:01"
    );
    let whole = made(1, Some(event(Some("12:01:06"), None)), None);
    assert_eq!(missing(&whole, &moment()), None);
}

#[test]
fn an_unpaid_checkout_lacks_something_only_when_the_gateway_or_the_sweep_owes_it() {
    let unpaid = |status: &str, expires: &str, held: Option<&str>| {
        Facts::Order(OrderFacts {
            intent: status.to_owned(),
            paid_at: None,
            expires_at: Some(at(expires)),
            held_since: held.map(at),
            ..intent()
        })
    };
    assert_eq!(missing(&unpaid("pending", "13:20:00", None), &moment()), None);
    assert_eq!(missing(&unpaid("cancelled", "12:35:00", None), &moment()), None);
    assert_eq!(
        sentence(unpaid("processing", "12:35:00", None)),
        "checkout 12:00:00, ended 12:35:00, and the gateway has given no final answer"
    );
    assert_eq!(
        sentence(unpaid("expired", "12:35:00", Some("12:35:00"))),
        "checkout 12:00:00, expired, and its stock is still reserved since 12:35:00"
    );
}

#[test]
fn another_amount_is_a_persons_turn() {
    let mismatch = OrderFacts {
        paid_at: None,
        mismatch_at: Some(at("12:01:03")),
        ..intent()
    };
    assert_eq!(
        sentence(Facts::Order(mismatch.clone())),
        "another amount was paid 12:01:03, and no case says so"
    );
    let case = Some(case(true));
    assert_eq!(
        sentence(Facts::Order(OrderFacts { case, ..mismatch })),
        "another amount was paid 12:01:03, case surplus_payment open since 12:01:05: a person decides"
    );
}
