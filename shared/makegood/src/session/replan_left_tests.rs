//! A session of an earlier allocation of the same purchase: taken over, or cancelled and still owed.

use super::*;

/// Whether this session is taken over by a window with so many bought, so many held, and these of its own ahead.
fn is_taken_over(bought: u32, held: u32, own: &[Ahead], session: &Ahead) -> bool {
    let mut window = window(bought, held, own, &nothing_new());
    let (used, ahead) = (window.used, window.ahead.len());
    let taken = take_over(&mut window, session, now());
    let added = (window.used - used, window.ahead.split_off(ahead));
    let booked = Booked {
        day: session.day,
        slot: session.slot.clone(),
        scheduled: true,
    };
    assert_eq!(added, if taken { (1, vec![booked]) } else { (0, vec![]) });
    taken
}

fn of_another_day() -> Ahead {
    Ahead {
        left: Some(Left::Trainers),
        ..session(100, day("2026-01-15"))
    }
}

#[test]
fn a_session_that_is_still_owed_is_taken_over_and_no_other() {
    for (bought, held, taken) in [
        (10, 0, true),
        (5, 0, true),
        (4, 0, false),
        (3, 0, false),
        (10, 5, true),
        (10, 6, false),
    ] {
        assert_eq!(
            is_taken_over(bought, held, &week(), &of_another_day()),
            taken,
            "{bought} {held}"
        );
    }
}

#[test]
fn no_day_has_two_sessions() {
    let on_a_taken_day = Ahead {
        left: Some(Left::Trainers),
        ..session(100, week()[2].day)
    };
    assert!(!is_taken_over(10, 0, &week(), &on_a_taken_day));
}

#[test]
fn a_full_window_keeps_out_what_was_not_moved_by_hand() {
    let days = ["2026-01-16", "2026-01-19", "2026-01-20"].iter().zip(20..);
    let mut own = week();
    own.extend(days.map(|(text, number)| session(number, day(text))));
    assert_eq!(own.len(), WINDOW);
    assert!(!is_taken_over(30, 0, &own, &of_another_day()));
    let moved_by_hand = Ahead {
        is_edited: true,
        ..of_another_day()
    };
    assert!(is_taken_over(30, 0, &own, &moved_by_hand));
    own.pop();
    assert!(is_taken_over(30, 0, &own, &of_another_day()));
}

/// The plan of sessions from this day on.
fn from(first: &str) -> Plan {
    Plan {
        starts_on: Some(day(first)),
        ..nothing_new()
    }
}

#[test]
fn one_before_the_first_day_moves_and_one_on_it_stays_even_beside_another_course() {
    let plan = from("2026-01-14");
    let left = |number, text| Ahead {
        left: Some(Left::Trainers),
        ..session(number, day(text))
    };
    let sessions = [left(1, "2026-01-13"), left(2, "2026-01-14")];
    let mut window = window(10, 0, &[], &plan);
    window.elsewhere.insert(day("2026-01-14"));
    let moves = replan(&mut window, &sessions, &plan, NEW, now(), &SchoolDays::default());
    let to = |text: &str| Some(format!("{text} 4:00 PM"));
    assert_eq!(
        told(&moves),
        [
            ("2026-01-14".to_owned(), to("2026-01-14"), "trainer_changed"),
            ("2026-01-13".to_owned(), to("2026-01-15"), "start_changed"),
        ]
    );
}

#[test]
fn of_two_on_one_day_the_one_at_the_right_time_stays() {
    let plan = Plan {
        is_start_new: true,
        ..from("2026-01-12")
    };
    let at_six = Ahead {
        slot: TimeSlot::chosen(Some("6 PM")),
        ..session(1, day("2026-01-12"))
    };
    let sessions = [at_six.clone(), session(2, day("2026-01-12"))];
    let mut window = window(10, 0, &sessions, &plan);
    let moves = replan(&mut window, &sessions, &plan, OLD, now(), &SchoolDays::default());
    let to = Some("2026-01-13 4:00 PM".to_owned());
    assert_eq!(told(&moves), [("2026-01-12".to_owned(), to, "start_changed")]);
    assert_eq!(moves[0].session, at_six);
}
