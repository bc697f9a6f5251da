//! Ids from outside may be of any length: Postgres refuses an index entry of more than 2,704 bytes, and that must neither stop a
//! sale nor keep a dead letter from being filed. Through the very binaries.

use makegood::event::EventType;
use makegood::ids::LONGEST_INDEXED;
use makegood_local::admin::{self, AdminService};
use makegood_tests::course::{Course, HOPS, Payment};
use makegood_tests::event_source::drain_all;
use makegood_tests::invariants;
use makegood_tests::queues::TestQueue;
use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Around our limit, around that of Postgres, and far beyond.
const LENGTHS: [usize; 7] = [
    LONGEST_INDEXED - 1,
    LONGEST_INDEXED,
    LONGEST_INDEXED + 1,
    2_704,
    2_705,
    8_192,
    100_000,
];

/// Postgres compresses before it measures; this does not compress.
fn text_of(length: usize) -> String {
    let characters = rand::rng().sample_iter(Alphanumeric).take(length);
    characters.map(char::from).collect()
}

fn with_ids(mut event: Value, event_id: &str, correlation_id: Option<&str>) -> Value {
    event["_metadata"]["eventId"] = json!(event_id);
    if let Some(correlation_id) = correlation_id {
        event["_metadata"]["correlationId"] = json!(correlation_id);
    }
    event
}

/// Every event that waits gets an id of another length; gives back the ids.
async fn lengthen_ids(queue: &TestQueue) -> Vec<String> {
    let bodies = queue.drain().await;
    assert_eq!(bodies.len(), LENGTHS.len());
    let mut ids = Vec::new();
    for (body, length) in bodies.iter().zip(LENGTHS) {
        let id = text_of(length);
        let event = with_ids(serde_json::from_str(body).unwrap(), &id, None);
        // Twice, as any event may come.
        queue.send(event.to_string()).await;
        queue.send(event.to_string()).await;
        ids.push(id);
    }
    ids
}

async fn texts(course: &Course, query: &'static str) -> Vec<String> {
    let mut connection = PgConnection::connect(&course.database.direct_url())
        .await
        .unwrap();
    sqlx::query_scalar(query)
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_event_id_of_any_length_stops_no_sale() {
    // GIVEN payments
    let mut course = Course::create().await;
    let admin = Arc::new(AdminService::with_trainer_count(5));
    course.admin_url = admin::spawn(Arc::clone(&admin)).await.unwrap().0;
    for payment in Payment::several(LENGTHS.len()) {
        payment.record(&course.database).await;
        course.purchase_confirmed.send(payment.event().to_string()).await;
    }

    // WHEN each stage reads events whose producer gives them ids of any length
    let mut long = BTreeSet::new();
    for function in &HOPS[..3] {
        long.extend(lengthen_ids(course.queue_of(function)).await);
        course.run(function).await;
    }
    course.run("invalidate-cache").await;

    // THEN every payment has its sessions, each event has one mark, and a mark keeps an id that no index could hold
    invariants::assert_all_hold(&course.database).await;
    assert_eq!(admin.report().allocations.len(), LENGTHS.len());
    let scheduled = "SELECT count(DISTINCT allocation_id) FROM tutoring_sessions";
    assert_eq!(course.database.count(scheduled).await, LENGTHS.len() as i64);
    assert_eq!(course.dead_letters.drain().await, Vec::<String>::new());
    let marked = texts(
        &course,
        "SELECT coalesce(payload #>> '{_metadata,originalEventId}', event_id) FROM processed_events",
    )
    .await;
    assert_eq!(marked.len(), long.len());
    assert_eq!(marked.into_iter().collect::<BTreeSet<_>>(), long);
    course.database.drop().await;
}

/// The sample of each type in `events/`.
fn sample(event_type: EventType) -> Value {
    let path = format!(
        "{}/../events/{}.json",
        env!("CARGO_MANIFEST_DIR"),
        event_type.topic()
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_dead_letter_of_each_type_is_filed_whatever_the_length_of_its_ids() {
    // GIVEN events that no stage can read, with ids of any length, and events of each type that SQS itself moved
    let mut course = Course::create().await;
    course.admin_url = "http://127.0.0.1:9".to_owned();
    let mut sent = 0;
    for length in LENGTHS {
        for function in &HOPS[..3] {
            let event_type = match *function {
                "create-purchase" => EventType::PurchaseConfirmed,
                "allocate-trainer" => EventType::PurchaseCreated,
                _ => EventType::TrainerAllocated,
            };
            let mut event = with_ids(sample(event_type), &text_of(length), Some(&text_of(length)));
            event["studentId"] = json!("no-uuid");
            course.queue_of(function).send(event.to_string()).await;
            sent += 1;
        }
        for event_type in EventType::ALL {
            let event = with_ids(sample(event_type), &text_of(length), Some(&text_of(length)));
            course.dead_letters.send(event.to_string()).await;
            sent += 1;
        }
    }

    // WHEN the stages park them, and all of them reach the function that files
    for function in &HOPS[..3] {
        course.run(function).await;
    }
    let filing = course.environment_of("park-dead-letters").await;
    let filed = drain_all(&course.dead_letters, &filing, 10).await;

    // THEN each is a row of its own, under an id that is the same each time
    assert_eq!(filed, sent);
    let ids = texts(&course, "SELECT event_id FROM dead_letters").await;
    assert_eq!(ids.len(), sent);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), sent);
    assert!(ids.iter().all(|id| id.len() <= LONGEST_INDEXED));
    course.database.drop().await;
}
