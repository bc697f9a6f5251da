//! The same events over SQS and over Kafka leave the same rows and the same dead letters.

use crate::scene::Scene;
use makegood::delivery::DeadLetter;
use makegood_local::admin::{self, AdminService};
use makegood_tests::course::{Course, HOPS, Payment};
use makegood_tests::event_source::drain_all;
use makegood_tests::invariants;
use serde_json::{Value, json};
use std::sync::Arc;

/// Good and bad in turns: payments, some twice, a second payment for one thing, metadata as text, no envelope, and what
/// can't be read for each reason that there is. Each beside the payment whose id is its key.
fn events(payments: &[Payment]) -> Vec<(Payment, String)> {
    let mut events = Vec::new();
    for (number, payment) in payments.iter().enumerate() {
        let good = payment.event();
        events.push((*payment, varied(&good, number).to_string()));
        if number % 3 == 0 {
            events.push((*payment, good.to_string()));
        }
        events.push((*payment, spoiled(&good, number)));
    }
    // the payment that comes first wins, so both stay in one partition: what lies in two has no order
    let surplus = surplus_of(payments).event();
    events.push((payments[0], surplus.to_string()));
    events
}

/// A second payment for what the first one bought.
fn surplus_of(payments: &[Payment]) -> Payment {
    Payment {
        id: uuid::Uuid::from_u128(payments[0].id.as_u128() ^ 1),
        ..payments[0]
    }
}

fn varied(good: &Value, number: usize) -> Value {
    let mut event = good.clone();
    match number % 3 {
        1 => event["metadata"] = json!(good["metadata"].to_string()),
        2 => drop(event.as_object_mut().unwrap().remove("_metadata")),
        _ => {}
    }
    event
}

fn spoiled(good: &Value, number: usize) -> String {
    let mut event = good.clone();
    match number % 4 {
        0 => return format!("{good}and more"),
        1 => drop(event.as_object_mut().unwrap().remove("courseId")),
        2 => event["paymentId"] = json!("not-a-uuid"),
        _ => event["type"] = json!("PURCHASE_FORGOTTEN"),
    }
    event.to_string()
}

/// What a dead letter says, less what only its source gives it.
async fn parked(course: &Course) -> Vec<Value> {
    let bodies = course.dead_letters.drain().await;
    let mut dead_letters: Vec<Value> = bodies
        .iter()
        .map(|body| {
            let dead_letter: DeadLetter = serde_json::from_str(body).expect("a dead letter document");
            json!([
                dead_letter.function_name,
                dead_letter.error_code,
                dead_letter.failure_reason,
                dead_letter.permanent,
                dead_letter.attempts,
                dead_letter.correlation_id,
                dead_letter.event_id,
                dead_letter.raw
            ])
        })
        .collect();
    dead_letters.sort_by_key(Value::to_string);
    dead_letters
}

async fn over_sqs(payments: &[Payment], bodies: &[(Payment, String)]) -> (Vec<String>, Vec<Value>) {
    let admin = Arc::new(AdminService::with_trainer_count(500));
    let (admin_url, _) = admin::spawn(admin).await.expect("the admin service listens");
    let mut course = Course::create().await;
    course.admin_url = admin_url;
    Payment::record_all(payments, &course.database).await;
    surplus_of(payments).record(&course.database).await;
    for (_, body) in bodies {
        course.purchase_confirmed.send(body).await;
    }
    for function in HOPS {
        poison_for(function, async |text| course.queue_of(function).send(text).await).await;
        let environment = course.environment_of(function).await;
        drain_all(course.queue_of(function), &environment, 10).await;
    }
    invariants::assert_all_hold(&course.database).await;
    let result = (course.rows().await, parked(&course).await);
    course.database.drop().await;
    result
}

async fn over_kafka(payments: &[Payment], bodies: &[(Payment, String)]) -> (Vec<String>, Vec<Value>) {
    let scene = Scene::set(3).await;
    let database = &scene.course.course.database;
    Payment::record_all(payments, database).await;
    surplus_of(payments).record(database).await;
    for (payment, body) in bodies {
        scene.publish(payment, body).await;
    }
    for (function, source) in scene.sources() {
        let topic = topic_of(function);
        poison_for(function, async |text| {
            scene.course.broker.produce(topic, "poison", Some(text)).await
        })
        .await;
        let environment = scene.course.environment_of(function).await;
        source.drain(&environment, 10).await;
        assert_eq!(source.uncommitted(), 0, "{function} left records behind");
    }
    let result = (
        scene.course.course.rows().await,
        parked(&scene.course.course).await,
    );
    scene.end().await;
    result
}

fn topic_of(function: &str) -> &'static str {
    match function {
        "create-purchase" => "purchase-confirmed",
        "allocate-trainer" => "purchase-created",
        "schedule-sessions" => "trainer-allocated",
        _ => "sessions-generated",
    }
}

/// What no function can read, for each of them but the cache's, which parks nothing.
async fn poison_for(function: &str, send: impl AsyncFn(&str)) {
    if function != "invalidate-cache" {
        send("{\"type\":\"PURCHASE_CONFIRMED\",\"paymentId\":7}").await;
        send("<html>").await;
    }
}

#[tokio::test]
async fn the_same_events_leave_the_same_rows_and_dead_letters_over_sqs_and_kafka_poison_included() {
    let payments = Payment::several(12);
    let bodies = events(&payments);
    let (sqs_rows, sqs_dead_letters) = over_sqs(&payments, &bodies).await;
    let (kafka_rows, kafka_dead_letters) = over_kafka(&payments, &bodies).await;
    assert_eq!(kafka_rows, sqs_rows);
    assert_eq!(kafka_dead_letters, sqs_dead_letters);

    // AND it was no empty comparison: twelve courses with sessions, one surplus payment, poison at each stage
    let made = |start: &str| sqs_rows.iter().filter(|row| row.starts_with(start)).count();
    assert_eq!(
        (made("payment "), made("case surplus_payment")),
        (12, 1),
        "{sqs_rows:#?}"
    );
    assert_eq!(sqs_dead_letters.len(), 12 + 3 * 2);
}
