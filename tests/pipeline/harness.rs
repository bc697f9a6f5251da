//! The harness itself: an environment ends as Lambda's do, and each invariant sees what breaks it.

use makegood_tests::course::{Course, Payment};
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Outcome, Variables};
use makegood_tests::invariants::{Guarantee, assert_all_hold, broken};
use makegood_tests::link::to_server;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn an_environment_without_its_variables_ends_by_itself_and_names_them_all() {
    let environment = Environment::start("create-purchase", &Variables::new()).await;
    let outcome = environment.invoke(json!({})).await;
    assert!(
        matches!(outcome, Outcome::Died(_)) && !outcome.was_killed(),
        "{outcome:?}"
    );
    let output = environment.lines().join("\n");
    for name in [
        "DATABASE_URL",
        "QUEUE_URL_PURCHASE_CREATED",
        "DEAD_LETTER_QUEUE_URL",
    ] {
        assert!(output.contains(name), "{name} is not named in:\n{output}");
    }
}

#[tokio::test]
async fn an_environment_that_does_not_answer_in_time_is_killed() {
    let course = Course::create().await;
    let (environment, link) = Environment::start_linked("create-purchase", &course.variables()).await;
    let mut stop = link.stop_at(&[to_server("/error HTTP")]);
    let outcome = environment
        .invoke_within(json!({}), Duration::from_millis(300))
        .await;
    assert_eq!(outcome, Outcome::TimedOut);
    stop.reached().await;
    assert!(environment.has_exited());
    course.database.drop().await;
}

/// A purchase, an allocation and seven sessions as they should be, of student `…1` in course `…2`.
const SOUND: &str = "
    INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, payment_id)
    SELECT '00000000-0000-0000-0000-000000000003', student_id, (metadata ->> 'courseId')::uuid, 10, id FROM payments;
    INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
    SELECT 'e', 'PURCHASE_CONFIRMED', id, '{}', 'test' FROM payments;
    INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status)
    SELECT '00000000-0000-0000-0000-000000000004', student_id, student_id, course_id, student_id, 'approved'
    FROM student_course_purchases;
    INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, published_at)
    SELECT id, 'ANY', 'any', '{}', gen_random_uuid(), now()
    FROM unnest(ARRAY['purchase-created-00000000-0000-0000-0000-000000000003',
                      'trainer-allocated-00000000-0000-0000-0000-000000000004']) AS e (id);
    INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, scheduled_date, scheduled_time)
    SELECT id, student_id, trainer_id, day, '4:00 PM' FROM trainer_allocations,
      (SELECT day FROM generate_series('2099-01-05'::date, '2099-01-20', '1 day') AS g (day)
       WHERE extract(isodow FROM day) <= 5 ORDER BY day LIMIT 7) AS days";

/// Each change breaks this guarantee, and is seen by a row that says so.
const BREAKS: [(Guarantee, &str, &str); 14] = [
    (Guarantee::OnePurchase, "UPDATE student_course_purchases SET is_active = false", "0 active purchases"),
    (Guarantee::OneAllocation, "UPDATE trainer_allocations SET status = 'cancelled'", "0 live and 0 pending"),
    (Guarantee::SevenSessions, "DELETE FROM tutoring_sessions WHERE scheduled_date = '2099-01-06'", "6 sessions ahead"),
    (Guarantee::SevenSessions, "UPDATE tutoring_sessions SET status = 'completed'", "0 sessions ahead"),
    (
        Guarantee::SevenSessions,
        "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, scheduled_date, scheduled_time)
         SELECT allocation_id, student_id, trainer_id, '2099-02-02', '4:00 PM' FROM tutoring_sessions LIMIT 1",
        "8 sessions ahead",
    ),
    (
        Guarantee::SevenSessions,
        "UPDATE tutoring_sessions SET scheduled_date = '2099-01-10' WHERE scheduled_date = '2099-01-09'",
        "no day for sessions",
    ),
    (Guarantee::SevenSessions, "INSERT INTO session_blackout_dates VALUES ('2099-01-07')", "no day for sessions"),
    (Guarantee::EverythingPublished, "UPDATE outbox SET published_at = NULL", "waits unpublished"),
    (Guarantee::EverythingPublished, "DELETE FROM outbox WHERE event_id LIKE 'purchase%'", "was never published"),
    (Guarantee::EverythingPublished, "DELETE FROM outbox WHERE event_id LIKE 'trainer%'", "was never published"),
    (Guarantee::EverythingPublished, "DELETE FROM processed_events", "has no processed event"),
    (
        Guarantee::NoDuplicates,
        "DROP INDEX unique_active_purchase;
         INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
         SELECT student_id, course_id, 10 FROM student_course_purchases",
        "2 active purchases",
    ),
    (
        Guarantee::NoDuplicates,
        "DROP INDEX unique_active_allocation;
         INSERT INTO trainer_allocations (student_id, course_id, requested_by, status)
         SELECT student_id, course_id, student_id, 'active' FROM trainer_allocations",
        "2 live allocations",
    ),
    (
        Guarantee::NoDuplicates,
        "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, scheduled_date, scheduled_time)
         SELECT allocation_id, student_id, trainer_id, scheduled_date, '9:00 AM' FROM tutoring_sessions LIMIT 1",
        "2 sessions on",
    ),
];

async fn sound_database() -> TestDatabase {
    let database = TestDatabase::create().await;
    Payment::new().record(&database).await;
    database.run_sql(SOUND).await;
    database
}

#[tokio::test]
async fn the_invariants_hold_on_sound_rows_and_a_payment_without_purchase_is_seen_unless_a_case_is_open() {
    let database = sound_database().await;
    assert_all_hold(&database).await;
    Payment::new().record(&database).await;
    let rows = broken(&database, &Guarantee::ALL).await;
    assert!(
        rows.len() == 1 && rows[0].contains("0 active purchases and no open case"),
        "{rows:?}"
    );
    let case =
        "INSERT INTO payment_cases (kind, subject, payment_id) SELECT 'unfulfillable', id, id FROM payments";
    database.run_sql(case).await;
    assert_all_hold(&database).await;
    database.drop().await;
}

#[tokio::test]
async fn each_invariant_names_what_breaks_it() {
    for (guarantee, change, said) in BREAKS {
        let database = sound_database().await;
        database.run_sql(change).await;
        let rows = broken(&database, &[guarantee]).await;
        assert!(
            rows.iter().any(|row| row.contains(said)),
            "{guarantee:?} does not see {change}: {rows:?}"
        );
        database.drop().await;
    }
}
