//! A student with two courses: no two sessions are planned at the same time, one after the other, in one batch, or by two environments at once.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod school;

use chrono_tz::Tz;
use makegood::delivery::{Deadline, Stage};
use makegood::ids::AllocationId;
use makegood::session::{Filling, WINDOW, fill};
use school::{NEXT_SEVEN, School, THURSDAY_EVENING, id, records};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// As `select … having count(*) > 1` of who looks at the calendar finds them, whatever the spelling of the two times of these tests.
const AT_ONCE: &str = "SELECT scheduled_date || ' ' || count(*) FROM tutoring_sessions WHERE status = 'scheduled'
    GROUP BY student_id, scheduled_date, replace(scheduled_time, '17:00', '5:00 PM') HAVING count(*) > 1 ORDER BY 1";
const STUDENT: &str = "6d0a1c52-8c1e-4c0b-9d35-0e2f5a7b9c11";
const COURSES: [&str; 2] = [
    "2b7f4e90-11a2-4d6c-8e55-7c9d3f1a2b44",
    "f3c8a5d0-77b1-4b59-9e62-1d0c4a6e8b27",
];
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
const NONE: Vec<String> = Vec::new();

/// Plants the purchase of ten sessions and the allocation `n` of this student and course, at this time of day.
async fn bought(school: &School, n: u32, student: &str, course: &str, slot: &str) {
    let allocation = id(n);
    school
        .database
        .run_sql(&format!(
            "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, metadata, payment_id)
             VALUES ('{student}', '{course}', 10, '{{\"timeSlot\": \"{slot}\"}}', gen_random_uuid());
             INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
             SELECT '{allocation}', '{student}', gen_random_uuid(), '{course}', '{student}', 'approved',
                    jsonb_build_object('purchaseId', id, 'sessionCount', 10, 'timeSlot', '{slot}')
             FROM student_course_purchases WHERE student_id = '{student}' AND course_id = '{course}'"
        ))
        .await;
}

/// A school where the student has bought both courses, at these times of day, as allocations 1 and 2.
async fn with_both(slots: [&str; 2]) -> School {
    let school = School::at(THURSDAY_EVENING).await;
    for (n, (course, slot)) in (1..).zip(COURSES.iter().zip(slots)) {
        bought(&school, n, STUDENT, course, slot).await;
    }
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
    assert_eq!(school.findings().await, NONE);
    assert_eq!(school.database.server_errors(), NONE);
    school.database.drop().await;
}

#[tokio::test]
async fn two_courses_at_one_hour_have_seven_sessions_each_and_no_day_in_common() {
    for (first, second) in [(1, 2), (2, 1)] {
        // GIVEN both courses at five WHEN one is planned after the other
        let school = with_both(["5:00 PM", "5:00 PM"]).await;
        schedule(&school, &[first]).await;
        schedule(&school, &[second]).await;
        // THEN the second has the next free days
        assert_eq!(school.days(first, "scheduled").await, NEXT_SEVEN);
        assert_eq!(school.days(second, "scheduled").await, SEVEN_AFTER);
        assert_eq!(school.texts(AT_ONCE).await, NONE);
        // AND an event that comes again changes nothing
        schedule(&school, &[first]).await;
        schedule(&school, &[second]).await;
        assert_eq!(school.days(second, "scheduled").await, SEVEN_AFTER);
        end(school).await;
    }
}

#[tokio::test]
async fn two_courses_at_one_hour_have_no_day_in_common_in_one_batch() {
    let school = with_both(["5:00 PM", "5:00 PM"]).await;
    schedule(&school, &[2, 1]).await;
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.days(2, "scheduled").await, SEVEN_AFTER);
    end(school).await;
}

#[tokio::test]
async fn one_hour_in_another_spelling_is_the_same_and_another_hour_is_another() {
    for (text, expected) in [
        ("17:00", SEVEN_AFTER),
        ("5:30 PM", NEXT_SEVEN),
        ("5:00 AM", NEXT_SEVEN),
    ] {
        // GIVEN sessions of the first course as another program wrote them
        let school = with_both(["5:00 PM", "5:00 PM"]).await;
        schedule(&school, &[1]).await;
        school
            .database
            .run_sql(&format!(
                "UPDATE tutoring_sessions SET scheduled_time = '{text}', planned_time = '{text}'"
            ))
            .await;
        // WHEN
        schedule(&school, &[2]).await;
        // THEN
        assert_eq!(school.days(2, "scheduled").await, expected, "{text}");
        assert_eq!(school.texts(AT_ONCE).await, NONE);
        end(school).await;
    }
}

#[tokio::test]
async fn only_what_is_scheduled_of_the_same_student_is_in_the_way() {
    // GIVEN another student at that hour, and a session that was cancelled
    let school = with_both(["5:00 PM", "5:00 PM"]).await;
    bought(
        &school,
        3,
        "6d0a1c52-8c1e-4c0b-9d35-0e2f5a7b9c12",
        COURSES[0],
        "5:00 PM",
    )
    .await;
    schedule(&school, &[3]).await;
    schedule(&school, &[1]).await;
    school
        .database
        .run_sql("UPDATE tutoring_sessions SET status = 'cancelled' WHERE scheduled_date = '2026-01-13'")
        .await;
    // WHEN
    schedule(&school, &[2]).await;
    // THEN that day is free
    let days = school.days(2, "scheduled").await;
    assert_eq!(
        (days[0].as_str(), &days[1..]),
        ("2026-01-13", &SEVEN_AFTER.map(str::to_owned)[..6])
    );
    school.database.drop().await;
}

#[tokio::test]
async fn a_purchase_that_ends_before_another_day_uses_the_days_of_the_other_course() {
    // GIVEN a first course with its week, and a second purchase that ends with Wednesday 21 January: two days are free before it
    let school = with_both(["5:00 PM", "5:00 PM"]).await;
    school
        .database
        .run_sql(&format!(
            "UPDATE student_course_purchases SET expiry_date = '2026-01-21T18:29:59Z' WHERE course_id = '{}'",
            COURSES[1]
        ))
        .await;
    schedule(&school, &[1]).await;
    // WHEN
    schedule(&school, &[2]).await;
    // THEN no session is lost: those two, and the first five of the others
    let mut expected = NEXT_SEVEN[..5].to_vec();
    expected.extend(["2026-01-20", "2026-01-21"]);
    assert_eq!(school.days(2, "scheduled").await, expected);
    end(school).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_plans_the_other_course_at_the_same_moment_waits_and_sees_what_was_planned() {
    // GIVEN an environment that has planned the first course and not committed yet
    let school = with_both(["5:00 PM", "5:00 PM"]).await;
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
    // WHEN a second one plans the other course, and the first commits as soon as the second waits
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

#[tokio::test(flavor = "multi_thread")]
async fn many_environments_at_once_plan_no_student_twice_and_none_waits_for_good() {
    // GIVEN a hundred students with two courses each, whose allocations are anywhere in the order of ids
    let school = School::at(THURSDAY_EVENING).await;
    school
        .database
        .run_sql(
            "INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
             SELECT lpad(to_hex(n), 32, '0')::uuid, md5('s' || least(n, 201 - n))::uuid, md5('t')::uuid, md5('c' || n / 101)::uuid,
                    md5('s')::uuid, 'active', '{\"sessionCount\": 20}'
             FROM generate_series(1, 200) n",
        )
        .await;
    // WHEN six environments plan them in batches that share students, from both ends
    let up: Vec<u32> = (1..=200).collect();
    let down: Vec<u32> = (1..=200).rev().collect();
    let environment = async |order: &[u32], size: usize| {
        for batch in order.chunks(size) {
            schedule(&school, batch).await;
        }
    };
    tokio::join!(
        environment(&up, 10),
        environment(&down, 10),
        environment(&up, 25),
        environment(&down, 25),
        environment(&up, 100),
        environment(&down, 7),
    );
    // THEN each allocation has its seven, and no student two at once
    let not_seven = "SELECT allocation_id::text FROM tutoring_sessions GROUP BY 1 HAVING count(*) <> 7";
    assert_eq!(school.texts(not_seven).await, NONE);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM tutoring_sessions")
            .await,
        1_400
    );
    assert_eq!(school.texts(AT_ONCE).await, NONE);
    assert_eq!(school.database.server_errors(), NONE);
    school.database.drop().await;
}
