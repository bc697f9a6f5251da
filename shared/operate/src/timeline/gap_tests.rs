//! Each hole has its sentence, and what is whole has none.

use super::*;
use uuid::Uuid;

pub(super) fn at(text: &str) -> DateTime<Utc> {
    format!("2026-11-21T{text}Z").parse().unwrap()
}

pub(super) fn moment() -> Moment {
    Moment {
        now: at("13:00:00"),
        timezone: chrono_tz::UTC,
    }
}

fn told(facts: Facts) -> (String, Status, String) {
    let gap = missing(&facts, &moment()).expect("something is missing");
    (gap.sentence, gap.status, gap.next_step)
}

pub(super) fn sentence(facts: Facts) -> String {
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

pub(super) fn event(published: Option<&str>, error: Option<&str>) -> EventFacts {
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
fn a_case_that_said_that_nothing_could_be_made_waits_for_no_person_once_it_is_made() {
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

pub(super) fn case(is_open: bool) -> CaseFacts {
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
