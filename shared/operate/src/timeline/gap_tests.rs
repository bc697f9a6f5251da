//! Each hole has its sentence, and what is whole has none.

use super::*;
use crate::timeline::facts::{JobFacts, OrderFacts};
use uuid::Uuid;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-11-21T{text}Z").parse().unwrap()
}

fn moment() -> Moment {
    Moment {
        now: at("13:00:00"),
        timezone: chrono_tz::UTC,
    }
}

fn told(facts: Facts) -> (String, Status, String) {
    let gap = missing(&facts, &moment()).expect("something is missing");
    (gap.sentence, gap.status, gap.next_step)
}

fn sentence(facts: Facts) -> String {
    told(facts).0
}

fn paid() -> CourseFacts {
    CourseFacts {
        payment: Some("succeeded".to_owned()),
        paid_at: Some(at("12:01:03")),
        ..CourseFacts::default()
    }
}

fn bought() -> CourseFacts {
    CourseFacts {
        purchase: Some((at("12:01:04"), true)),
        ..paid()
    }
}

fn allocated(status: &str, ahead: i64, used: i64) -> CourseFacts {
    let allocation = AllocationFacts {
        status: status.to_owned(),
        since: at("12:01:06"),
        ahead,
        used,
        bought: 30,
    };
    CourseFacts {
        allocation: Some(allocation),
        ..bought()
    }
}

fn parked(reason: &str) -> Hop {
    Hop {
        parked: Some(DeadLetterFacts {
            id: Uuid::from_u128(7),
            parked_at: at("12:01:05"),
            reason: reason.to_owned(),
        }),
        ..Hop::default()
    }
}

fn event(published: Option<&str>, error: Option<&str>) -> EventFacts {
    EventFacts {
        created_at: at("12:01:04"),
        published_at: published.map(at),
        attempts: 3,
        last_error: error.map(str::to_owned),
    }
}

fn in_outbox(published: Option<&str>, error: Option<&str>) -> Hop {
    Hop {
        event: Some(event(published, error)),
        ..Hop::default()
    }
}

#[test]
fn a_payment_without_purchase_says_where_its_event_is() {
    for (confirmed, expected) in [
        (
            parked("missing field studentId"),
            "event parked 12:01:05: missing field studentId",
        ),
        (
            in_outbox(None, Some("AccessDenied")),
            "event written 12:01:04, not published after 3 attempts: AccessDenied",
        ),
        (in_outbox(None, None), "event waits in the outbox since 12:01:04"),
        (
            in_outbox(Some("12:01:05"), None),
            "event published 12:01:05 and not processed",
        ),
        (
            Hop {
                marked: true,
                ..Hop::default()
            },
            "event marked as processed all the same",
        ),
        (Hop::default(), "no event on record"),
    ] {
        let facts = Facts::Course(CourseFacts { confirmed, ..paid() });
        assert_eq!(
            sentence(facts),
            format!("paid 12:01:03, no purchase yet, {expected}")
        );
    }
}

#[test]
fn a_parked_event_is_fixed_by_its_replay_and_a_lost_one_by_reconcile() {
    let confirmed = parked("x");
    let (_, status, next) = told(Facts::Course(CourseFacts { confirmed, ..paid() }));
    assert_eq!(status, Status::Failed);
    assert!(
        next.contains(&format!("makegood dead-letters replay {}", Uuid::from_u128(7))),
        "{next}"
    );
    let (_, status, next) = told(Facts::Course(paid()));
    assert_eq!(status, Status::Missing);
    assert!(next.contains("reconcile"), "{next}");
}

#[test]
fn what_is_younger_than_two_minutes_is_under_way() {
    let paid_at = Some(at("12:58:30"));
    let (_, status, _) = told(Facts::Course(CourseFacts { paid_at, ..paid() }));
    assert_eq!(status, Status::Pending);
}

#[test]
fn a_payment_that_names_no_course_says_so() {
    let facts = CourseFacts {
        course_unreadable: true,
        ..paid()
    };
    assert_eq!(
        sentence(Facts::Course(facts)),
        "paid 12:01:03, no purchase yet: the payment does not say for which course"
    );
}

#[test]
fn a_payment_that_only_an_event_knows_says_so() {
    let facts = CourseFacts {
        confirmed: parked("no such field"),
        ..CourseFacts::default()
    };
    assert_eq!(
        sentence(Facts::Course(facts)),
        "payment not on record, no purchase yet, event parked 12:01:05: no such field"
    );
}

#[test]
fn a_purchase_without_trainer_says_where_its_event_is_or_that_none_is_free() {
    let facts = CourseFacts {
        created: parked("the admin service answered 422"),
        ..bought()
    };
    assert_eq!(
        sentence(Facts::Course(facts)),
        "bought 12:01:04, no trainer yet, event parked 12:01:05: the admin service answered 422"
    );
    let (text, status, _) = told(Facts::Course(allocated("pending", 0, 0)));
    assert_eq!(text, "bought 12:01:04, waiting for a free trainer since 12:01:06");
    assert_eq!(status, Status::Pending);
    assert_eq!(
        sentence(Facts::Course(allocated("rejected", 0, 0))),
        "bought 12:01:04, no trainer: the allocation was rejected 12:01:06"
    );
}

#[test]
fn an_allocation_without_sessions_says_where_its_event_is() {
    let facts = CourseFacts {
        allocated: in_outbox(Some("12:01:07"), None),
        ..allocated("approved", 0, 0)
    };
    assert_eq!(
        sentence(Facts::Course(facts)),
        "trainer allocated 12:01:06, no sessions yet, event published 12:01:07 and not processed"
    );
    assert_eq!(
        sentence(Facts::Course(allocated("active", 2, 12))),
        "trainer allocated 12:01:06, 2 sessions ahead, though only 12 of 30 are used"
    );
}

#[test]
fn what_is_whole_or_not_owed_has_no_gap() {
    let ended = CourseFacts {
        purchase: Some((at("12:01:04"), false)),
        ..paid()
    };
    let of_status = |status: &str| CourseFacts {
        payment: Some(status.to_owned()),
        paid_at: None,
        ..CourseFacts::default()
    };
    let decided = CourseFacts {
        case: Some(case(false)),
        ..paid()
    };
    for facts in [
        allocated("approved", 7, 7),
        allocated("approved", 3, 20),
        allocated("active", 0, 30),
        allocated("completed", 0, 30),
        ended,
        of_status("failed"),
        of_status("refunded"),
        of_status("initiated"),
        decided,
    ] {
        assert_eq!(
            missing(&Facts::Course(facts.clone()), &moment()),
            None,
            "{facts:?}"
        );
    }
}

#[test]
fn a_case_that_said_that_nothing_could_be_made_waits_for_nobody_once_it_is_made() {
    let case = CaseFacts {
        kind: "unfulfillable".to_owned(),
        ..case(true)
    };
    let with = |course: CourseFacts| CourseFacts {
        case: Some(case.clone()),
        ..course
    };
    let made = Facts::Course(with(allocated("approved", 7, 7)));
    assert_eq!(missing(&made, &moment()), None);
    assert_eq!(
        sentence(Facts::Course(with(paid()))),
        "paid 12:01:03, case unfulfillable open since 12:01:05: a person decides"
    );
}

fn case(is_open: bool) -> CaseFacts {
    CaseFacts {
        id: Uuid::from_u128(9),
        kind: "surplus_payment".to_owned(),
        is_open,
        opened_at: at("12:01:05"),
    }
}

#[test]
fn an_open_case_is_a_persons_turn_whatever_else_is_there() {
    for course in [paid(), bought(), allocated("approved", 7, 7)] {
        let case = Some(case(true));
        assert_eq!(
            sentence(Facts::Course(CourseFacts { case, ..course })),
            "paid 12:01:03, case surplus_payment open since 12:01:05: a person decides"
        );
    }
}

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
            "the job is due since 12:01:04 and nobody took it",
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
