//! Purchases a second through the real `create-purchase` binary, beside the limit: one `INSERT … SELECT` of the same
//! rows into the same tables. Run with `make bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use futures::future::join_all;
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::queues::sqs_event;
use makegood_tests::sink::QueueSink;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Purchases of one measurement.
const PURCHASES: usize = 20_000;
const ENVIRONMENTS: [usize; 2] = [1, 2];

#[tokio::main]
async fn main() {
    let sink = QueueSink::start().await;
    println!("purchases/s, {PURCHASES} purchases a line, Postgres behind PgBouncer on this machine");
    println!("{:<44} {:>12} {:>10}", "way", "rows/s", "of limit");
    let limit = plain_insert().await;
    println!(
        "{:<44} {:>12} {:>9}%",
        "one INSERT … SELECT (the limit)", limit, 100
    );
    for batch in [1, 10, 100] {
        for environments in ENVIRONMENTS {
            let rate = through_the_binary(&sink, batch, environments).await;
            let way = format!("create-purchase, batch {batch}, {environments} environment(s)");
            println!("{way:<44} {rate:>12} {:>9}%", rate * 100 / limit.max(1));
        }
    }
}

/// The same rows in one statement from a prepared table.
async fn plain_insert() -> u128 {
    let database = TestDatabase::create().await;
    database
        .run_sql(&format!(
            "CREATE UNLOGGED TABLE prepared AS
             SELECT md5('purchase' || n)::uuid AS id, md5('payment' || n)::uuid AS payment_id,
                    md5('student' || n)::uuid AS student_id, md5('course' || n % 5)::uuid AS course_id,
                    '{{\"timeSlot\": \"5:30 PM\", \"purchaseTier\": 20}}'::jsonb AS metadata,
                    '{}'::jsonb AS event
             FROM generate_series(1, {PURCHASES}) n; ANALYZE prepared",
            confirmed(0)
        ))
        .await;
    let started = Instant::now();
    database
        .run_sql(
            "WITH p AS (INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, metadata, payment_id)
               SELECT id, student_id, course_id, 20, metadata, payment_id FROM prepared ORDER BY student_id, course_id
               RETURNING 1),
             e AS (INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
               SELECT 'payment:' || payment_id || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', payment_id, event, 'payment-service'
               FROM prepared RETURNING 1)
             INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
               SELECT 'purchase-created-' || id, 'PURCHASE_CREATED', 'purchase-created', event, payment_id FROM prepared",
        )
        .await;
    let rate = per_second(PURCHASES, started.elapsed());
    database.drop().await;
    rate
}

async fn through_the_binary(sink: &QueueSink, batch: usize, environments: usize) -> u128 {
    let database = TestDatabase::create().await;
    record(&database).await;
    let events: Vec<Value> = (0..PURCHASES as u128)
        .map(|number| confirmed(number).to_string())
        .collect::<Vec<_>>()
        .chunks(batch)
        .map(|bodies| sqs_event("purchase-confirmed", bodies))
        .collect();
    let events = Arc::new(events);
    let next = Arc::new(AtomicUsize::new(0));
    let variables = variables(&database, sink);
    let mut running = Vec::new();
    for _ in 0..environments {
        let environment = Environment::start("create-purchase", &variables).await;
        // The first invocation pays for the connection and the prepared statements.
        let warming = sqs_event("purchase-confirmed", &[confirmed(u128::MAX).to_string()]);
        assert_eq!(
            environment.invoke(warming).await.answer(),
            json!({"batchItemFailures": []})
        );
        running.push(environment);
    }
    let started = Instant::now();
    let environments = running.iter().map(|environment| {
        let (events, next) = (Arc::clone(&events), Arc::clone(&next));
        async move {
            while let Some(event) = events.get(next.fetch_add(1, Ordering::SeqCst)) {
                let answer = environment.invoke(event.clone()).await.answer();
                assert_eq!(answer, json!({"batchItemFailures": []}));
            }
        }
    });
    join_all(environments).await;
    let rate = per_second(PURCHASES, started.elapsed());
    let made = database
        .count("SELECT count(*) FROM student_course_purchases")
        .await;
    assert_eq!(made, PURCHASES as i64 + 1, "every purchase was made");
    let unpublished = database
        .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        .await;
    assert_eq!(unpublished, 0, "and published");
    database.drop().await;
    rate
}

/// The rows of all payments, as the payment service writes them before it publishes.
async fn record(database: &TestDatabase) {
    let numbers = (0..PURCHASES as u128).chain([u128::MAX]);
    let rows: Vec<String> = numbers
        .map(|number| {
            let event = confirmed(number);
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            format!(
                "('{}', '{}', 499900, 'succeeded', '{{\"courseId\": \"{}\"}}', now())",
                text("paymentId"),
                text("studentId"),
                text("courseId")
            )
        })
        .collect();
    let rows = rows.join(", ");
    let columns = "id, student_id, amount_cents, status, metadata, confirmed_at";
    database
        .run_sql(&format!(
            "INSERT INTO payments ({columns}) VALUES {rows}; ANALYZE payments"
        ))
        .await;
}

fn variables(database: &TestDatabase, sink: &QueueSink) -> Variables {
    [
        ("DATABASE_URL", database.pooler_url().as_str()),
        (
            "QUEUE_URL_PURCHASE_CREATED",
            "http://sink/000000000000/allocation,http://sink/000000000000/cache",
        ),
        ("QUEUE_URL_PURCHASE_ENDED", "http://sink/000000000000/cache"),
        ("DEAD_LETTER_QUEUE_URL", "http://sink/000000000000/dead"),
        ("AWS_ENDPOINT_URL", sink.url()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_LAMBDA_LOG_LEVEL", "warn"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

fn confirmed(number: u128) -> Value {
    let payment_id = Uuid::from_u128(0x0123_4567_89ab_cdef_u128.wrapping_mul(number.wrapping_add(7)));
    let student_id = Uuid::from_u128(0xfedc_ba98_7654_3210_u128.wrapping_mul(number.wrapping_add(11)));
    json!({
        "type": "PURCHASE_CONFIRMED", "timestamp": 1_767_817_344_753_i64, "userId": student_id, "role": "student",
        "paymentId": payment_id, "studentId": student_id, "courseId": Uuid::from_u128(number % 5), "amountCents": 499_900,
        "metadata": {"purchaseTier": 20, "timeSlot": "5:30 PM"},
        "_metadata": {"eventId": format!("payment:{payment_id}:PURCHASE_CONFIRMED"), "correlationId": payment_id,
                      "timestamp": 1_767_817_344_760_i64, "source": "payment-service", "version": "1.0.0"},
    })
}

fn per_second(rows: usize, elapsed: Duration) -> u128 {
    rows as u128 * 1_000_000 / elapsed.as_micros().max(1)
}
