//! How long a signed Razorpay webhook waits for its answer, through the real `receive-payment` binary: signature, payment,
//! outbox, commit, publishing. The aim is under 100 ms. Run with `make bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use makegood_local::traffic::sign;
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::sink::QueueSink;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const SECRET: &str = "a secret of the benches, long enough";
const WARMING: u128 = 50;
const WEBHOOKS: u128 = 2_000;

#[tokio::main]
async fn main() {
    let database = TestDatabase::create().await;
    database
        .run_sql(
            "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
             SELECT lpad(n::text, 32, '0')::uuid, 20, 'INR', 499900, 'epoch' FROM generate_series(0, 4) n",
        )
        .await;
    let sink = QueueSink::start().await;
    let environment = Environment::start("receive-payment", &variables(&database, &sink)).await;
    let mut waits = Vec::new();
    for number in 0..WARMING + WEBHOOKS {
        let event = webhook(number);
        let sent = Instant::now();
        let answer = environment.invoke(event).await.answer();
        let waited = sent.elapsed();
        assert_eq!(answer["statusCode"], 200, "{answer}");
        if number >= WARMING {
            waits.push(waited);
        }
    }
    waits.sort_unstable();
    println!("{WEBHOOKS} webhooks, one after the other, one environment");
    for (name, position) in [("p50", 500), ("p95", 950), ("p99", 990), ("max", 1_000)] {
        println!(
            "{name}: {} ms",
            tenths(waits[(waits.len() * position / 1_000).min(waits.len() - 1)])
        );
    }
    let recorded = database
        .count("SELECT count(*) FROM payments WHERE status = 'succeeded'")
        .await;
    assert_eq!(
        u128::try_from(recorded),
        Ok(WARMING + WEBHOOKS),
        "every payment is recorded"
    );
    database.drop().await;
}

fn webhook(number: u128) -> Value {
    let student = Uuid::from_u128(0xfedc_ba98_7654_3210_u128.wrapping_mul(number + 11));
    let body = json!({
        "entity": "event", "event": "payment.captured", "contains": ["payment"],
        "payload": {"payment": {"entity": {
            "id": format!("pay_bench{number:09}"), "entity": "payment", "amount": 499_900, "currency": "INR",
            "status": "captured", "captured": true, "method": "upi",
            "notes": {"studentId": student, "courseId": Uuid::from_u128(number % 5), "purchaseTier": "20"},
            "created_at": 1_767_817_344,
        }}},
    })
    .to_string();
    let path = "/payments/webhooks/razorpay";
    json!({
        "version": "2.0", "routeKey": format!("POST {path}"), "rawPath": path, "rawQueryString": "",
        "headers": {"content-type": "application/json", "x-razorpay-signature": sign(SECRET, &[body.as_bytes()])},
        "requestContext": {"http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.10"},
                           "requestId": "a secret of the benches, long enough", "routeKey": format!("POST {path}"), "stage": "$default"},
        "body": body, "isBase64Encoded": false,
    })
}

fn variables(database: &TestDatabase, sink: &QueueSink) -> Variables {
    [
        ("DATABASE_URL", database.pooler_url().as_str()),
        (
            "QUEUE_URL_PURCHASE_CONFIRMED",
            "http://sink/000000000000/purchase-confirmed",
        ),
        (
            "QUEUE_URL_PURCHASE_ENDED",
            "http://sink/000000000000/purchase-created-cache",
        ),
        ("RAZORPAY_WEBHOOK_SECRET", SECRET),
        ("CONFIRMATION_SECRET", SECRET),
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

fn tenths(wait: Duration) -> String {
    format!("{}.{}", wait.as_micros() / 1_000, wait.as_micros() % 1_000 / 100)
}
