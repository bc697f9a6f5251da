//! What becomes of sessions that are moved where the student has another course at the same time.

use super::*;

/// What becomes of the week at this time from now on, where the student has another course at that time on Monday and Tuesday.
fn at_the_time_of_another_course(slot: &str, ends_on: Option<&str>) -> Vec<Move> {
    let terms = |slot: &str| Terms {
        slot: Some(slot.to_owned()),
        ..Terms::default()
    };
    let plan = terms(slot).plan(Some(&terms("4:00 PM")), now().date(), Tz::Asia__Kolkata);
    let mut calendar = window(10, 0, &week(), &plan);
    calendar.elsewhere = [day("2026-01-12"), day("2026-01-13")].into();
    calendar.ends_at = ends_on.and_then(|text| day(text).and_hms_opt(23, 59, 59));
    let moves = replan(&mut calendar, &week(), &plan, OLD, now(), &SchoolDays::default());
    assert_eq!((calendar.used, calendar.ahead.len()), (4, 4));
    moves
}

#[test]
fn another_time_that_is_another_courses_takes_other_days_while_there_are() {
    let to = |text: &str| Some(format!("{text} 5:00 PM"));
    let from = ["2026-01-09", "2026-01-12", "2026-01-13", "2026-01-14"];
    for (ends_on, days) in [
        (None, ["2026-01-09", "2026-01-15", "2026-01-16", "2026-01-14"]),
        (
            Some("2026-01-15"),
            ["2026-01-09", "2026-01-12", "2026-01-15", "2026-01-14"],
        ),
        (Some("2026-01-14"), from),
    ] {
        let mut moves = at_the_time_of_another_course("5 PM", ends_on);
        moves.sort_by_key(|moved| moved.session.day);
        let expected: Vec<_> = from
            .iter()
            .zip(days)
            .map(|(from, day)| ((*from).to_owned(), to(day), "slot_changed"))
            .collect();
        assert_eq!(told(&moves), expected, "until {ends_on:?}");
    }
}

#[test]
fn what_is_on_the_calendar_is_not_moved_for_another_course() {
    assert_eq!(at_the_time_of_another_course("16:00", None), []);
}

#[test]
fn a_session_before_the_first_day_keeps_its_day_with_another_course_when_no_other_is_left() {
    // GIVEN a session on Monday, the first day on Thursday as it was noted, and an end on Wednesday
    let terms = |slot: &str| Terms {
        slot: Some(slot.to_owned()),
        start: Some("2026-01-15".to_owned()),
        ..Terms::default()
    };
    let plan = terms("5 PM").plan(Some(&terms("4 PM")), now().date(), Tz::Asia__Kolkata);
    let monday = [session(1, day("2026-01-12"))];
    let mut calendar = window(10, 0, &monday, &plan);
    calendar.elsewhere = [day("2026-01-12")].into();
    calendar.ends_at = day("2026-01-14").and_hms_opt(23, 59, 59);
    // WHEN it gets the time of another course of that day
    let moves = replan(&mut calendar, &monday, &plan, OLD, now(), &SchoolDays::default());
    // THEN it is on its day still
    let to = Some("2026-01-12 5:00 PM".to_owned());
    assert_eq!(told(&moves), [("2026-01-12".to_owned(), to, "slot_changed")]);
    assert_eq!((calendar.used, calendar.ahead.len()), (1, 1));
}
