//! What the plan promises: by example, and for any calendar at all.

use super::*;
use crate::clock::Clock;
use chrono::{Days, NaiveTime};
use chrono_tz::Tz;
use proptest::prelude::*;

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
    }
}

fn booked(text: &str, scheduled: bool) -> Booked {
    Booked {
        day: day(text),
        slot: TimeSlot::chosen(None),
        scheduled,
    }
}

fn plan(window: &Window, now: &str) -> Vec<NaiveDate> {
    next_sessions(window, at(now), &BTreeSet::new())
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
    let blackout = days(&["2026-01-09", "2026-01-12", "2026-01-17"])
        .into_iter()
        .collect();
    let planned = next_sessions(&fresh(2), at("2026-01-08 18:00"), &blackout);
    assert_eq!(planned, days(&["2026-01-13", "2026-01-14"]));
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
    // a slot that nobody can read may be at any time of the day
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
            next_sessions(&fresh(1), now, &BTreeSet::new()),
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

/// One planted session: days after today, its state, its time.
fn sessions() -> impl Strategy<Value = Vec<(u64, u8, bool)>> {
    prop::collection::vec((0_u64..40, 0_u8..3, any::<bool>()), 0..25)
}

prop_compose! {
    fn moments()(offset in 0_u64..2_000, minutes in 0_u32..1_440) -> NaiveDateTime {
        let time = NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap();
        day("2026-01-01").checked_add_days(Days::new(offset)).unwrap().and_time(time)
    }
}

prop_compose! {
    fn calendars()(
        now in moments(),
        planted in sessions(),
        past in 0_u32..35,
        bought in prop::sample::select(vec![0_u32, 1, 3, 10, 20, 30]),
        start in prop::option::of(-60_i64..60),
        slot in prop::sample::select(vec!["4:00 PM", "17:30", "0:00", "11:59 pm", "evening"]),
        closed in prop::collection::btree_set(0_u64..60, 0..20),
    ) -> (NaiveDateTime, Window, BTreeSet<NaiveDate>) {
        let later = |days: u64| now.date().checked_add_days(Days::new(days)).unwrap();
        let ahead: Vec<Booked> = planted.iter().map(|(days, state, usual)| Booked {
            day: later(*days),
            slot: TimeSlot::booked(if *usual { slot } else { "8:00 AM" }),
            scheduled: *state == 0,
        }).collect();
        // state 2 is cancelled: the only one that does not use up a bought session
        let live = planted.iter().filter(|(_, state, _)| *state != 2).count();
        let window = Window {
            bought,
            used: past + u32::try_from(live).unwrap(),
            starts_on: start.map(|days| now.date() + chrono::Duration::days(days)),
            ends_at: None,
            slot: TimeSlot::booked(slot),
            ahead,
        };
        (now, window, closed.into_iter().map(later).collect())
    }
}

/// The window after the planned sessions were written.
fn with(window: &Window, planned: &[NaiveDate]) -> Window {
    let mut after = window.clone();
    after.used += u32::try_from(planned.len()).unwrap();
    after.ahead.extend(planned.iter().map(|day| Booked {
        day: *day,
        slot: window.slot.clone(),
        scheduled: true,
    }));
    after
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_end_takes_away_what_begins_after_it_and_nothing_else((now, window, blackout) in calendars(), days in -3_i64..30, hour in 0_u32..24) {
        let end = (now.date() + chrono::Duration::days(days)).and_hms_opt(hour, 0, 0).unwrap();
        let ending = Window { ends_at: Some(end), ..window.clone() };
        let begins = |day: NaiveDate| window.slot.starts().map_or_else(
            || (day + chrono::Duration::days(1)).and_hms_opt(0, 0, 0).unwrap(),
            |time| day.and_time(time),
        );
        let endless = next_sessions(&window, now, &blackout);
        let expected: Vec<_> = endless.into_iter().filter(|day| begins(*day) <= end).collect();
        prop_assert_eq!(next_sessions(&ending, now, &blackout), expected);
    }

    #[test]
    fn any_plan_keeps_every_rule((now, window, blackout) in calendars()) {
        let planned = next_sessions(&window, now, &blackout);
        let taken: BTreeSet<_> = window.ahead.iter().map(|session| session.day).collect();
        for (index, day) in planned.iter().enumerate() {
            prop_assert!(day.weekday().number_from_monday() <= 5, "{day} is a weekend");
            prop_assert!(!blackout.contains(day), "{day} is a blackout day");
            prop_assert!(!taken.contains(day), "{day} has a session");
            prop_assert!(index == 0 || planned[index - 1] < *day, "{day} is not after the one before");
            prop_assert!(window.starts_on.is_none_or(|start| start <= *day), "{day} is before the start");
            prop_assert!(*day >= now.date(), "{day} is in the past");
            let begins = window.slot.starts().map(|time| day.and_time(time));
            prop_assert!(*day > now.date() || begins.is_some_and(|begins| begins > now), "{day}: its slot has begun");
        }
        let after = with(&window, &planned);
        prop_assert!(planned.is_empty() || upcoming(&after.ahead, now) <= WINDOW);
        prop_assert!(planned.is_empty() || after.used <= window.bought);
    }

    #[test]
    fn any_plan_fills_the_window_or_uses_up_what_was_bought((now, window, blackout) in calendars()) {
        let after = with(&window, &next_sessions(&window, now, &blackout));
        prop_assert!(upcoming(&after.ahead, now) >= WINDOW || after.used >= window.bought);
        prop_assert_eq!(next_sessions(&after, now, &blackout), vec![], "planning again adds nothing");
    }

    #[test]
    fn any_plan_takes_the_earliest_days_there_are((now, window, blackout) in calendars()) {
        let planned = next_sessions(&window, now, &blackout);
        let first = window.starts_on.map_or(now.date(), |start| start.max(now.date()));
        for day in planned.last().into_iter().flat_map(|last| first.iter_days().take_while(move |day| day < last)) {
            let free = is_weekday(day) && !blackout.contains(&day) && is_ahead(day, &window.slot, now)
                && window.ahead.iter().all(|session| session.day != day);
            prop_assert!(!free || planned.contains(&day), "{day} was free");
        }
    }
}
