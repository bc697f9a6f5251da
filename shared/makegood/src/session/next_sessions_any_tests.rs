//! What the plan promises for any calendar, week and blackout days at all.
//! Examples are in next_sessions_tests.rs.

use super::*;
use crate::event::TrainerAllocated;
use crate::school_days::TeachingDays;
use chrono::{Datelike, Days, NaiveTime};
use proptest::prelude::*;

/// One planted session: days after today, its state, its time.
fn sessions() -> impl Strategy<Value = Vec<(u64, u8, bool)>> {
    prop::collection::vec((0_u64..40, 0_u8..3, any::<bool>()), 0..25)
}

prop_compose! {
    fn moments()(offset in 0_u64..2_000, minutes in 0_u32..1_440) -> NaiveDateTime {
        let time = NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap();
        NaiveDate::from_ymd_opt(2026, 1, 1)
            .unwrap()
            .checked_add_days(Days::new(offset)).unwrap().and_time(time)
    }
}

prop_compose! {
    fn weeks()(days in prop::sample::subsequence(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 1..=7)) -> TeachingDays {
        days.join(",").parse().unwrap()
    }
}

prop_compose! {
    fn calendars()(
        now in moments(),
        teaching in weeks(),
        planted in sessions(),
        past in 0_u32..35,
        bought in prop::sample::select(vec![0_u32, 1, 3, 10, 20, 30]),
        start in prop::option::of(-60_i64..60),
        slot in prop::sample::select(vec!["4:00 PM", "17:30", "0:00", "11:59 pm", "evening"]),
        closed in prop::collection::btree_set(0_u64..60, 0..20),
        elsewhere in prop::collection::btree_set(0_u64..40, 0..25),
    ) -> (NaiveDateTime, Window, SchoolDays) {
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
            elsewhere: elsewhere.into_iter().map(later).collect(),
            trainer_busy: BTreeSet::new(),
alternatives: Vec::new(),
        };
        let blackout = closed.into_iter().map(later).collect();
        (now, window, SchoolDays { teaching, blackout })
    }
}

/// The days alone.
fn next_sessions(window: &Window, now: NaiveDateTime, days: &SchoolDays) -> Vec<NaiveDate> {
    super::next_sessions(window, now, days)
        .into_iter()
        .map(|(day, _)| day)
        .collect()
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
    fn an_end_takes_away_what_begins_after_it_and_nothing_else((now, window, school) in calendars(), days in -3_i64..30, hour in 0_u32..24) {
        let end = (now.date() + chrono::Duration::days(days)).and_hms_opt(hour, 0, 0).unwrap();
        let window = Window { elsewhere: BTreeSet::new(), ..window };
        let ending = Window { ends_at: Some(end), ..window.clone() };
        let begins = |day: NaiveDate| window.slot.starts().map_or_else(
            || (day + chrono::Duration::days(1)).and_hms_opt(0, 0, 0).unwrap(),
            |time| day.and_time(time),
        );
        let endless = next_sessions(&window, now, &school);
        let expected: Vec<_> = endless.into_iter().filter(|day| begins(*day) <= end).collect();
        prop_assert_eq!(next_sessions(&ending, now, &school), expected);
    }

    #[test]
    fn another_course_at_the_same_time_costs_no_session_and_its_days_come_last((now, window, school) in calendars(), days in 0_i64..40) {
        let window = Window { ends_at: (now.date() + chrono::Duration::days(days)).and_hms_opt(23, 59, 59), ..window };
        let alone = Window { elsewhere: BTreeSet::new(), ..window.clone() };
        let planned: BTreeSet<_> = next_sessions(&window, now, &school).into_iter().collect();
        // THEN as many are planned as for a student of one course
        prop_assert_eq!(planned.len(), next_sessions(&alone, now, &school).len());
        // AND of the days that there are until the end, those with another course only when all others are planned, the first ones first
        let all = open_days(&alone, now, &school, usize::MAX).into_keys();
        let (clashing, free): (Vec<_>, Vec<_>) = all.partition(|day| window.elsewhere.contains(day));
        let in_turn: BTreeSet<_> = free.into_iter().chain(clashing).take(planned.len()).collect();
        prop_assert_eq!(planned, in_turn);
    }

    #[test]
    fn a_trainers_other_student_costs_no_session_and_comes_before_the_students_other_course(
        (now, window, school) in calendars(), busy in prop::collection::btree_set(0_u64..90, 0..80), days in 0_i64..120
    ) {
        let trainer_busy: BTreeSet<_> = busy.into_iter().map(|days| now.date() + Days::new(days)).collect();
        let window = Window { trainer_busy, ends_at: (now.date() + chrono::Duration::days(days)).and_hms_opt(23, 59, 59), ..window };
        let free = Window { trainer_busy: BTreeSet::new(), ..window.clone() };
        let alone = Window { elsewhere: BTreeSet::new(), ..free.clone() };
        let planned: BTreeSet<_> = next_sessions(&window, now, &school).into_iter().collect();
        let without: Vec<_> = next_sessions(&free, now, &school);
        prop_assert_eq!(planned.len(), without.len());
        // No day of another course is used that would not be without the trainer's.
        prop_assert!(planned.iter().filter(|day| window.elsewhere.contains(day)).all(|day| without.contains(day)));
        // Of the others, those on which the trainer is free come first, up to six weeks after the last day of a trainer who is free.
        let open: Vec<_> = open_days(&alone, now, &school, usize::MAX).into_keys().filter(|day| !window.elsewhere.contains(day)).collect();
        let Some(last) = planned.len().checked_sub(1).and_then(|last| open.get(last)) else { return Ok(()) };
        let near = open.iter().filter(|day| **day <= *last + Days::new(42));
        let (busy, free): (Vec<_>, Vec<_>) = near.partition(|day| window.trainer_busy.contains(day));
        let in_turn: BTreeSet<_> = free.into_iter().chain(busy).take(planned.len()).copied().collect();
        prop_assert_eq!(planned, in_turn);
    }

    #[test]
    fn another_time_of_the_school_is_for_days_that_are_taken_alone_and_leaves_fewer_at_one_time(
        (now, window, school) in calendars(), taken in prop::collection::btree_set(0_u64..40, 0..25), ends_in in prop::option::of(0_i64..40)
    ) {
        let ends_at = ends_in.and_then(|days| (now.date() + chrono::Duration::days(days)).and_hms_opt(18, 0, 0));
        let taken: BTreeSet<_> = taken.into_iter().map(|days| now.date() + Days::new(days)).collect();
        let evening = TimeSlot::booked("6:00 PM");
        let six = |day: NaiveDate| day.and_hms_opt(18, 0, 0).unwrap();
        let without = Window { ends_at, ..window };
        let window = Window { alternatives: vec![Alternative { slot: evening.clone(), taken: taken.clone() }], ..without.clone() };
        let planned = super::next_sessions(&window, now, &school);
        for (day, slot) in &planned {
            let is_free_then = !taken.contains(day) && six(*day) > now && ends_at.is_none_or(|end| six(*day) <= end);
            let expected = if window.elsewhere.contains(day) && is_free_then { &evening } else { &window.slot };
            prop_assert_eq!(slot, expected, "{}", day);
        }
        let plain = next_sessions(&without, now, &school);
        prop_assert_eq!(planned.len(), plain.len());
        let at_one_time = planned.iter().filter(|(day, slot)| window.elsewhere.contains(day) && *slot == window.slot).count();
        let without = plain.iter().filter(|day| window.elsewhere.contains(day)).count();
        prop_assert!(at_one_time <= without, "{} {}", at_one_time, without);
        // Without an end nothing is at one time, and so nothing is later for it.
        prop_assert!(ends_at.is_some() || planned.iter().zip(&plain).all(|((day, _), later)| day <= later));
    }

    #[test]
    fn any_plan_keeps_every_rule((now, window, school) in calendars()) {
        let planned = next_sessions(&window, now, &school);
        let taken: BTreeSet<_> = window.ahead.iter().map(|session| session.day).collect();
        for (index, day) in planned.iter().enumerate() {
            let number = i32::try_from(day.weekday().number_from_monday()).unwrap();
            prop_assert!(school.teaching.iso_numbers().contains(&number), "{day} is no teaching day");
            prop_assert!(!school.blackout.contains(day), "{day} is a blackout day");
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
    fn the_end_date_is_the_day_of_the_last_session_when_all_are_planned_at_once(
        (now, window, school) in calendars(), sessions in 1_u16..120, ahead in 1_u64..60
    ) {
        // GIVEN an empty calendar that begins after today, so that no slot of it is past
        let start = now.date().checked_add_days(Days::new(ahead)).unwrap();
        let empty = Window { starts_on: Some(start), ahead: Vec::new(), elsewhere: BTreeSet::new(), used: 0, ..window };
        // WHEN every session is planned, whatever the window holds
        let planned: Vec<NaiveDate> = open_days(&empty, now, &school, usize::from(sessions)).into_keys().collect();
        // THEN they are on days of the school, one after the other, and the last one is on the end date
        prop_assert_eq!(planned.len(), usize::from(sessions));
        for (index, day) in planned.iter().enumerate() {
            let number = i32::try_from(day.weekday().number_from_monday()).unwrap();
            prop_assert!(school.teaching.iso_numbers().contains(&number), "{day} is no teaching day");
            prop_assert!(!school.blackout.contains(day), "{day} is a blackout day");
            prop_assert!(index == 0 || planned[index - 1] < *day, "{day} is not after the one before");
        }
        let end = TrainerAllocated::last_day(start, i32::from(sessions), &school);
        prop_assert_eq!(planned.last(), Some(&end));
    }

    #[test]
    fn any_plan_fills_the_window_or_uses_up_what_was_bought((now, window, school) in calendars()) {
        let after = with(&window, &next_sessions(&window, now, &school));
        prop_assert!(upcoming(&after.ahead, now) >= WINDOW || after.used >= window.bought);
        prop_assert_eq!(next_sessions(&after, now, &school), vec![], "planning again adds nothing");
    }

    #[test]
    fn any_plan_takes_the_earliest_days_there_are((now, window, school) in calendars()) {
        let planned = next_sessions(&window, now, &school);
        let first = window.starts_on.map_or(now.date(), |start| start.max(now.date()));
        for day in planned.last().into_iter().flat_map(|last| first.iter_days().take_while(move |day| day < last)) {
            let free = school.contains(day) && is_ahead(day, &window.slot, now)
                && window.ahead.iter().all(|session| session.day != day) && !window.elsewhere.contains(&day);
            prop_assert!(!free || planned.contains(&day), "{day} was free");
        }
    }
}
