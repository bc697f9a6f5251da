//! What the outbox sends to Kafka, and when a row counts as sent.

use crate::scene::Scene;
use makegood_tests::course::Payment;
use makegood_tests::environment::{Environment, Outcome, binaries};
use makegood_tests::kafka_broker::Recorded;
use makegood_tests::queues::kafka_event;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;

const WAITING: &str = "SELECT count(*) FROM outbox WHERE published_at IS NULL";

async fn confirm(scene: &Scene, payments: &[Payment]) -> Outcome {
    let values: Vec<_> = payments
        .iter()
        .map(|payment| Some(payment.event().to_string()))
        .collect();
    let environment = scene.course.environment_of("create-purchase").await;
    environment
        .invoke(kafka_event("purchase-confirmed", &values))
        .await
}

fn published(scene: &Scene) -> Vec<Recorded> {
    scene.course.broker.everything_in("purchase-created")
}

#[tokio::test]
async fn an_event_goes_out_under_its_correlation_id_with_the_headers_of_the_specification() {
    // GIVEN a payment WHEN its purchase is made
    let scene = Scene::set(3).await;
    let payment = Payment::new();
    payment.record(&scene.course.course.database).await;
    assert!(matches!(confirm(&scene, &[payment]).await, Outcome::Answered(_)));

    // THEN one record lies on the topic: the payment's id is its key, and the headers say what the event says
    let records = published(&scene);
    assert_eq!(records.len(), 1);
    let event: Value = serde_json::from_str(records[0].value.as_deref().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expected: BTreeMap<String, String> = [
        ("eventId", text(&event["_metadata"]["eventId"])),
        ("correlationId", payment.id.to_string()),
        ("eventType", "PURCHASE_CREATED".to_owned()),
        ("source", "create-purchase".to_owned()),
        ("version", "1.0.0".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    assert_eq!(records[0].key.as_deref(), Some(payment.id.to_string().as_str()));
    assert_eq!(records[0].headers, expected);
    let purchase = format!("purchase-created-{}", text(&event["purchaseId"]));
    assert_eq!(text(&event["_metadata"]["eventId"]), purchase);
    assert_eq!(event["studentId"], json!(payment.student_id));
    assert_eq!(scene.course.course.database.count(WAITING).await, 0);
}

#[tokio::test]
async fn what_the_broker_refuses_stays_in_the_outbox_with_its_reason_until_the_sweep() {
    // GIVEN a broker that refuses to store anything
    let scene = Scene::set(1).await;
    let payments = Payment::several(3);
    for payment in &payments {
        payment.record(&scene.course.course.database).await;
    }
    scene.course.broker.refuse_records(100);

    // WHEN purchases are made THEN they stand, and their events wait with the broker's words
    assert!(matches!(confirm(&scene, &payments).await, Outcome::Answered(_)));
    let database = &scene.course.course.database;
    assert_eq!(database.count(WAITING).await, 3);
    let explained =
        "SELECT count(*) FROM outbox WHERE last_error LIKE '%uthorization failed%' AND attempts = 1";
    assert_eq!(database.count(explained).await, 3);
    assert_eq!(published(&scene), []);

    // AND once it takes them again, the sweep sends each once
    scene.course.broker.take_records_again();
    scene.course.course.outbox_leases_run_out().await;
    assert_eq!(scene.course.sweep_outbox().await, 3);
    assert_eq!(database.count(WAITING).await, 0);
    assert_eq!(published(&scene).len(), 3);
}

#[tokio::test]
async fn a_broker_that_is_away_costs_a_bounded_wait_and_no_event() {
    // GIVEN a broker that can't be reached
    let scene = Scene::set(1).await;
    let payment = Payment::new();
    payment.record(&scene.course.course.database).await;
    scene.course.broker.go_away();

    // WHEN a purchase is made THEN the function answers within its thirty seconds, and the event waits
    assert!(matches!(confirm(&scene, &[payment]).await, Outcome::Answered(_)));
    let database = &scene.course.course.database;
    assert_eq!(database.count(WAITING).await, 1);
    assert_eq!(
        database
            .count("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL")
            .await,
        1
    );

    // AND the sweep sends it when the broker is back
    scene.course.broker.come_back();
    scene.course.course.outbox_leases_run_out().await;
    assert_eq!(scene.course.sweep_outbox().await, 1);
    assert_eq!(published(&scene).len(), 1);
}

#[tokio::test]
async fn a_function_that_is_to_publish_to_kafka_says_at_its_start_what_it_lacks() {
    let scene = Scene::set(1).await;
    let mut variables = scene.course.variables();
    variables.remove("KAFKA_BROKERS");
    let environment = Environment::start("create-purchase", &variables).await;
    environment.line("KAFKA_BROKERS is missing").await;
}

#[test]
fn functions_that_publish_nothing_carry_no_kafka() {
    // Features reach the whole workspace (docs/decisions/0011); what a function does not call is not linked.
    let carries = |function: &str| {
        let found = Command::new("grep")
            .args(["--quiet", "--text", "--fixed-strings", "librdkafka"])
            .arg(binaries().join(function))
            .status()
            .expect("grep runs");
        found.code() == Some(0)
    };
    assert!(carries("create-purchase"), "built without the feature kafka");
    for function in ["invalidate-cache", "migrate", "order-status", "park-dead-letters"] {
        assert!(!carries(function), "{function} carries librdkafka");
    }
}
