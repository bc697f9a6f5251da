//! `park-dead-letters` on the real database, through PgBouncer: nothing that reaches a dead-letter queue vanishes.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod bodies;
mod faults;
mod filing;

use chrono::{DateTime, TimeZone, Utc};
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::delivery::{DeadLetter, Deadline, Delivery, Failure, Origin, Parking};
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::{TestQueue, sqs_event};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use park_dead_letters::ParkDeadLetters;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use std::time::{Duration, Instant};
use uuid::Uuid;

const DEAD_LETTER_QUEUE: &str = "purchase-confirmed-dlq";

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap()
}

fn handler(database: Database) -> ParkDeadLetters {
    ParkDeadLetters {
        database,
        clock: Clock::Fixed(now()),
    }
}

async fn file(database: &TestDatabase, event: Value) -> Value {
    handler(database.through_pooler(1))
        .handle(event, deadline())
        .await
        .unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn all_filed() -> Value {
    json!({"batchItemFailures": []})
}

async fn rows(database: &TestDatabase) -> Vec<PgRow> {
    let mut connection = PgConnection::connect(&database.direct_url()).await.unwrap();
    sqlx::query("SELECT * FROM dead_letters ORDER BY message_id")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

fn text(row: &PgRow, column: &str) -> Option<String> {
    row.get(column)
}

fn event(payment: Uuid) -> String {
    json!({"type": "PURCHASE_CONFIRMED", "paymentId": payment, "studentId": Uuid::new_v4(), "courseId": Uuid::new_v4(),
           "amountCents": 499_900, "metadata": {"purchaseTier": 30},
           "_metadata": {"eventId": format!("payment:{payment}:PURCHASE_CONFIRMED"), "correlationId": payment}})
    .to_string()
}

fn dead_letter(message_id: &str, raw: &str) -> DeadLetter {
    DeadLetter {
        original_event: serde_json::from_str(raw).ok(),
        original_source: "purchase-confirmed".to_owned(),
        original_partition: None,
        original_offset: None,
        message_id: message_id.to_owned(),
        failure_reason: "field `courseId` is missing".to_owned(),
        error_code: "missing_field".to_owned(),
        permanent: true,
        failure_timestamp: Utc.with_ymd_and_hms(2026, 11, 20, 1, 2, 3).unwrap(),
        attempts: 3,
        correlation_id: None,
        event_id: None,
        function_name: "create-purchase".to_owned(),
        function_version: "7".to_owned(),
        raw: Some(raw.to_owned()),
        raw_encoding: None,
        replay_of: None,
    }
}

fn body(dead_letter: &DeadLetter) -> String {
    serde_json::to_string(dead_letter).unwrap()
}

fn counted(snapshotter: &Snapshotter) -> u64 {
    let metrics = snapshotter.snapshot().into_vec();
    match metrics
        .iter()
        .find(|(key, ..)| key.key().name() == "DeadLettered")
    {
        Some((_, _, _, DebugValue::Counter(count))) => *count,
        _ => 0,
    }
}
