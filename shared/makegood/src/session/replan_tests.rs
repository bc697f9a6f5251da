//! What moving sessions promises: by example, and for any calendar at all.

use super::super::terms::Terms;
use super::*;
use chrono::Days;
use chrono_tz::Tz;
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

#[path = "replan_elsewhere_tests.rs"]
mod elsewhere;
#[path = "replan_left_tests.rs"]
mod left;

const OLD: TrainerId = TrainerId(Uuid::from_u128(1));
const NEW: TrainerId = TrainerId(Uuid::from_u128(2));
const OTHER: TrainerId = TrainerId(Uuid::from_u128(3));

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Thursday, when the usual slot has begun.
fn now() -> NaiveDateTime {
    day("2026-01-08").and_hms_opt(18, 0, 0).unwrap()
}

fn nothing_new() -> Plan {
    Terms::default().plan(None, now().date(), Tz::Asia__Kolkata)
}

fn session(number: u128, day: NaiveDate) -> Ahead {
    Ahead {
        id: SessionId(Uuid::from_u128(number)),
        day,
        slot: TimeSlot::chosen(None),
        trainer: OLD,
        is_edited: false,
        is_planned: true,
        left: None,
    }
}

fn window(bought: u32, held: u32, own: &[Ahead], plan: &Plan) -> Window {
    let ahead: Vec<Booked> = own
        .iter()
        .map(|session| Booked {
            day: session.day,
            slot: session.slot.clone(),
            scheduled: true,
        })
        .collect();
    Window {
        bought,
        used: held + u32::try_from(ahead.len()).unwrap(),
        starts_on: plan.starts_on,
        ends_at: None,
        slot: plan.slot.clone(),
        ahead,
        elsewhere: BTreeSet::new(),
        trainer_busy: BTreeSet::new(),
        alternatives: Vec::new(),
    }
}

fn closed(days: &[&str]) -> SchoolDays {
    SchoolDays {
        blackout: days.iter().map(|text| day(text)).collect(),
        ..SchoolDays::default()
    }
}

fn week() -> Vec<Ahead> {
    ["2026-01-09", "2026-01-12", "2026-01-13", "2026-01-14"]
        .iter()
        .zip(1..)
        .map(|(text, number)| session(number, day(text)))
        .collect()
}

fn told(moves: &[Move]) -> Vec<(String, Option<String>, &'static str)> {
    moves
        .iter()
        .map(|moved| {
            let to = moved.to.as_ref().map(|(day, slot)| format!("{day} {slot}"));
            (moved.session.day.to_string(), to, moved.reason.wire_name())
        })
        .collect()
}

#[test]
fn what_may_stay_is_not_touched() {
    let plan = nothing_new();
    let mut window = window(10, 0, &week(), &plan);
    assert_eq!(
        replan(&mut window, &week(), &plan, OLD, now(), &SchoolDays::default()),
        []
    );
}

#[test]
fn a_day_that_was_closed_goes_to_the_first_open_one_and_the_others_stay() {
    let plan = nothing_new();
    let mut sessions = week();
    sessions[2].is_edited = true;
    let mut window = window(10, 0, &sessions, &plan);
    let closed = closed(&["2026-01-12", "2026-01-13", "2026-01-15"]);
    let moves = replan(&mut window, &sessions, &plan, OLD, now(), &closed);
    let to = Some("2026-01-16 4:00 PM".to_owned());
    assert_eq!(told(&moves), [("2026-01-12".to_owned(), to, "day_closed")]);
    assert_eq!((window.used, window.ahead.len()), (4, 4));
}

#[test]
fn what_the_pipeline_put_on_a_day_without_teaching_moves_and_what_people_put_there_stays() {
    // GIVEN a school that closes on Fridays and opens on Sundays, and four sessions on a Friday to Wednesday
    let plan = nothing_new();
    let school = SchoolDays {
        teaching: "Sun-Thu".parse().unwrap(),
        ..SchoolDays::default()
    };
    let mut window = window(10, 0, &week(), &plan);
    // THEN Friday's moves to the first open day
    let moves = replan(&mut window, &week(), &plan, OLD, now(), &school);
    let to = Some("2026-01-11 4:00 PM".to_owned());
    assert_eq!(told(&moves), [("2026-01-09".to_owned(), to, "day_closed")]);
    assert_eq!((window.used, window.ahead.len()), (4, 4));
    // AND one that a person moved there, or that is not noted as planned, stays
    for change in [
        |session: &mut Ahead| session.is_edited = true,
        |session: &mut Ahead| session.is_planned = false,
    ] {
        let mut sessions = week();
        change(&mut sessions[0]);
        let mut window = super::tests::window(10, 0, &sessions, &plan);
        assert_eq!(replan(&mut window, &sessions, &plan, OLD, now(), &school), []);
    }
}

#[test]
fn where_the_purchase_ends_before_another_open_day_the_session_is_cancelled_and_owed() {
    let plan = nothing_new();
    let mut window = window(10, 0, &week(), &plan);
    window.ends_at = day("2026-01-14").and_hms_opt(23, 59, 59);
    let moves = replan(&mut window, &week(), &plan, OLD, now(), &closed(&["2026-01-12"]));
    assert_eq!(told(&moves), [("2026-01-12".to_owned(), None, "day_closed")]);
    assert_eq!((window.used, window.ahead.len()), (3, 3));
}

#[test]
fn another_time_keeps_the_days_and_another_start_keeps_what_is_after_it() {
    let noted = Terms {
        slot: Some("4:00 PM".to_owned()),
        start: Some("2026-01-05".to_owned()),
        ..Terms::default()
    };
    let changed = |slot: &str, start: &str| {
        let terms = Terms {
            slot: Some(slot.to_owned()),
            start: Some(start.to_owned()),
            ..Terms::default()
        };
        terms.plan(Some(&noted), now().date(), Tz::Asia__Kolkata)
    };
    let plan = changed("5 PM", "2026-01-05");
    let mut calendar = window(10, 0, &week(), &plan);
    let moves = replan(&mut calendar, &week(), &plan, OLD, now(), &SchoolDays::default());
    assert!(moves.iter().all(|moved| {
        moved.reason == Reason::SlotChanged
            && moved.to == Some((moved.session.day, TimeSlot::chosen(Some("5:00 PM"))))
    }));
    assert_eq!(moves.len(), 4);
    let plan = changed("16:00", "2026-01-13");
    let mut calendar = window(10, 0, &week(), &plan);
    let moves = replan(&mut calendar, &week(), &plan, OLD, now(), &SchoolDays::default());
    let to = |text: &str| Some(format!("{text} 4:00 PM"));
    assert_eq!(
        told(&moves),
        [
            ("2026-01-09".to_owned(), to("2026-01-15"), "start_changed"),
            ("2026-01-12".to_owned(), to("2026-01-16"), "start_changed"),
        ]
    );
}

#[test]
fn a_new_trainer_takes_over_what_the_earlier_one_had_and_no_substitutes() {
    let terms = |trainer: TrainerId| Terms {
        trainer: Some(trainer.0),
        ..Terms::default()
    };
    let plan = terms(NEW).plan(Some(&terms(OLD)), now().date(), Tz::Asia__Kolkata);
    let mut sessions = week();
    sessions[1].trainer = OTHER;
    let mut window = window(10, 0, &sessions, &plan);
    let moves = replan(&mut window, &sessions, &plan, NEW, now(), &SchoolDays::default());
    assert_eq!(moves.len(), 3);
    assert!(moves.iter().all(|moved| {
        moved.trainer == NEW
            && moved
                .to
                .as_ref()
                .is_some_and(|(day, _)| *day == moved.session.day)
    }));
}

#[test]
fn what_only_gets_another_time_stays_on_its_day_beside_a_day_that_is_free_before_it() {
    let plan = Plan {
        slot: TimeSlot::chosen(Some("6 PM")),
        is_slot_new: true,
        ..nothing_new()
    };
    let edited = Ahead {
        is_edited: true,
        ..session(1, day("2026-01-12"))
    };
    let sessions = [edited, session(2, day("2026-01-14"))];
    let mut window = window(10, 0, &sessions, &plan);
    let moves = replan(&mut window, &sessions, &plan, OLD, now(), &SchoolDays::default());
    let to = Some("2026-01-14 6:00 PM".to_owned());
    assert_eq!(told(&moves), [("2026-01-14".to_owned(), to, "slot_changed")]);
}

#[derive(Debug, Clone)]
struct Case {
    own: Vec<Ahead>,
    left: Vec<Ahead>,
    bought: u32,
    held: u32,
    school: SchoolDays,
    ends_in: Option<u64>,
    slot_is_new: bool,
    start: Option<u64>,
    elsewhere: BTreeSet<NaiveDate>,
}

fn ahead(from: u128, left: bool) -> impl Strategy<Value = Vec<Ahead>> {
    let one = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    prop::collection::btree_map(1_u64..25, one, 0..8).prop_map(move |found| {
        found
            .into_iter()
            .zip(from..)
            .map(
                |((days, (is_planned, is_edited, is_usual, is_theirs)), number)| Ahead {
                    slot: TimeSlot::chosen(Some(if is_usual { "4 PM" } else { "6 PM" })),
                    is_edited,
                    is_planned,
                    left: left.then_some(if is_theirs {
                        Left::Trainers
                    } else {
                        Left::Substitutes
                    }),
                    ..session(number, now().date() + Days::new(days))
                },
            )
            .collect()
    })
}

fn case() -> impl Strategy<Value = Case> {
    let week = prop::sample::subsequence(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 1..=7);
    let closed = (prop::collection::btree_set(1_u64..40, 0..10), week);
    let ends_in = prop::option::of(1_u64..40);
    let rest = (
        1_u32..30,
        0_u32..30,
        closed,
        ends_in,
        any::<bool>(),
        prop::option::of(1_u64..30),
        prop::collection::btree_set(1_u64..30, 0..15),
    );
    (ahead(1, false), ahead(100, true), rest).prop_map(
        |(own, left, (bought, held, (closed, week), ends_in, slot_is_new, start, elsewhere))| Case {
            own,
            left,
            bought,
            held,
            school: SchoolDays {
                teaching: week.join(",").parse().unwrap(),
                blackout: closed
                    .into_iter()
                    .map(|days| now().date() + Days::new(days))
                    .collect(),
            },
            ends_in,
            slot_is_new,
            start,
            elsewhere: elsewhere
                .into_iter()
                .map(|days| now().date() + Days::new(days))
                .collect(),
        },
    )
}

fn plan_of(case: &Case) -> Plan {
    let noted = Terms {
        trainer: Some(OLD.0),
        ..Terms::default()
    };
    let terms = Terms {
        trainer: Some(NEW.0),
        slot: case.slot_is_new.then(|| "5 PM".to_owned()),
        start: case
            .start
            .map(|days| (now().date() + Days::new(days)).to_string()),
        ..noted.clone()
    };
    terms.plan(Some(&noted), now().date(), Tz::Asia__Kolkata)
}

proptest! {
    #[test]
    fn whatever_is_booked_nothing_is_planned_twice_lost_or_against_the_rules(case in case()) {
        let plan = plan_of(&case);
        let sessions: Vec<Ahead> = case.own.iter().chain(&case.left).cloned().collect();
        let mut calendar = window(case.bought, case.held, &case.own, &plan);
        calendar.ends_at = case.ends_in.and_then(|days| (now().date() + Days::new(days)).and_hms_opt(23, 0, 0));
        let mut alone = calendar.clone();
        calendar.elsewhere = case.elsewhere.clone();
        let before = calendar.clone();
        let moves = replan(&mut calendar, &sessions, &plan, NEW, now(), &case.school);
        // What was there is there once, or told to be off.
        let off = moves.iter().filter(|moved| moved.to.is_none()).count();
        prop_assert_eq!(calendar.ahead.len() + off, sessions.len());
        let used = usize::try_from(case.held).unwrap() + calendar.ahead.len();
        prop_assert_eq!(usize::try_from(calendar.used).unwrap(), used);
        prop_assert!(calendar.used <= case.bought.max(before.used));
        // A window is not overfilled by what was not moved by hand.
        let by_hand = case.left.iter().filter(|session| session.is_edited).count();
        prop_assert!(calendar.ahead.len() <= WINDOW.max(case.own.len()) + by_hand);
        let days: BTreeSet<NaiveDate> = calendar.ahead.iter().map(|booked| booked.day).collect();
        prop_assert_eq!(days.len(), calendar.ahead.len(), "one a day");
        for moved in &moves {
            let Some((day, slot)) = &moved.to else { continue };
            let is_elsewhere = *day != moved.session.day;
            if is_elsewhere || *slot != moved.session.slot {
                prop_assert!(!moved.session.is_edited);
                prop_assert!(!case.school.blackout.contains(day));
                prop_assert_eq!(slot, &plan.slot);
                prop_assert!(plan.starts_on.is_none_or(|first| *day >= first));
            }
            if is_elsewhere {
                prop_assert!(case.school.contains(*day));
                prop_assert!(calendar.ends_at.is_none_or(|end| day.and_hms_opt(16, 0, 0).unwrap() <= end));
            }
            let is_substitute = moved.session.left == Some(Left::Substitutes);
            prop_assert_eq!(moved.trainer, if is_substitute { OLD } else { NEW });
        }
        // Another course at the same time costs no session, and has a day only when all others until the end are used.
        replan(&mut alone, &sessions, &plan, NEW, now(), &case.school);
        prop_assert_eq!(calendar.ahead.len(), alone.ahead.len());
        let is_chosen = |moved: &&Move| moved.to.as_ref().is_some_and(|(day, slot)| {
            (*day != moved.session.day || *slot != moved.session.slot) && calendar.elsewhere.contains(day)
        });
        if let Some(moved) = moves.iter().find(is_chosen) {
            let free = open_days(&calendar, now(), &case.school, 1);
            prop_assert!(free.keys().all(|day| calendar.elsewhere.contains(day)), "{moved:?}, and {free:?} is free");
        }
        // What the pipeline put on a day without teaching is not left there.
        for session in sessions.iter().filter(|session| !session.is_edited && session.is_planned && !case.school.contains(session.day)) {
            prop_assert!(moves.iter().any(|moved| moved.session.id == session.id));
        }
        // Nothing of the earlier trainer's is left where the earlier allocation was.
        for left in &case.left {
            prop_assert!(moves.iter().any(|moved| moved.session.id == left.id));
        }
        // No two rows are ever at one time of one day, in whatever order they are written.
        for moved in &moves {
            let Some((day, slot)) = &moved.to else { continue };
            let in_the_way = case.own.iter().filter(|own| own.id != moved.session.id);
            prop_assert!(in_the_way.clone().all(|own| (own.day, &own.slot) != (*day, slot)));
        }
        // And once more, there is nothing to do.
        let moved_to = |session: &Ahead| moves.iter().find(|moved| moved.session.id == session.id);
        let settled: Vec<Ahead> = sessions.iter().filter_map(|session| {
            let Some(moved) = moved_to(session) else { return Some(session.clone()) };
            let (day, slot) = moved.to.clone()?;
            Some(Ahead { day, slot, trainer: moved.trainer, left: None, ..session.clone() })
        }).collect();
        let again = Plan { is_slot_new: false, is_start_new: false, earlier_trainer: None, ..plan };
        prop_assert_eq!(replan(&mut calendar, &settled, &again, NEW, now(), &case.school), []);
    }
}
