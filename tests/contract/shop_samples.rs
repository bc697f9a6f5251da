//! The samples of the order functions, handed to the functions themselves on an empty shop: each is understood to the last
//! field that matters, which shows in the answer.

use crate::events::sample;
use crate::gateways::scene;
use create_order_intent::CreateOrderIntent;
use create_order_intent::limits::Limits;
use finalize_order::FinalizeOrder;
use makegood::clock::Clock;
use makegood::delivery::Deadline;
use makegood::event::EventType;
use makegood::outbox::Publisher;
use makegood::throttle::Throttle;
use makegood::verification::Verifier;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::transport;
use order_status::OrderStatus;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;
use verify_payment::VerifyPayment;

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// The status, and what the error is about.
fn error_of(answer: &Value) -> (u64, Value) {
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    (
        answer["statusCode"].as_u64().expect("a status"),
        body["error"]["code"].clone(),
    )
}

#[tokio::test]
async fn the_checkout_sample_is_a_checkout_of_a_buyer_whose_cart_is_empty_here() {
    let (_stub, gateways) = scene().await;
    let database = TestDatabase::create().await;
    let function = CreateOrderIntent {
        database: database.through_pooler(1),
        gateways,
        limits: Limits::DEFAULT,
        price_grace: create_order_intent::PRICE_GRACE,
        clock: Clock::System,
    };
    let answer = function
        .handle(sample("create-order-intent.http.json"))
        .await
        .expect("an HTTP request");
    assert_eq!(error_of(&answer), (400, json!("cart_empty")), "{answer}");
    database.drop().await;
}

#[tokio::test]
async fn the_verification_samples_name_payments_that_are_not_known_here() {
    let (_stub, gateways) = scene().await;
    let database = TestDatabase::create().await;
    let function = VerifyPayment {
        verifier: Verifier {
            database: database.through_pooler(1),
            gateways,
            waker: None,
            clock: Clock::System,
        },
        throttle: Throttle::of("verify-payment", 0),
    };
    // A callback that eSewa did not sign would be 401.
    for gateway in ["esewa", "khalti"] {
        let sample = sample(&format!("verify-payment.{gateway}.http.json"));
        let answer = function
            .handle(sample, deadline())
            .await
            .expect("an HTTP request");
        assert_eq!(
            error_of(&answer),
            (404, json!("not_found")),
            "{gateway}: {answer}"
        );
    }
    database.drop().await;
}

#[tokio::test]
async fn the_status_sample_asks_for_an_order_that_is_not_there() {
    let database = TestDatabase::create().await;
    let function = OrderStatus::of(database.through_pooler(1));
    let answer = function
        .handle(sample("order-status.http.json"), deadline())
        .await;
    let answer = answer.expect("an HTTP request");
    assert_eq!(error_of(&answer), (404, json!("not_found")), "{answer}");
    database.drop().await;
}

#[tokio::test]
async fn the_wake_up_sample_wakes_the_worker_for_whatever_is_runnable() {
    let database = TestDatabase::create().await;
    let job = sample("finalize-order.sqs.json")["Records"][0]["body"].clone();
    let job: Value = serde_json::from_str(job.as_str().expect("a body")).expect("JSON");
    let job = job["jobId"].as_str().expect("a job's id").to_owned();
    database
        .run_sql(&format!(
            "INSERT INTO job_queue (id, job_type, payload) VALUES ('{job}', 'finalize_order', '{{\"payment_intent_id\": \"none\"}}')"
        ))
        .await;
    let (transport, _queues) = transport(&[EventType::OrderConfirmed]).await;
    let function = FinalizeOrder {
        publisher: Publisher {
            database: database.through_pooler(2),
            transport,
        },
        waker: None,
        clock: Clock::System,
        timezone: chrono_tz::Asia::Kathmandu,
        worker: "the sample's worker".to_owned(),
        lease: Duration::from_secs(60),
        new_id: Uuid::new_v4,
    };
    let answer = function
        .handle(sample("finalize-order.sqs.json"), deadline())
        .await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let taken = format!("SELECT attempts::bigint FROM job_queue WHERE id = '{job}'");
    assert_eq!(database.count(&taken).await, 1);
    database.drop().await;
}
