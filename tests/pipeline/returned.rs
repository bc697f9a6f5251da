//! What can't be done now is returned through the real `create-purchase` binary: in time, with its own delay, with its
//! attempts counted, and never lost on the way to the dead letters.

use makegood::delivery::DeadLetter;
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::event_source::{self, drain_all, message_ids};
use makegood_tests::invariants::{Guarantee, assert_hold};
use makegood_tests::link::{Link, to_server};
use serde_json::{Value, json};
use std::time::Duration;

/// What a purchase alone must satisfy.
const PURCHASED: [Guarantee; 3] = [
    Guarantee::OnePurchase,
    Guarantee::EverythingPublished,
    Guarantee::NoDuplicates,
];

async fn parked(course: &Course) -> Vec<DeadLetter> {
    let bodies = course.dead_letters.drain().await;
    bodies
        .iter()
        .map(|body| serde_json::from_str(body).expect("a dead letter document"))
        .collect()
}

#[tokio::test]
async fn while_the_dead_letter_queue_is_away_what_should_be_parked_is_returned_and_nothing_is_lost() {
    // GIVEN an environment that reaches no queue at all, and a good message beside an unreadable one
    let course = Course::create().await;
    let payment = Payment::new();
    payment.record(&course.database).await;
    course.purchase_confirmed.send(payment.event().to_string()).await;
    course.purchase_confirmed.send("no JSON at all").await;
    let no_server = Link::to("127.0.0.1:9").await;
    let away = course.variables_with(&[("AWS_ENDPOINT_URL", format!("http://{}", no_server.address()))]);
    let cut_off = Environment::start("create-purchase", &away).await;

    // WHEN both are delivered
    let batch = event_source::deliver(&course.purchase_confirmed, &cut_off, 10)
        .await
        .expect("a batch");

    // THEN only the unreadable one is returned; the good one is committed, and its event waits in the outbox
    let unreadable = batch.event["Records"]
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["body"] == "no JSON at all");
    let unreadable = unreadable.unwrap()["messageId"].clone();
    assert_eq!(
        batch.outcome,
        Outcome::Answered(json!({"batchItemFailures": [{"itemIdentifier": unreadable}]}))
    );
    assert_eq!(
        course
            .database
            .count("SELECT count(*) FROM student_course_purchases")
            .await,
        1
    );
    assert_eq!(
        course
            .database
            .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await,
        1
    );
    assert!(parked(&course).await.is_empty());

    // AND the next delivery, with the queue back, parks it
    event_source::make_visible_again(&course.purchase_confirmed, &batch.left()).await;
    let environment = Environment::start("create-purchase", &course.variables()).await;
    assert_eq!(drain_all(&course.purchase_confirmed, &environment, 10).await, 1);
    let dead_letters = parked(&course).await;
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(
        (dead_letters[0].error_code.as_str(), dead_letters[0].attempts),
        ("malformed_json", 2)
    );
    course.database.drop().await;
}

#[tokio::test]
async fn what_can_not_be_done_in_time_is_returned_before_lambda_kills_the_environment() {
    // GIVEN a database that stops answering in the middle of the work
    let course = Course::create().await;
    for payment in Payment::several(2) {
        payment.record(&course.database).await;
        course.purchase_confirmed.send(payment.event().to_string()).await;
    }
    let link = Link::to_url(&course.database.pooler_url()).await;
    let mut stop = link.stop_at(&[to_server("INSERT INTO student_course_purchases")]);
    let slow = course.variables_with(&[("DATABASE_URL", link.through(&course.database.pooler_url()))]);
    let environment = Environment::start("create-purchase", &slow).await;

    // WHEN two messages are delivered with three seconds left
    let event = course.purchase_confirmed.receive_event(10).await;
    let outcome = environment
        .invoke_within(event.clone(), Duration::from_secs(3))
        .await;

    // THEN both are returned in time, none is parked, and the next delivery makes both purchases
    stop.reached().await;
    let answer = outcome.answer();
    let named: Vec<Value> = message_ids(&event)
        .iter()
        .map(|id| json!({"itemIdentifier": id}))
        .collect();
    assert_eq!(answer, json!({"batchItemFailures": named}));
    assert!(!environment.has_exited());
    assert!(parked(&course).await.is_empty());
    event_source::make_visible_again(&course.purchase_confirmed, &event).await;
    let fresh = Environment::start("create-purchase", &course.variables()).await;
    assert_eq!(drain_all(&course.purchase_confirmed, &fresh, 10).await, 2);
    assert_eq!(
        course
            .database
            .count("SELECT count(*) FROM student_course_purchases")
            .await,
        2
    );
    assert_hold(&course.database, &PURCHASED).await;
    course.database.drop().await;
}

/// Delivers the message a second time, and looks that it is returned and can't be received now.
async fn fail_a_second_time(course: &Course, environment: &Environment) {
    let first = course.purchase_confirmed.receive_event(10).await;
    event_source::make_visible_again(&course.purchase_confirmed, &first).await;
    let batch = event_source::deliver(&course.purchase_confirmed, environment, 10)
        .await
        .expect("a batch");
    assert_eq!(batch.returned, message_ids(&batch.event));
    assert!(
        message_ids(&course.purchase_confirmed.receive_event(10).await).is_empty(),
        "invisible"
    );
    assert!(parked(course).await.is_empty());
    environment.line("returned").await;
}

/// How many messages come within these seconds.
async fn received_within(course: &Course, seconds: i32) -> usize {
    let queue = &course.purchase_confirmed;
    let request = queue
        .client
        .receive_message()
        .queue_url(&queue.url)
        .wait_time_seconds(seconds);
    let answer = request.send().await.expect("SQS answers");
    answer.messages.unwrap_or_default().len()
}

#[tokio::test]
async fn a_message_that_fails_for_now_comes_again_after_its_own_delay_and_not_the_queues() {
    // GIVEN a queue whose messages stay away for 30 seconds, and a database that refuses the row by a rule of its own
    let course = Course::create().await;
    let queue = &course.purchase_confirmed;
    queue.send(Payment::new().event().to_string()).await;
    course.database.run_sql(REFUSED_BY_A_TRIGGER).await;
    let environment = Environment::start("create-purchase", &course.variables()).await;
    // WHEN it fails a second time THEN it is back within four seconds
    fail_a_second_time(&course, &environment).await;
    assert_eq!(received_within(&course, 10).await, 1);
    course.database.drop().await;
}

#[tokio::test]
async fn while_the_database_is_away_a_message_waits_for_a_failover_and_not_for_seconds() {
    // GIVEN a message and a database that is away
    let course = Course::create().await;
    let queue = &course.purchase_confirmed;
    queue.send(Payment::new().event().to_string()).await;
    let no_server = Link::to("127.0.0.1:9").await;
    let database = format!("postgres://makegood@{}/nowhere", no_server.address());
    let cut_off = course.variables_with(&[("DATABASE_URL", database)]);
    let environment = Environment::start("create-purchase", &cut_off).await;
    // WHEN it fails a second time THEN the four seconds of any other failure go by without it
    fail_a_second_time(&course, &environment).await;
    assert_eq!(received_within(&course, 5).await, 0);
    course.database.drop().await;
}

/// What fails a purchase by no fault of the server: SQLSTATE P0001, of no class that anything waits for.
const REFUSED_BY_A_TRIGGER: &str = "
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON student_course_purchases FOR EACH ROW EXECUTE FUNCTION refuse()";

/// Delivers one message as if SQS had received it so often, and says what became of it: the codes that it was parked with.
async fn parked_at_receive(course: &Course, environment: &Environment, receive: u32) -> Vec<String> {
    let payment = Payment::new();
    payment.record(&course.database).await;
    course.purchase_confirmed.send(payment.event().to_string()).await;
    let mut event = course.purchase_confirmed.receive_event(1).await;
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!(receive.to_string());
    let answer = environment.invoke(event).await.answer();
    let dead_letters = parked(course).await;
    // Parked or back in its queue, never both and never neither.
    let returned = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
    assert_eq!(returned + dead_letters.len(), 1, "receive {receive}: {answer}");
    for dead_letter in &dead_letters {
        assert_eq!((dead_letter.attempts, dead_letter.permanent), (receive, false));
        assert_eq!(dead_letter.correlation_id, Some(payment.id.to_string()));
        assert_eq!(dead_letter.original_event, Some(payment.event()));
    }
    dead_letters
        .into_iter()
        .map(|dead_letter| dead_letter.error_code)
        .collect()
}

#[tokio::test]
async fn an_outage_uses_up_no_attempt_and_ends_all_the_same() {
    // GIVEN a database that is away
    let course = Course::create().await;
    let no_server = Link::to("127.0.0.1:9").await;
    let database = format!("postgres://makegood@{}/nowhere", no_server.address());
    let cut_off = course.variables_with(&[("DATABASE_URL", database)]);
    let environment = Environment::start("create-purchase", &cut_off).await;
    // WHEN a message meets it for the third or the twenty-ninth time THEN it goes back to its queue
    for receive in [3, 29] {
        assert_eq!(parked_at_receive(&course, &environment, receive).await, [""; 0]);
    }
    // AND after thirty receives, which are hours, a person is told
    assert_eq!(
        parked_at_receive(&course, &environment, 30).await,
        ["database_unavailable"]
    );
    course.database.drop().await;
}

/// What other teams do to the tables, and what ends it.
const DRIFTS: [(&str, &str); 4] = [
    (
        "ALTER TABLE student_course_purchases RENAME TO elsewhere",
        "ALTER TABLE elsewhere RENAME TO student_course_purchases",
    ),
    (
        "ALTER TABLE student_course_purchases ADD COLUMN channel text NOT NULL",
        "ALTER TABLE student_course_purchases ALTER COLUMN channel SET DEFAULT 'web'",
    ),
    (
        "ALTER TABLE processed_events ADD COLUMN channel text NOT NULL",
        "ALTER TABLE processed_events DROP COLUMN channel",
    ),
    (
        "ALTER TABLE outbox ADD COLUMN channel text NOT NULL",
        "ALTER TABLE outbox ALTER COLUMN channel DROP NOT NULL",
    ),
];

#[tokio::test]
async fn a_schema_that_drifts_uses_up_no_attempt_and_heals_with_the_schema() {
    for (away, back) in DRIFTS {
        a_schema_drifts_and_comes_back(away, back).await;
    }
}

async fn a_schema_drifts_and_comes_back(away: &str, back: &str) {
    // GIVEN a table that was changed
    let course = Course::create().await;
    let environment = Environment::start("create-purchase", &course.variables()).await;
    course.database.run_sql(away).await;
    let payment = Payment::new();
    payment.record(&course.database).await;
    course.purchase_confirmed.send(payment.event().to_string()).await;
    let event = course.purchase_confirmed.receive_event(1).await;
    let mut fourth = event.clone();
    fourth["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!("4");
    let answer = environment.invoke(fourth).await.answer();
    assert_eq!(
        answer["batchItemFailures"].as_array().map(Vec::len),
        Some(1),
        "{away}"
    );
    assert!(parked(&course).await.is_empty(), "{away}");
    assert_eq!(
        course.database.count("SELECT count(*) FROM payment_cases").await,
        0
    );
    // AND the log names the column
    let lines = environment.lines().join("\n");
    assert!(
        lines.contains("database_schema_drift") && (!away.contains("channel") || lines.contains("channel")),
        "{lines}"
    );
    // WHEN it fits again THEN the message is done, by the same environment
    course.database.run_sql(back).await;
    event_source::make_visible_again(&course.purchase_confirmed, &event).await;
    assert_eq!(drain_all(&course.purchase_confirmed, &environment, 10).await, 1);
    assert!(parked(&course).await.is_empty());
    course.database.drop().await;
}

#[tokio::test]
async fn a_message_that_failed_by_its_own_fault_three_times_is_parked_with_their_number() {
    let course = Course::create().await;
    course.database.run_sql(REFUSED_BY_A_TRIGGER).await;
    let environment = Environment::start("create-purchase", &course.variables()).await;
    assert_eq!(parked_at_receive(&course, &environment, 2).await, [""; 0]);
    assert_eq!(
        parked_at_receive(&course, &environment, 3).await,
        ["database_error"]
    );
    course.database.drop().await;
}

#[tokio::test]
async fn an_event_that_is_neither_sqs_nor_msk_fails_as_a_whole() {
    let course = Course::create().await;
    let environment = Environment::start("create-purchase", &course.variables()).await;
    for event in [
        json!({}),
        json!({"Records": [{"body": "{}", "eventSource": "aws:sqs"}]}),
    ] {
        let outcome = environment.invoke(event.clone()).await;
        assert!(
            matches!(outcome, Outcome::FunctionError(_)),
            "{event}: {outcome:?}"
        );
    }
    course.database.drop().await;
}
