//! A student with two courses at one hour: what is added and what is moved goes to days without the other one, and what is there stays.

use super::*;

/// Allocation `n` of the student of allocation 1, for another course, at this time.
async fn another_course(school: &School, n: u32, slot: &str) {
    school
        .database
        .run_sql(&format!(
            "INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
             SELECT '{}', student_id, md5('trainer{n}')::uuid, md5('course{n}')::uuid, requested_by, 'approved',
                    jsonb_build_object('sessionCount', 20, 'timeSlot', '{slot}')
             FROM trainer_allocations WHERE id = '{}'",
            id(n),
            id(1)
        ))
        .await;
}

/// A school with two allocations of one student, both at four, of which nothing is planned.
async fn two_courses() -> School {
    let school = School::at(THURSDAY_EVENING).await;
    school.allocation(1, json!({"sessionCount": 20})).await;
    another_course(&school, 2, "16:00").await;
    school
}

const SCHEDULED_AT_ONCE: &str =
    "SELECT count(*) FROM (SELECT 1 FROM tutoring_sessions WHERE status = 'scheduled'
    GROUP BY student_id, scheduled_date, scheduled_time HAVING count(*) > 1) x";

#[tokio::test]
async fn a_window_that_runs_low_is_filled_beside_the_other_course() {
    // GIVEN two sessions left of the first course, and the week of the second on the days after them
    let school = two_courses().await;
    let [friday, monday, rest @ ..] = NEXT_SEVEN;
    school
        .sessions(1, &[(friday, "scheduled"), (monday, "scheduled")])
        .await;
    school.sessions(2, &rest.map(|day| (day, "scheduled"))).await;
    // WHEN the windows are filled THEN the five that are added are after the week of the other course
    assert_eq!(top_up(&school).await.sessions, 5);
    let expected = [
        friday,
        monday,
        "2026-01-20",
        "2026-01-21",
        "2026-01-22",
        "2026-01-23",
        "2026-01-26",
    ];
    assert_eq!(school.days(1, "scheduled").await, expected);
    assert_eq!(school.days(2, "scheduled").await, rest);
    assert_eq!(school.database.count(SCHEDULED_AT_ONCE).await, 0);
    end(school).await;
}

#[tokio::test]
async fn two_empty_windows_are_filled_beside_each_other_in_one_run() {
    let school = two_courses().await;
    let report = top_up(&school).await;
    assert_eq!((report.sessions, report.chunks), (14, 1));
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.database.count(SCHEDULED_AT_ONCE).await, 0);
    end(school).await;
}

#[tokio::test]
async fn what_is_at_the_same_time_already_is_not_moved() {
    // GIVEN both weeks on the same days, as an earlier release planned them
    let school = two_courses().await;
    for n in [1, 2] {
        school
            .sessions(n, &NEXT_SEVEN.map(|day| (day, "scheduled")))
            .await;
    }
    let report = top_up(&school).await;
    assert_eq!((report.sessions, report.rescheduled), (0, 0));
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.days(2, "scheduled").await, NEXT_SEVEN);
    end(school).await;
}

#[tokio::test]
async fn what_is_moved_in_one_run_is_out_of_the_way_and_in_the_way_where_it_is_then() {
    // GIVEN the first course's week, one day of which was closed since, and an empty window of the second at the same hour
    let school = planned(20).await;
    another_course(&school, 2, "4:00 PM").await;
    school
        .database
        .run_sql("INSERT INTO session_blackout_dates VALUES ('2026-01-13', 'Lohri')")
        .await;
    // WHEN both are planned in one run
    let report = top_up(&school).await;
    assert_eq!((report.sessions, report.rescheduled), (7, 1));
    // THEN the moved session is on Tuesday, and the other course begins on Wednesday
    let first = school.days(1, "scheduled").await;
    assert_eq!(first.last().map(String::as_str), Some("2026-01-20"));
    assert_eq!(school.days(2, "scheduled").await[0], "2026-01-21");
    assert_eq!(school.database.count(SCHEDULED_AT_ONCE).await, 0);
    end(school).await;
}

#[tokio::test]
async fn a_time_that_one_course_leaves_is_free_for_the_other_in_the_same_run() {
    // GIVEN a week at four, which a person has put to six since, and an empty window of another course at four
    let school = planned(20).await;
    another_course(&school, 2, "4:00 PM").await;
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET metadata = metadata || '{{\"timeSlot\": \"18:00\"}}' WHERE id = '{}'",
            id(1)
        ))
        .await;
    // WHEN both are planned in one run THEN they have the same days
    let report = top_up(&school).await;
    assert_eq!((report.sessions, report.rescheduled, report.chunks), (7, 7, 1));
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.days(2, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.database.count(SCHEDULED_AT_ONCE).await, 0);
    end(school).await;
}

#[tokio::test]
async fn another_time_that_is_the_other_courses_takes_days_without_it() {
    // GIVEN a course at four from Friday to Monday week, and another at six on three of those days
    let school = planned(20).await;
    another_course(&school, 2, "6:00 PM").await;
    schedule(&school, 2).await;
    school
        .database
        .run_sql(&format!(
            "DELETE FROM tutoring_sessions WHERE allocation_id = '{}' AND scheduled_date NOT IN ('2026-01-12', '2026-01-14', '2026-01-15')",
            id(2)
        ))
        .await;
    // WHEN the first is moved to six
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET metadata = metadata || '{{\"timeSlot\": \"18:00\"}}' WHERE id = '{}'",
            id(1)
        ))
        .await;
    assert_eq!(top_up(&school).await.rescheduled, 7);
    // THEN what was on the days of the other course is on the next ones
    let expected = [
        "2026-01-09",
        "2026-01-13",
        "2026-01-16",
        "2026-01-19",
        "2026-01-20",
        "2026-01-21",
        "2026-01-22",
    ];
    assert_eq!(school.days(1, "scheduled").await, expected);
    assert_eq!(school.database.count(SCHEDULED_AT_ONCE).await, 0);
    end(school).await;
}
