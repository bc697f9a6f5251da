//! What the plan promises, by example.
//! For any calendar at all it is in next_sessions_any_tests.rs.

use super::*;
use crate::clock::Clock;
use chrono_tz::Tz;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn days(texts: &[&str]) -> Vec<NaiveDate> {
    texts.iter().map(|text| day(text)).collect()
}

fn fresh(bought: u32) -> Window {
    Window {
        bought,
        used: 0,
        starts_on: None,
        ends_at: None,
        slot: TimeSlot::chosen(None),
        ahead: Vec::new(),
        elsewhere: BTreeSet::new(),
        trainer_busy: BTreeSet::new(),
        alternatives: Vec::new(),
    }
}

fn booked(text: &str, scheduled: bool) -> Booked {
    Booked {
        day: day(text),
        slot: TimeSlot::chosen(None),
        scheduled,
    }
}

/// The days alone.
fn next_sessions(window: &Window, now: NaiveDateTime, days: &SchoolDays) -> Vec<NaiveDate> {
    super::next_sessions(window, now, days)
        .into_iter()
        .map(|(day, _)| day)
        .collect()
}

fn plan(window: &Window, now: &str) -> Vec<NaiveDate> {
    next_sessions(window, at(now), &SchoolDays::default())
}

#[test]
fn a_new_allocation_gets_seven_weekdays_one_a_day() {
    // GIVEN a Thursday evening WHEN planned THEN the weekend is left out
    assert_eq!(
        plan(&fresh(30), "2026-01-08 18:00"),
        days(&[
            "2026-01-09",
            "2026-01-12",
            "2026-01-13",
            "2026-01-14",
            "2026-01-15",
            "2026-01-16",
            "2026-01-19"
        ])
    );
}

#[test]
fn blackout_days_are_left_out_as_weekends_are() {
    let school = SchoolDays {
        blackout: days(&["2026-01-09", "2026-01-12", "2026-01-17"])
            .into_iter()
            .collect(),
        ..SchoolDays::default()
    };
    let planned = next_sessions(&fresh(2), at("2026-01-08 18:00"), &school);
    assert_eq!(planned, days(&["2026-01-13", "2026-01-14"]));
}

#[test]
fn a_school_has_the_week_that_it_names() {
    // GIVEN a Thursday evening
    for (teaching, expected) in [
        (
            "Sun-Fri",
            ["2026-01-09", "2026-01-11", "2026-01-12", "2026-01-13"],
        ),
        (
            "Sun-Thu",
            ["2026-01-11", "2026-01-12", "2026-01-13", "2026-01-14"],
        ),
        ("Sat", ["2026-01-10", "2026-01-17", "2026-01-24", "2026-01-31"]),
    ] {
        let school = SchoolDays {
            teaching: teaching.parse().unwrap(),
            ..SchoolDays::default()
        };
        let planned = next_sessions(&fresh(4), at("2026-01-08 18:00"), &school);
        assert_eq!(planned, days(&expected), "{teaching}");
    }
}

#[test]
fn today_has_a_session_only_while_its_slot_has_not_begun() {
    for (now, first) in [
        ("2026-01-08 15:59", "2026-01-08"),
        ("2026-01-08 16:00", "2026-01-09"),
        ("2026-01-08 16:01", "2026-01-09"),
    ] {
        assert_eq!(plan(&fresh(30), now)[0], day(first), "at {now}");
    }
}

#[test]
fn today_is_left_out_when_the_slot_is_no_time() {
    let window = Window {
        slot: TimeSlot::booked("evening"),
        ..fresh(30)
    };
    assert_eq!(plan(&window, "2026-01-08 00:01")[0], day("2026-01-09"));
}

#[test]
fn no_session_begins_after_the_purchases_end() {
    let until = |end: &str, slot: &str| {
        let window = Window {
            ends_at: Some(at(end)),
            slot: TimeSlot::booked(slot),
            ..fresh(30)
        };
        plan(&window, "2026-01-08 18:00")
    };
    // Tuesday counts to its end, and the moment of the end itself is not beyond it
    for end in ["2026-01-13 23:59", "2026-01-13 16:00", "2026-01-14 15:59"] {
        assert_eq!(
            until(end, "4:00 PM"),
            days(&["2026-01-09", "2026-01-12", "2026-01-13"]),
            "{end}"
        );
    }
    // a slot that can't be read may be at any time of the day
    assert_eq!(until("2026-01-13 23:59", "evening").len(), 2);
    // over already, or over before it starts
    assert_eq!(until("2026-01-08 17:59", "4:00 PM"), days(&[]));
    let late = Window {
        starts_on: Some(day("2026-02-02")),
        ends_at: Some(at("2026-01-31 23:59")),
        ..fresh(30)
    };
    assert_eq!(plan(&late, "2026-01-08 18:00"), days(&[]));
}

#[test]
fn todays_session_no_longer_counts_as_ahead_once_it_begins() {
    let window = Window {
        used: 1,
        ahead: vec![booked("2026-01-08", true)],
        ..fresh(30)
    };
    assert_eq!(plan(&window, "2026-01-08 15:59").len(), 6);
    assert_eq!(plan(&window, "2026-01-08 16:00").len(), 7);
}

#[test]
fn the_start_date_is_the_first_day_and_never_lies_in_the_past() {
    let from = |start: &str| Window {
        starts_on: Some(day(start)),
        ..fresh(30)
    };
    assert_eq!(
        plan(&from("2026-02-02"), "2026-01-08 18:00")[0],
        day("2026-02-02")
    );
    assert_eq!(
        plan(&from("2025-02-03"), "2026-01-08 18:00")[0],
        day("2026-01-09")
    );
    // a Saturday
    assert_eq!(
        plan(&from("2026-01-10"), "2026-01-08 18:00")[0],
        day("2026-01-12")
    );
}

#[test]
fn month_and_year_end_and_leap_day_are_days_like_any_other() {
    assert_eq!(
        plan(&fresh(4), "2026-12-30 09:00"),
        days(&["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-04"])
    );
    assert_eq!(
        plan(&fresh(3), "2028-02-28 17:00"),
        days(&["2028-02-29", "2028-03-01", "2028-03-02"])
    );
    assert_eq!(
        plan(&fresh(2), "2027-02-26 09:00"),
        days(&["2027-02-26", "2027-03-01"])
    );
}

#[test]
fn the_day_is_the_schools_and_not_utcs() {
    // GIVEN 20:00 UTC on Thursday, which is 01:30 on Friday in Kolkata and 12:00 on Thursday in Los Angeles
    let clock = Clock::Fixed("2026-01-08T20:00:00Z".parse().unwrap());
    for (timezone, first) in [
        (Tz::Asia__Kolkata, "2026-01-09"),
        (Tz::America__Los_Angeles, "2026-01-08"),
        (Tz::UTC, "2026-01-09"),
    ] {
        let now = clock.now().with_timezone(&timezone).naive_local();
        assert_eq!(now.date(), clock.today(timezone));
        assert_eq!(
            next_sessions(&fresh(1), now, &SchoolDays::default()),
            days(&[first]),
            "{timezone}"
        );
    }
}

#[test]
fn a_cancelled_session_keeps_its_slot_but_is_still_owed() {
    // GIVEN two bought, one of them cancelled on Friday: it does not count as used
    let window = Window {
        ahead: vec![booked("2026-01-09", false)],
        ..fresh(2)
    };
    // THEN both that were bought follow, and Friday stays taken
    assert_eq!(
        plan(&window, "2026-01-08 18:00"),
        days(&["2026-01-12", "2026-01-13"])
    );
}

#[test]
fn a_session_that_was_held_today_keeps_its_slot_and_is_used_up() {
    let window = Window {
        used: 9,
        ahead: vec![booked("2026-01-08", false)],
        ..fresh(10)
    };
    assert_eq!(plan(&window, "2026-01-08 09:00"), days(&["2026-01-09"]));
}

#[test]
fn no_more_than_was_bought() {
    assert_eq!(
        plan(
            &Window {
                used: 27,
                ..fresh(30)
            },
            "2026-01-08 18:00"
        )
        .len(),
        3
    );
    assert_eq!(
        plan(
            &Window {
                used: 30,
                ..fresh(30)
            },
            "2026-01-08 18:00"
        )
        .len(),
        0
    );
    // the older system sometimes made more
    assert_eq!(
        plan(
            &Window {
                used: 33,
                ..fresh(30)
            },
            "2026-01-08 18:00"
        )
        .len(),
        0
    );
}

#[test]
fn a_full_window_stays_as_it_is() {
    let ahead: Vec<Booked> = plan(&fresh(30), "2026-01-08 18:00")
        .into_iter()
        .map(|day| Booked {
            day,
            slot: TimeSlot::chosen(None),
            scheduled: true,
        })
        .collect();
    assert_eq!(
        plan(
            &Window {
                used: 7,
                ahead,
                ..fresh(30)
            },
            "2026-01-08 18:00"
        ),
        []
    );
}

/// Mondays and Wednesdays of the weeks to come, after Thursday evening.
const OTHER_COURSE: [&str; 4] = ["2026-01-12", "2026-01-14", "2026-01-19", "2026-01-21"];

#[test]
fn a_day_on_which_the_student_has_another_course_then_is_left_out() {
    let window = Window {
        elsewhere: days(&OTHER_COURSE).into_iter().collect(),
        ..fresh(4)
    };
    assert_eq!(
        plan(&window, "2026-01-08 18:00"),
        days(&["2026-01-09", "2026-01-13", "2026-01-15", "2026-01-16"])
    );
}

#[test]
fn where_the_purchase_ends_before_another_day_the_days_of_the_other_course_are_used_the_first_ones_first() {
    let until = |end: &str, bought: u32| {
        let window = Window {
            ends_at: Some(at(end)),
            elsewhere: days(&OTHER_COURSE).into_iter().collect(),
            ..fresh(bought)
        };
        plan(&window, "2026-01-08 18:00")
    };
    // GIVEN Friday, Tuesday and Thursday are free until the end on Thursday
    let end = "2026-01-15 23:59";
    assert_eq!(until(end, 3), days(&["2026-01-09", "2026-01-13", "2026-01-15"]));
    assert_eq!(
        until(end, 4),
        days(&["2026-01-09", "2026-01-12", "2026-01-13", "2026-01-15"])
    );
    // AND all that there is, for more
    assert_eq!(
        until(end, 9),
        days(&[
            "2026-01-09",
            "2026-01-12",
            "2026-01-13",
            "2026-01-14",
            "2026-01-15"
        ])
    );
    assert_eq!(until("2026-01-12 23:59", 9), days(&["2026-01-09", "2026-01-12"]));
}

#[path = "next_sessions_taken_tests.rs"]
mod taken;
