//! What a person changes of an allocation, a purchase or a session.

use super::*;

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
        until_a_statement_waits(&school).await;
        person.commit().await.unwrap();
    };
    let (report, ()) = tokio::join!(run, commit);
    // THEN it is where the person put it, and nothing is told
    assert_eq!(report.rescheduled, 0);
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(told(&school).await, []);
    end(school).await;
}

#[tokio::test]
async fn a_session_that_a_person_changes_between_the_look_and_the_move_stays_too() {
    // GIVEN a closed day, and a run that has read the calendar and waits before it moves anything
    let school = planned(20).await;
    school
        .database
        .run_sql("INSERT INTO session_blackout_dates VALUES ('2026-01-13')")
        .await;
    let pool = school.database.direct();
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE session_blackout_dates")
        .execute(&mut *holder)
        .await
        .unwrap();
    let change = async {
        until_a_statement_waits(&school).await;
        // WHEN a person changes the session then
        school
            .database
            .run_sql(
                "UPDATE tutoring_sessions SET scheduled_time = '7:00 PM' WHERE scheduled_date = '2026-01-13'",
            )
            .await;
        holder.commit().await.unwrap();
    };
    tokio::join!(schedule(&school, 1), change);
    // THEN it is where the person put it, and nothing is told
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(told(&school).await, []);
    let at_seven = "SELECT count(*) FROM tutoring_sessions WHERE scheduled_date = '2026-01-13' AND scheduled_time = '7:00 PM'";
    assert_eq!(school.database.count(at_seven).await, 1);
    end(school).await;
}

async fn until_a_statement_waits(school: &School) {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waits = async { while school.database.count(WAITING).await == 0 {} };
    tokio::time::timeout(Duration::from_secs(20), waits)
        .await
        .expect("the run waits for a lock");
}
