//! A trainer with several students: no two sessions are planned at the same time, unless the school says that a trainer teaches several, and at
//! another time of the school's where it names one.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod school;

use chrono_tz::Tz;
use makegood::clash_rules::TrainerSessions;
use makegood::delivery::{Deadline, Stage};
use makegood::ids::AllocationId;
use makegood::session::{Filling, WINDOW, fill};
use school::{NEXT_SEVEN, School, THURSDAY_EVENING, id, records};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The seven weekdays after [`NEXT_SEVEN`].
const SEVEN_AFTER: [&str; 7] = [
    "2026-01-20",
    "2026-01-21",
    "2026-01-22",
    "2026-01-23",
    "2026-01-26",
    "2026-01-27",
    "2026-01-28",
];

/// A school in which the students of these allocations have one trainer, each at 4:00 PM.
async fn with_one_trainer(allocations: u32) -> School {
    let school = School::at(THURSDAY_EVENING).await;
    for n in 1..=allocations {
        school.allocation(n, json!({"sessionCount": 10})).await;
    }
    school
        .database
        .run_sql("UPDATE trainer_allocations SET trainer_id = md5('trainer')::uuid")
        .await;
    school
}

/// Hands one batch with an event for each of these allocations to the stage; all must be done.
async fn schedule(school: &School, allocations: &[u32]) {
    let bodies = school.allocated(allocations.iter().copied(), "2026-01-05").await;
    let results = school
        .scheduler()
        .process(&records(&bodies), Deadline::after(Duration::from_secs(60)))
        .await
        .expect("the batch is done");
    assert_eq!(results, vec![Ok(()); allocations.len()]);
}

async fn end(school: School) {
    assert_eq!(school.findings().await, Vec::<String>::new());
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.database.drop().await;
}

/// The times of an allocation's sessions, each once.
async fn times(school: &School, n: u32) -> Vec<String> {
    let times = format!(
        "SELECT DISTINCT scheduled_time::text FROM tutoring_sessions WHERE allocation_id = '{}' ORDER BY 1",
        id(n)
    );
    school.texts(&times).await
}

#[tokio::test]
async fn two_students_of_one_trainer_have_no_hour_in_common_one_after_the_other_or_in_one_batch() {
    for batches in [vec![vec![1], vec![2]], vec![vec![2, 1]]] {
        let school = with_one_trainer(2).await;
        for batch in &batches {
            schedule(&school, batch).await;
        }
        assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN, "{batches:?}");
        assert_eq!(school.days(2, "scheduled").await, SEVEN_AFTER, "{batches:?}");
        // AND an event that comes again changes nothing
        schedule(&school, &[1, 2]).await;
        assert_eq!(school.days(2, "scheduled").await, SEVEN_AFTER, "{batches:?}");
        end(school).await;
    }
}

#[tokio::test]
async fn a_trainer_of_groups_has_several_students_at_once() {
    let mut school = with_one_trainer(2).await;
    school.clash_rules.trainer_sessions = TrainerSessions::Several;
    schedule(&school, &[1]).await;
    schedule(&school, &[2]).await;
    for n in [1, 2] {
        assert_eq!(school.days(n, "scheduled").await, NEXT_SEVEN);
    }
    end(school).await;
}

#[tokio::test]
async fn another_time_of_the_school_comes_before_another_day() {
    // GIVEN a school that has half past five too WHEN three students of one trainer are planned
    let mut school = with_one_trainer(3).await;
    school.clash_rules.alternatives = "5:30 PM".parse().unwrap();
    schedule(&school, &[1]).await;
    schedule(&school, &[3, 2]).await;
    // THEN the second one is at half past five on the same days, and the third at the chosen time on the next days
    let planned = [
        (1, NEXT_SEVEN, "4:00 PM"),
        (2, NEXT_SEVEN, "5:30 PM"),
        (3, SEVEN_AFTER, "4:00 PM"),
    ];
    for (n, days, time) in planned {
        assert_eq!(school.days(n, "scheduled").await, days, "{n}");
        assert_eq!(times(&school, n).await, [time], "{n}");
    }
    // AND nothing is moved when they are looked at again
    schedule(&school, &[1, 2, 3]).await;
    assert_eq!(times(&school, 2).await, ["5:30 PM"]);
    end(school).await;
}

#[tokio::test]
async fn only_what_is_scheduled_of_the_same_trainer_at_the_same_time_is_in_the_way() {
    for change in [
        "UPDATE tutoring_sessions SET status = 'cancelled'",
        "UPDATE tutoring_sessions SET scheduled_time = '4:30 PM'",
        "UPDATE tutoring_sessions SET trainer_id = md5('substitute')::uuid",
        "UPDATE tutoring_sessions SET student_id = (SELECT student_id FROM trainer_allocations ORDER BY id DESC LIMIT 1)",
    ] {
        let school = with_one_trainer(2).await;
        schedule(&school, &[1]).await;
        school.database.run_sql(change).await;
        schedule(&school, &[2]).await;
        assert_eq!(school.days(2, "scheduled").await, NEXT_SEVEN, "{change}");
        school.database.drop().await;
    }
}

#[tokio::test]
async fn who_has_more_than_five_hundred_sessions_ahead_is_no_single_person() {
    for (others, expected) in [(71, SEVEN_AFTER), (72, NEXT_SEVEN)] {
        // GIVEN a trainer of the last student who has seven sessions with each of so many others
        let school = with_one_trainer(1).await;
        school
            .database
            .run_sql(&format!(
                "INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status)
                 SELECT md5('other' || n)::uuid, md5('other' || n)::uuid, md5('trainer')::uuid, md5('course')::uuid, md5('s')::uuid, 'active'
                 FROM generate_series(1, {others}) n;
                 INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time)
                 SELECT md5('other' || n)::uuid, md5('other' || n)::uuid, md5('trainer')::uuid, md5('course')::uuid, day, '4:00 PM'
                 FROM generate_series(1, {others}) n, unnest('{{{}}}'::date[]) day",
                NEXT_SEVEN.join(",")
            ))
            .await;
        schedule(&school, &[1]).await;
        assert_eq!(school.days(1, "scheduled").await, expected, "{others}");
        school.database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_plans_for_the_trainer_at_the_same_moment_waits_and_sees_what_was_planned() {
    // GIVEN an environment that has planned the first student and not committed yet
    let school = with_one_trainer(2).await;
    let filling = Filling {
        now: school.clock.now().with_timezone(&Tz::Asia__Kolkata),
        teaching_days: school.teaching_days,
        clash_rules: school.clash_rules.clone(),
        source: "schedule-sessions",
        refill_below: WINDOW,
        told: HashMap::new(),
    };
    let environment = school.database.through_pooler(1);
    let mut other = environment.begin().await.unwrap();
    fill(&mut other, &[AllocationId(id(1))], &filling).await.unwrap();
    // WHEN a second one plans the other student, and the first commits as soon as the second waits
    let school = Arc::new(school);
    let this = Arc::clone(&school);
    let second = tokio::spawn(async move { schedule(&this, &[2]).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while school.database.count(waiting).await == 0 {
        assert!(!second.is_finished(), "it did not wait");
    }
    other.commit().await.unwrap();
    second.await.unwrap();
    let school = Arc::into_inner(school).expect("the other is done");
    // THEN
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.days(2, "scheduled").await, SEVEN_AFTER);
    end(school).await;
}
