//! States in which the server, and no record, is what fails: whichever statement hears one, the messages go back to their queue however
//! often they came, nothing is parked, and the same environment does them when it is over.

use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::Environment;
use makegood_tests::event_source::{drain_all, make_visible_again, message_ids};
use serde_json::json;

/// What the server says while it goes, is full, only reads, or ends a transaction that took or waited too long.
const STATES: [&str; 14] = [
    "08006", "25006", "25P03", "25P04", "40003", "53100", "53200", "53300", "55006", "57P01", "57P02",
    "57P03", "57P05", "58030",
];

/// The tables that a purchase writes: the statement that hears it is another one each time.
const TABLES: [&str; 3] = ["processed_events", "student_course_purchases", "outbox"];

fn raised_at_writes_of(table: &str, state: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'ended' USING ERRCODE = '{state}'; END $$;
         CREATE TRIGGER ends BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION ends()"
    )
}

/// Four payments of which each came four times already; past the third receive a record's own fault is parked.
async fn four_payments(course: &Course) -> serde_json::Value {
    for payment in Payment::several(4) {
        payment.record(&course.database).await;
        course.purchase_confirmed.send(payment.event().to_string()).await;
    }
    let mut event = course.purchase_confirmed.receive_event(10).await;
    for record in event["Records"].as_array_mut().expect("records") {
        record["attributes"]["ApproximateReceiveCount"] = json!("4");
    }
    assert_eq!(message_ids(&event).len(), 4);
    event
}

/// All four go back, and nothing of them stays: no dead letter, no case, no row.
async fn all_go_back(course: &Course, environment: &Environment, event: &serde_json::Value, what: &str) {
    let answer = environment.invoke(event.clone()).await.answer();
    let returned: Vec<_> = message_ids(event)
        .iter()
        .map(|id| json!({"itemIdentifier": id}))
        .collect();
    assert_eq!(answer, json!({"batchItemFailures": returned}), "{what}");
    assert!(course.dead_letters.drain().await.is_empty(), "{what}");
    let rows = "SELECT (SELECT count(*) FROM payment_cases) + (SELECT count(*) FROM student_course_purchases)
                     + (SELECT count(*) FROM outbox)";
    assert_eq!(course.database.count(rows).await, 0, "{what}");
}

/// The next delivery makes all four purchases, and parks nothing.
async fn all_are_done(course: &Course, environment: &Environment, event: &serde_json::Value) {
    make_visible_again(&course.purchase_confirmed, event).await;
    assert_eq!(drain_all(&course.purchase_confirmed, environment, 10).await, 4);
    let purchases = "SELECT count(*) FROM student_course_purchases";
    assert_eq!(course.database.count(purchases).await, 4);
    assert!(course.dead_letters.drain().await.is_empty());
}

#[tokio::test]
async fn a_state_of_the_server_parks_nothing_whichever_statement_hears_it() {
    let course = Course::create().await;
    let environment = Environment::start("create-purchase", &course.variables()).await;
    let event = four_payments(&course).await;
    for table in TABLES {
        for state in STATES {
            course.database.run_sql(&raised_at_writes_of(table, state)).await;
            all_go_back(&course, &environment, &event, &format!("{state} at {table}")).await;
            course
                .database
                .run_sql(&format!("DROP TRIGGER ends ON {table}"))
                .await;
        }
    }
    all_are_done(&course, &environment, &event).await;
    course.database.drop().await;
}

/// PostgreSQL 17 and newer end a transaction that takes longer than `transaction_timeout` of the role or the database, and the session
/// with it; SET LOCAL to more is accepted, shown, and ignored. Older servers have no such limit: there it is the limit of one statement
/// (57014), which Makegood's own settings replace, so that the payments are made.
#[tokio::test]
async fn a_time_limit_of_the_database_ends_slow_work_and_parks_none_of_it() {
    let course = Course::create().await;
    let has_limit = course
        .database
        .count("SELECT current_setting('server_version_num')::bigint")
        .await
        >= 170_000;
    let name = course.database.name();
    let limit = if has_limit {
        "transaction_timeout"
    } else {
        "statement_timeout"
    };
    course
        .database
        .run_sql(&format!(
            "ALTER DATABASE {name} SET {limit} = '300ms';
             CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$;
             CREATE TRIGGER slow BEFORE INSERT ON student_course_purchases FOR EACH ROW EXECUTE FUNCTION slow()"
        ))
        .await;
    let environment = Environment::start("create-purchase", &course.variables()).await;
    let event = four_payments(&course).await;
    if has_limit {
        all_go_back(&course, &environment, &event, "transaction_timeout").await;
        course
            .database
            .run_sql(&format!("ALTER DATABASE {name} RESET {limit}"))
            .await;
        // A session keeps the limit that it began with.
        course.database.until_sessions_end().await;
    }
    all_are_done(&course, &environment, &event).await;
    course.database.drop().await;
}
