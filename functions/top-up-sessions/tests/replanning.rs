//! What becomes of sessions that were planned when their trainer, time, first day or calendar is changed: they are moved once, nothing is
//! planned twice, and what a person moved stays.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

#[path = "../../schedule-sessions/tests/school/mod.rs"]
mod school;

use chrono_tz::Tz;
use makegood::delivery::{Deadline, Stage};
use makegood::event::{Event, SessionsRescheduled};
use school::{NEXT_SEVEN, School, THURSDAY_EVENING, id, records};
use serde_json::json;
use std::time::Duration;
use top_up_sessions::{Input, Report, TopUp};

const NONE: Vec<String> = Vec::new();

async fn top_up(school: &School) -> Report {
    let top_up = TopUp {
        publisher: school.publisher(2),
        clock: school.clock,
        timezone: Tz::Asia__Kolkata,
    };
    let report = top_up
        .run(Input::default(), Deadline::after(Duration::from_secs(60)))
        .await
        .expect("the database answers");
    assert_eq!(report.failed, 0);
    report
}

async fn schedule(school: &School, allocation: u32) {
    let bodies = school.allocated([allocation], "2026-01-05").await;
    let results = school
        .scheduler()
        .process(&records(&bodies), Deadline::after(Duration::from_secs(30)))
        .await
        .expect("the batch is done");
    assert_eq!(results, [Ok(())]);
}

/// A school with a purchase of this many sessions and its allocation 1, whose window is planned.
async fn planned(tier: u32) -> School {
    let school = School::at(THURSDAY_EVENING).await;
    school.purchase(1, tier, json!({})).await;
    school.allocation(1, json!({"sessionCount": tier})).await;
    schedule(&school, 1).await;
    school
}

/// Allocation 1 is cancelled, and allocation 2 stands for the same student, with another trainer.
async fn another_trainer(school: &School, metadata: &serde_json::Value) {
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET status = 'cancelled' WHERE id = '{}';
             INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
             SELECT '{}', student_id, md5('trainer2')::uuid, course_id, requested_by, 'approved', '{metadata}'
             FROM trainer_allocations WHERE id = '{}'",
            id(1),
            id(2),
            id(1),
        ))
        .await;
}

/// The events about moved sessions, in the order in which they were written.
async fn told(school: &School) -> Vec<SessionsRescheduled> {
    let payloads = school
        .texts("SELECT payload::text FROM outbox WHERE event_type = 'SESSIONS_RESCHEDULED' ORDER BY id")
        .await;
    let read = |payload: &String| match Event::parse(payload).expect("an event") {
        Event::SessionsRescheduled(event) => event,
        other => panic!("{other:?}"),
    };
    payloads.iter().map(read).collect()
}

async fn end(school: School) {
    assert_eq!(school.database.server_errors(), NONE);
    school.database.drop().await;
}

#[tokio::test]
async fn whenever_a_trainer_leaves_the_sessions_ahead_move_and_no_more_are_planned_than_were_bought() {
    const TIER: u32 = 10;
    // GIVEN, for every number of sessions that can have been held, a purchase whose trainer leaves then
    for held in 0..=TIER {
        let school = School::at(THURSDAY_EVENING).await;
        school.purchase(1, TIER, json!({})).await;
        school.allocation(1, json!({"sessionCount": TIER})).await;
        let days: Vec<String> = (0..held).map(|n| format!("2025-12-{:02}", n + 10)).collect();
        let past: Vec<(&str, &str)> = days
            .iter()
            .zip(["completed", "scheduled", "pending_confirmation"].iter().cycle())
            .map(|(day, status)| (day.as_str(), *status))
            .collect();
        school.sessions(1, &past).await;
        schedule(&school, 1).await;
        let ahead = usize::try_from((TIER - held).min(7)).unwrap();
        let planned = school
            .texts("SELECT id::text FROM tutoring_sessions WHERE scheduled_date > '2026-01-08' ORDER BY 1")
            .await;
        assert_eq!(planned.len(), ahead, "{held} held");
        // WHEN another trainer is allocated, and everything comes again
        another_trainer(&school, &json!({"sessionCount": TIER})).await;
        for _ in 0..2 {
            schedule(&school, 2).await;
            top_up(&school).await;
        }
        // THEN the same sessions are on the same days with the other trainer, and that is told once
        let moved = format!(
            "SELECT id::text FROM tutoring_sessions WHERE allocation_id = '{}' AND trainer_id = md5('trainer2')::uuid ORDER BY 1",
            id(2)
        );
        assert_eq!(school.texts(&moved).await, planned, "{held} held");
        assert_eq!(
            school.days(2, "scheduled").await,
            NEXT_SEVEN[..ahead],
            "{held} held"
        );
        let events = told(&school).await;
        assert_eq!(events.len(), usize::from(ahead > 0), "{held} held");
        assert!(
            events
                .iter()
                .all(|event| event.sessions.len() == ahead && event.allocation_id.0 == id(2))
        );
        assert_eq!(school.findings().await, NONE, "{held} held");
        // THEN in the end exactly what was bought was held
        let at = school;
        for _ in 0..4 {
            at.database
                .run_sql("UPDATE tutoring_sessions SET status = 'completed' WHERE status = 'scheduled'")
                .await;
            top_up(&at).await;
        }
        let total = at
            .database
            .count("SELECT count(*) FROM tutoring_sessions WHERE status <> 'cancelled'")
            .await;
        assert_eq!(total, i64::from(TIER), "{held} held");
        end(at).await;
    }
}

#[tokio::test]
async fn an_allocation_made_by_hand_gets_the_sessions_of_the_one_that_was_cancelled() {
    // GIVEN four held of ten; a person cancels the allocation, and writes the six that are left, at another time, into the next one
    let school = planned(10).await;
    school
        .database
        .run_sql("UPDATE tutoring_sessions SET status = 'completed' WHERE scheduled_date < '2026-01-15'")
        .await;
    another_trainer(&school, &json!({"sessionCount": 6, "timeSlot": "18:00"})).await;
    // WHEN nobody tells the pipeline, and the windows are topped up
    let report = top_up(&school).await;
    // THEN the three that were ahead have moved to the new time
    assert_eq!((report.rescheduled, report.sessions), (3, 0));
    let slots = format!(
        "SELECT DISTINCT scheduled_time::text FROM tutoring_sessions WHERE allocation_id = '{}'",
        id(2)
    );
    assert_eq!(school.texts(&slots).await, ["6:00 PM"]);
    assert_eq!(school.days(2, "scheduled").await, NEXT_SEVEN[4..]);
    school
        .database
        .run_sql("UPDATE tutoring_sessions SET status = 'completed' WHERE scheduled_date < '2026-01-19'")
        .await;
    top_up(&school).await;
    let total = "SELECT count(*) FROM tutoring_sessions WHERE status <> 'cancelled'";
    assert_eq!(school.database.count(total).await, 10);
    assert_eq!(school.findings().await, NONE);
    end(school).await;
}

#[tokio::test]
async fn sessions_of_a_purchase_that_was_paid_back_never_count_for_the_next_one() {
    // GIVEN an allocation that was cancelled with its purchase, and a new purchase
    let school = planned(10).await;
    school
        .database
        .run_sql(
            "UPDATE student_course_purchases SET is_active = false, ended_at = now(), end_reason = 'refunded',
               created_at = now() - interval '40 days';
             UPDATE trainer_allocations SET status = 'cancelled', created_at = now() - interval '40 days';
             UPDATE tutoring_sessions SET status = 'completed', scheduled_date = scheduled_date - 30;
             INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
             VALUES (md5('student1')::uuid, md5('course')::uuid, 10)",
        )
        .await;
    another_trainer(&school, &json!({"sessionCount": 10})).await;
    // WHEN
    schedule(&school, 2).await;
    // THEN all seven are planned
    assert_eq!(school.days(2, "scheduled").await, NEXT_SEVEN);
    assert_eq!(told(&school).await, []);
    end(school).await;
}

#[tokio::test]
async fn a_day_that_is_closed_after_the_planning_is_planned_anew() {
    // GIVEN seven sessions, one of which a person moved to a Tuesday evening, one under way
    let school = planned(20).await;
    school
        .database
        .run_sql(
            "UPDATE tutoring_sessions SET scheduled_time = '7:00 PM' WHERE scheduled_date = '2026-01-13';
             UPDATE tutoring_sessions SET status = 'in_progress' WHERE scheduled_date = '2026-01-09';
             INSERT INTO session_blackout_dates VALUES ('2026-01-09'), ('2026-01-12'), ('2026-01-13'), ('2026-01-16'), ('2026-01-20')",
        )
        .await;
    // WHEN
    let report = top_up(&school).await;
    // THEN two have gone to the first open days, at the same time and with the same trainer, and that is told
    assert_eq!((report.rescheduled, report.sessions), (2, 0));
    let days = [
        "2026-01-13",
        "2026-01-14",
        "2026-01-15",
        "2026-01-19",
        "2026-01-21",
        "2026-01-22",
    ];
    assert_eq!(school.days(1, "scheduled").await, days);
    assert_eq!(school.days(1, "in_progress").await, ["2026-01-09"]);
    let events = told(&school).await;
    assert_eq!(events.len(), 1);
    let moved: Vec<_> = events[0]
        .sessions
        .iter()
        .map(|one| {
            (
                one.from_date.to_string(),
                one.to_date.unwrap().to_string(),
                one.reason.as_str(),
                one.to_time.as_deref(),
            )
        })
        .collect();
    let moved_to = |from: &str, to: &str| (from.to_owned(), to.to_owned(), "day_closed", Some("4:00 PM"));
    assert_eq!(
        moved,
        [
            moved_to("2026-01-12", "2026-01-21"),
            moved_to("2026-01-16", "2026-01-22")
        ]
    );
    // THEN only the one that a person moved is left for a person
    assert_eq!(school.findings().await, ["session-on-closed-day: 1"]);
    // WHEN once more THEN nothing
    assert_eq!(top_up(&school).await.rescheduled, 0);
    assert_eq!(told(&school).await.len(), 1);
    end(school).await;
}

#[tokio::test]
async fn sessions_of_an_older_release_are_moved_unless_somebody_changed_them() {
    // GIVEN sessions that nobody has noted the plan of, one of them changed since
    let school = School::at(THURSDAY_EVENING).await;
    school.purchase(1, 20, json!({})).await;
    school.allocation(1, json!({"sessionCount": 20})).await;
    let days = NEXT_SEVEN.map(|day| (day, "scheduled"));
    school.sessions(1, &days).await;
    school
        .database
        .run_sql(
            "UPDATE tutoring_sessions SET duration = 60, updated_at = now() WHERE scheduled_date = '2026-01-14';
             INSERT INTO session_blackout_dates VALUES ('2026-01-14'), ('2026-01-15')",
        )
        .await;
    // WHEN THEN
    assert_eq!(top_up(&school).await.rescheduled, 1);
    assert_eq!(school.findings().await, ["session-on-closed-day: 1"]);
    assert_eq!(top_up(&school).await.rescheduled, 0);
    end(school).await;
}

/// What a person changes by hand, and what the sessions of the week from Friday 9 January then say: days, time, trainer, and how many are told.
const CHANGES: [(&str, &[&str], &str, &str, usize); 6] = [
    (
        "UPDATE trainer_allocations SET metadata = metadata || '{\"timeSlot\": \"17:30\"}'",
        &NEXT_SEVEN,
        "5:30 PM",
        "trainer",
        7,
    ),
    (
        "UPDATE student_course_purchases SET metadata = metadata || '{\"timeSlot\": \"6 PM\"}'",
        &NEXT_SEVEN,
        "6:00 PM",
        "trainer",
        7,
    ),
    (
        "UPDATE trainer_allocations SET trainer_id = md5('another')::uuid",
        &NEXT_SEVEN,
        "4:00 PM",
        "another",
        7,
    ),
    (
        "UPDATE trainer_allocations SET metadata = metadata || '{\"startDate\": \"2026-01-14\"}'",
        &[
            "2026-01-14",
            "2026-01-15",
            "2026-01-16",
            "2026-01-19",
            "2026-01-20",
            "2026-01-21",
            "2026-01-22",
        ],
        "4:00 PM",
        "trainer",
        3,
    ),
    (
        "UPDATE student_course_purchases SET metadata = metadata || '{\"schedule\": {\"startDate\": \"2026-01-14\"}}'",
        &[
            "2026-01-14",
            "2026-01-15",
            "2026-01-16",
            "2026-01-19",
            "2026-01-20",
            "2026-01-21",
            "2026-01-22",
        ],
        "4:00 PM",
        "trainer",
        3,
    ),
    (
        "UPDATE trainer_allocations SET metadata = metadata || '{\"timeSlot\": \"16:00\", \"startDate\": \"2026-01-06\"}'",
        &NEXT_SEVEN,
        "4:00 PM",
        "trainer",
        0,
    ),
];

#[tokio::test]
async fn what_a_person_changes_of_allocation_or_purchase_moves_the_sessions_ahead_once() {
    for (change, days, time, trainer, moved) in CHANGES {
        // GIVEN a planned week, whose allocation and purchase both name time and first day, and one session held today
        let school = School::at(THURSDAY_EVENING).await;
        let chosen = json!({"timeSlot": "4:00 PM", "schedule": {"startDate": "2026-01-05"}});
        school.purchase(1, 20, chosen).await;
        let allocation = json!({"sessionCount": 20, "timeSlot": "4:00 PM", "startDate": "2026-01-05"});
        school.allocation(1, allocation).await;
        school
            .sessions(1, &[("2026-01-07", "completed"), ("2026-01-08", "scheduled")])
            .await;
        schedule(&school, 1).await;
        assert_eq!(top_up(&school).await.rescheduled, 0);
        // WHEN
        school.database.run_sql(change).await;
        let report = top_up(&school).await;
        // THEN
        assert_eq!((report.rescheduled, report.sessions), (moved, 0), "{change}");
        let ahead = "FROM tutoring_sessions WHERE scheduled_date > '2026-01-08'";
        assert_eq!(
            school
                .texts(&format!("SELECT scheduled_date::text {ahead} ORDER BY 1"))
                .await,
            days,
            "{change}"
        );
        assert_eq!(
            school
                .texts(&format!("SELECT DISTINCT scheduled_time::text {ahead}"))
                .await,
            [time],
            "{change}"
        );
        let trainers = format!("SELECT count(*) {ahead} AND trainer_id <> md5('{trainer}')::uuid");
        assert_eq!(school.database.count(&trainers).await, 0, "{change}");
        let past = "SELECT count(*) FROM tutoring_sessions WHERE scheduled_date < '2026-01-09' AND scheduled_time = '4:00 PM'
                    AND trainer_id = md5('trainer')::uuid";
        assert_eq!(school.database.count(past).await, 2, "{change}");
        assert_eq!(told(&school).await.len(), usize::from(moved > 0), "{change}");
        assert_eq!(school.findings().await, NONE, "{change}");
        // WHEN the window is used up and filled again THEN the new sessions are at the new time, and nothing else moves
        school
            .database
            .run_sql("UPDATE tutoring_sessions SET status = 'completed' WHERE status = 'scheduled'")
            .await;
        let report = top_up(&school).await;
        assert_eq!((report.rescheduled, report.sessions), (0, 7), "{change}");
        let new = "SELECT DISTINCT scheduled_time::text FROM tutoring_sessions WHERE status = 'scheduled'";
        assert_eq!(school.texts(new).await, [time], "{change}");
        end(school).await;
    }
}

#[tokio::test]
async fn while_a_payment_is_disputed_what_was_planned_still_moves_and_nothing_is_added() {
    let school = planned(20).await;
    school
        .database
        .run_sql(
            "INSERT INTO disputes (provider, provider_dispute_id, provider_payment_id, payment_id, amount_minor, currency, status, told_at)
             VALUES ('razorpay', 'disp_1', 'pay_1', md5('payment1')::uuid, 100, 'INR', 'open', now());
             UPDATE tutoring_sessions SET status = 'completed' WHERE scheduled_date < '2026-01-16';
             INSERT INTO session_blackout_dates VALUES ('2026-01-16')",
        )
        .await;
    let report = top_up(&school).await;
    assert_eq!((report.rescheduled, report.sessions), (1, 0));
    assert_eq!(school.days(1, "scheduled").await, ["2026-01-19", "2026-01-20"]);
    end(school).await;
}

#[tokio::test]
async fn a_session_that_a_person_changes_at_the_same_moment_stays_as_the_person_wants_it() {
    // GIVEN a closed day, and a person whose change of its session is not committed yet
    let school = planned(20).await;
    school
        .database
        .run_sql("INSERT INTO session_blackout_dates VALUES ('2026-01-13')")
        .await;
    let pool = school.database.direct();
    let mut person = pool.begin().await.unwrap();
    sqlx::query(
        "UPDATE tutoring_sessions SET scheduled_time = '7:00 PM' WHERE scheduled_date = '2026-01-13'",
    )
    .execute(&mut *person)
    .await
    .unwrap();
    // WHEN the windows are topped up, which waits for the row, and the person commits
    let run = top_up(&school);
    let commit = async {
        const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while school.database.count(WAITING).await == 0 {}
        person.commit().await.unwrap();
    };
    let (report, ()) = tokio::join!(run, commit);
    // THEN it is where the person put it, and nothing is told
    assert_eq!(report.rescheduled, 0);
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(told(&school).await, []);
    end(school).await;
}
