//! Days that are taken: other times of the school, and how long a trainer is waited for.

use super::*;

#[test]
fn a_day_that_is_taken_has_the_first_other_time_that_is_free_and_still_to_come() {
    let alternative = |slot: &str, taken: &[&str]| Alternative {
        slot: TimeSlot::booked(slot),
        taken: days(taken).into_iter().collect(),
    };
    // GIVEN the student taken on Monday at four, and the trainer on Wednesday; at five one of them on Monday, at noon and at six none
    let window = Window {
        elsewhere: days(&["2026-01-12"]).into_iter().collect(),
        trainer_busy: days(&["2026-01-14"]).into_iter().collect(),
        alternatives: vec![
            alternative("5:00 PM", &["2026-01-12"]),
            alternative("12:00 PM", &[]),
            alternative("6:00 PM", &[]),
        ],
        ..fresh(4)
    };
    let planned = |now: &str| {
        let planned = super::super::next_sessions(&window, at(now), &SchoolDays::default());
        let told = planned.iter().map(|(day, slot)| format!("{day} {slot}"));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        planned("2026-01-08 18:00"),
        [
            "2026-01-09 4:00 PM",
            "2026-01-12 12:00 PM",
            "2026-01-13 4:00 PM",
            "2026-01-14 5:00 PM"
        ]
    );
    // WHEN noon is past THEN six
    assert_eq!(planned("2026-01-12 13:00")[0], "2026-01-12 6:00 PM");
}

#[test]
fn nothing_is_put_more_than_six_weeks_later_for_a_trainer() {
    // GIVEN a trainer who is taken on each day of this and the next six weeks
    let until = |last: &str| {
        let last = day(last);
        Window {
            trainer_busy: day("2026-01-01")
                .iter_days()
                .take_while(|day| *day <= last)
                .collect(),
            ..fresh(2)
        }
    };
    // The second day would be Monday the 12th; six weeks later is 23 February.
    let now = "2026-01-08 18:00";
    assert_eq!(
        plan(&until("2026-02-19"), now),
        days(&["2026-02-20", "2026-02-23"])
    );
    assert_eq!(
        plan(&until("2026-02-20"), now),
        days(&["2026-01-09", "2026-02-23"])
    );
    assert_eq!(
        plan(&until("2026-02-23"), now),
        days(&["2026-01-09", "2026-01-12"])
    );
}
