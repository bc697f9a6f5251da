//! Days that are closed after the planning.

use super::*;

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
    // THEN only the one that a person moved is left for a person; the one under way is ahead no more
    let findings = ["session-on-closed-day: 1", "sessions-below-seven: 1"];
    assert_eq!(school.findings().await, findings);
    // WHEN once more THEN nothing
    assert_eq!(top_up(&school).await.rescheduled, 0);
    assert_eq!(told(&school).await.len(), 1);
    end(school).await;
}

#[tokio::test]
async fn sessions_of_an_older_release_are_moved_unless_a_person_changed_them() {
    // GIVEN sessions whose plan was not noted, one of them changed since
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

#[tokio::test]
async fn a_day_of_the_week_without_teaching_any_more_is_planned_anew_and_what_people_put_there_stays() {
    // GIVEN seven sessions from Friday to the Monday after next, and a person who moved the second Friday's to the evening
    let mut school = planned(20).await;
    let moved_by_hand =
        "UPDATE tutoring_sessions SET scheduled_time = '7:00 PM' WHERE scheduled_date = '2026-01-16'";
    school.database.run_sql(moved_by_hand).await;
    // WHEN the school teaches from Sunday to Thursday from now on
    school.teaching_days = "Sun-Thu".parse().unwrap();
    let report = top_up(&school).await;
    // THEN the first Friday's goes to the first open day, that is told, and the person's is left to a person
    assert_eq!((report.rescheduled, report.sessions), (1, 0));
    let days = [
        "2026-01-11",
        "2026-01-12",
        "2026-01-13",
        "2026-01-14",
        "2026-01-15",
        "2026-01-16",
        "2026-01-19",
    ];
    assert_eq!(school.days(1, "scheduled").await, days);
    let events = told(&school).await;
    let told_of: Vec<_> = events.iter().flat_map(|event| &event.sessions).collect();
    assert_eq!(told_of.len(), 1);
    assert_eq!(told_of[0].from_date.to_string(), "2026-01-09");
    assert_eq!(told_of[0].to_date.unwrap().to_string(), "2026-01-11");
    assert_eq!(told_of[0].reason, "day_closed");
    assert_eq!(school.findings().await, ["session-on-closed-day: 1"]);
    // WHEN once more THEN nothing
    assert_eq!(top_up(&school).await.rescheduled, 0);
    // WHEN Friday is a teaching day again THEN nothing moves back, and all is well
    school.teaching_days = "Sun-Fri".parse().unwrap();
    assert_eq!(top_up(&school).await.rescheduled, 0);
    assert_eq!(school.findings().await, NONE);
    end(school).await;
}

#[tokio::test]
async fn a_session_that_another_program_wrote_on_a_weekend_is_not_moved() {
    // GIVEN seven sessions that were planned, and one that another program wrote for a Saturday
    let school = planned(20).await;
    school.sessions(1, &[("2026-01-10", "scheduled")]).await;
    // WHEN its window is looked at, by the top-up and by the stage, THEN it stays
    assert_eq!(top_up(&school).await.rescheduled, 0);
    schedule(&school, 1).await;
    assert_eq!(told(&school).await, []);
    assert_eq!(school.findings().await, ["session-on-closed-day: 1"]);
    // WHEN the school teaches on Saturdays too THEN it is nothing to look at
    let mut school = school;
    school.teaching_days = "Mon-Sat".parse().unwrap();
    assert_eq!(school.findings().await, NONE);
    end(school).await;
}
