//! A trainer who leaves: the sessions ahead move, and what was held counts.

use super::*;

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
    // WHEN no event tells the pipeline, and the windows are topped up
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
