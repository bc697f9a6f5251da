//! What `order-status` promises, on real Postgres behind PgBouncer.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use makegood::delivery::Deadline;
use makegood::ids::UserId;
use makegood::throttle::Throttle;
use makegood_tests::database::TestDatabase;
use makegood_tests::openapi::assert_documented;
use order_status::OrderStatus;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const INTENT: &str = "pi_esewa_1767817344753_0000beef";
const BUYER: Uuid = Uuid::from_u128(7);

struct Setting {
    database: TestDatabase,
    function: OrderStatus,
}

impl Setting {
    /// With a pending intent of `BUYER`.
    async fn open() -> Self {
        Self::open_with_connections(4).await
    }

    async fn open_with_connections(connections: u32) -> Self {
        let database = TestDatabase::create().await;
        let function = OrderStatus::of(database.through_pooler(connections));
        let setting = Self { database, function };
        setting
            .run(&format!(
                "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
                 VALUES ('{INTENT}', '{BUYER}', 'esewa', 'txn-1', 100, '[]')"
            ))
            .await;
        setting
    }

    async fn run(&self, sql: &str) {
        self.database.run_sql(sql).await;
    }

    async fn ask(&self, buyer: Uuid, query: Value) -> (u64, Value) {
        self.send(request(json!({"jwt": {"claims": {"sub": buyer}}}), query))
            .await
    }

    async fn send(&self, request: Value) -> (u64, Value) {
        let deadline = Deadline::after(Duration::from_secs(25));
        let answer = self
            .function
            .handle(request.clone(), deadline)
            .await
            .expect("an HTTP request");
        assert_documented(&request, &answer);
        let body = answer["body"].as_str().expect("a body");
        (
            answer["statusCode"].as_u64().expect("a status"),
            serde_json::from_str(body).expect("JSON"),
        )
    }

    async fn state(&self) -> Value {
        let (status, answer) = self.ask(BUYER, json!({"payment_intent_id": INTENT})).await;
        assert_eq!((status, &answer["exists"]), (200, &json!(false)), "{answer}");
        assert!(
            answer["retry_after_ms"].as_u64().is_some_and(|millis| millis > 0),
            "{answer}"
        );
        answer["state"].clone()
    }

    async fn close(self) {
        assert_eq!(self.database.server_errors(), Vec::<String>::new());
        self.function.database.close();
        self.database.drop().await;
    }
}

fn request(authorizer: Value, query: Value) -> Value {
    json!({"version": "2.0", "rawPath": "/orders/status", "queryStringParameters": query,
           "requestContext": {"stage": "$default", "http": {"method": "GET"}, "authorizer": authorizer}})
}

/// The gateway said so; the order is being made.
const PAID: &str = "UPDATE payment_intents SET status = 'succeeded'";
const ORDER: &str = "
    INSERT INTO orders (id, order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents, created_at)
    SELECT md5('order')::uuid, 'ORD-20260109-00001', user_id, payment_intent_id, provider, 100, 100, '2026-01-09T12:00:00Z'
    FROM payment_intents;
    INSERT INTO order_items (order_id, variant_id, product_id, vendor_id, sku, product_name, quantity, unit_price_cents,
                             total_price_cents)
    SELECT md5('order')::uuid, md5('v' || n)::uuid, md5('p')::uuid, md5('s')::uuid, 'SKU', 'Cup', 3, 10, 30
    FROM generate_series(1, 2) n;";

fn order_body() -> Value {
    json!({"exists": true, "order_id": "70a17ffa-722a-3985-b86d-30b034ad06d7", "order_number": "ORD-20260109-00001",
           "status": "confirmed", "items_count": 2, "created_at": "2026-01-09T12:00:00.000Z"})
}

#[tokio::test]
async fn each_state_is_reached_by_the_rows_that_mean_it() {
    let setting = Setting::open().await;
    assert_eq!(setting.state().await, "awaiting_payment");
    // The gateway was asked: it knows nothing, as eSewa before the buyer sends its form; then it has not decided.
    setting
        .run(r#"UPDATE payment_intents SET metadata = '{"gateway": {"answer": "not_found"}}'"#)
        .await;
    assert_eq!(setting.state().await, "awaiting_payment");
    setting
        .run(r#"UPDATE payment_intents SET metadata = '{"gateway": {"answer": "pending"}}'"#)
        .await;
    assert_eq!(setting.state().await, "verifying");
    setting
        .run("UPDATE payment_intents SET status = 'processing'")
        .await;
    assert_eq!(setting.state().await, "verifying");
    // It said yes; then the job runs, and fails.
    setting
        .run(&format!(
            "UPDATE payment_intents SET status = 'succeeded';
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
             VALUES ('esewa', 'txn-1', '{INTENT}', 'success')"
        ))
        .await;
    assert_eq!(setting.state().await, "finalizing");
    let job = "INSERT INTO job_queue (job_type, payload, status, locked_by, locked_until, idempotency_key)
               VALUES ('finalize_order', '{}', 'processing', 'worker', now(), 'payment_esewa_txn-1')";
    setting.run(job).await;
    assert_eq!(setting.state().await, "finalizing");
    setting.run("UPDATE job_queue SET status = 'failed'").await;
    assert_eq!(setting.state().await, "needs_attention");
    // A new attempt is under way, but a person has been asked already.
    let case = format!(
        "UPDATE job_queue SET status = 'pending';
         INSERT INTO payment_cases (kind, status, subject, payment_intent_id) VALUES ('refund_due', 'open', '{INTENT}', '{INTENT}')"
    );
    setting.run(&case).await;
    assert_eq!(setting.state().await, "needs_attention");
    setting.run("UPDATE payment_cases SET status = 'resolved'").await;
    assert_eq!(setting.state().await, "finalizing");
    // A wrong amount is a person's matter; a plain no is the end.
    setting
        .run("UPDATE payment_gateway_verifications SET status = 'amount_mismatch'; UPDATE payment_intents SET status = 'failed'")
        .await;
    assert_eq!(setting.state().await, "needs_attention");
    setting.run("DELETE FROM payment_gateway_verifications").await;
    for status in ["failed", "cancelled", "expired"] {
        setting
            .run(&format!("UPDATE payment_intents SET status = '{status}'"))
            .await;
        assert_eq!(setting.state().await, "failed", "{status}");
    }
    // Whatever was said before, an order is an order.
    setting.run(ORDER).await;
    let (status, answer) = setting.ask(BUYER, json!({"payment_intent_id": INTENT})).await;
    assert_eq!((status, answer), (200, order_body()));
    setting.close().await;
}

#[tokio::test]
async fn only_the_owner_sees_it_and_no_other_buyer_learns_that_it_exists() {
    let setting = Setting::open().await;
    setting.run(ORDER).await;
    // WHEN another buyer asks for it, with and without waiting, and for something that does not exist
    let stranger = Uuid::from_u128(8);
    let asked = Instant::now();
    let theirs = setting
        .ask(stranger, json!({"payment_intent_id": INTENT, "wait": "5"}))
        .await;
    let nothing = setting
        .ask(
            stranger,
            json!({"payment_intent_id": "pi_esewa_1_0", "wait": "5"}),
        )
        .await;
    // THEN both answers are the same, and at once
    assert_eq!(theirs.0, 404);
    assert_eq!(theirs, nothing);
    assert!(asked.elapsed() < Duration::from_secs(3));
    // AND who has no login is told to sign in
    for authorizer in [json!(null), json!({"jwt": {"claims": {"sub": " "}}})] {
        let (status, answer) = setting
            .send(request(authorizer, json!({"payment_intent_id": INTENT})))
            .await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")));
    }
    setting.close().await;
}

#[tokio::test]
async fn a_buyer_whose_subject_is_no_uuid_asks_for_their_own_checkout() {
    let setting = Setting::open().await;
    let own = UserId::of_subject("auth0|6502c1d8e2").unwrap();
    setting
        .run(&format!("UPDATE payment_intents SET user_id = '{own}'"))
        .await;
    for (subject, expected) in [("auth0|6502c1d8e2", 200), ("auth0|6502C1D8E2", 404)] {
        let authorizer = json!({"jwt": {"claims": {"sub": subject}}});
        let asked = request(authorizer, json!({"payment_intent_id": INTENT}));
        let (status, answer) = setting.send(asked).await;
        assert_eq!(status, expected, "{subject}: {answer}");
    }
    setting.close().await;
}

#[tokio::test]
async fn a_question_that_can_not_be_used_is_refused_by_name() {
    let setting = Setting::open().await;
    for (query, field) in [
        (json!(null), "payment_intent_id"),
        (json!({"payment_intent_id": ""}), "payment_intent_id"),
        (json!({"payment_intent_id": "a\u{0}b"}), "payment_intent_id"),
        (json!({"payment_intent_id": INTENT, "wait": "soon"}), "wait"),
    ] {
        let (status, answer) = setting.ask(BUYER, query).await;
        assert_eq!(
            (status, &answer["error"]["field"]),
            (400, &json!(field)),
            "{answer}"
        );
    }
    let mut elsewhere = request(
        json!({"jwt": {"claims": {"sub": BUYER}}}),
        json!({"payment_intent_id": INTENT}),
    );
    elsewhere["rawPath"] = json!("/orders");
    assert_eq!(setting.send(elsewhere.clone()).await.0, 404);
    elsewhere["rawPath"] = json!("/orders/status");
    elsewhere["requestContext"]["http"]["method"] = json!("POST");
    assert_eq!(setting.send(elsewhere).await.0, 405);
    setting.close().await;
}

#[tokio::test]
async fn a_held_question_is_answered_within_a_second_of_the_orders_commit() {
    let setting = Setting::open_with_connections(1).await;
    setting.run(PAID).await;
    // WHEN the order is committed while the buyer waits
    let waiting = async {
        let answer = setting
            .ask(BUYER, json!({"payment_intent_id": INTENT, "wait": "5"}))
            .await;
        (answer, Instant::now())
    };
    let committing = async {
        // On the one connection there is, this comes after the first look of the one who waits.
        setting.state().await;
        setting.run(ORDER).await;
        Instant::now()
    };
    let ((answer, answered), committed) = tokio::join!(waiting, committing);
    // THEN the answer is the order, and it comes at once
    assert_eq!(answer, (200, order_body()));
    let late = answered.saturating_duration_since(committed);
    assert!(late < Duration::from_secs(1), "{late:?} after the commit");
    setting.close().await;
}

#[tokio::test]
async fn a_held_question_ends_with_its_wait_and_not_before_unless_there_is_nothing_to_wait_for() {
    let setting = Setting::open().await;
    let query = |wait: &str| json!({"payment_intent_id": INTENT, "wait": wait});
    // WHEN the buyer has not paid, or the gateway is still deciding
    for (status, state) in [("pending", "awaiting_payment"), ("processing", "verifying")] {
        let change = format!("UPDATE payment_intents SET status = '{status}'");
        setting.run(&change).await;
        let asked = Instant::now();
        assert_eq!(setting.ask(BUYER, query("5")).await.1["state"], state);
        let elapsed = asked.elapsed();
        assert!(elapsed < Duration::from_secs(3), "{state}: held for {elapsed:?}");
    }
    // WHEN it is paid
    setting.run(PAID).await;
    let asked = Instant::now();
    let (_, answer) = setting.ask(BUYER, query("1")).await;
    let held = asked.elapsed();
    assert_eq!(answer["state"], "finalizing");
    assert!((700..3_000).contains(&held.as_millis()), "held for {held:?}");
    // WHEN the invocation has less time than the buyer would wait
    let asked = Instant::now();
    let question = request(json!({"jwt": {"claims": {"sub": BUYER}}}), query("5"));
    let deadline = Deadline::after(Duration::from_millis(300));
    let answered = setting.function.handle(question, deadline).await;
    answered.expect("an answer");
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "held for {:?}",
        asked.elapsed()
    );
    // WHEN it has come to nothing
    setting
        .run("UPDATE payment_intents SET status = 'cancelled'")
        .await;
    let asked = Instant::now();
    assert_eq!(setting.ask(BUYER, query("5")).await.1["state"], "failed");
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "held for {:?}",
        asked.elapsed()
    );
    setting.close().await;
}

#[tokio::test]
async fn a_waiting_buyer_holds_no_connection_that_others_need() {
    // GIVEN one connection, and twenty buyers who wait for an order
    let setting = Setting::open_with_connections(1).await;
    setting.run(PAID).await;
    let held = (0..20).map(|_| setting.ask(BUYER, json!({"payment_intent_id": INTENT, "wait": "5"})));
    let waiting = futures::future::join_all(held);
    // WHEN others ask, one after the other, and wait for nothing
    let others = async {
        let asked = Instant::now();
        for _ in 0..20 {
            assert_eq!(setting.state().await, "finalizing");
        }
        let elapsed = asked.elapsed();
        setting.run(ORDER).await;
        elapsed
    };
    let (answers, elapsed) = tokio::join!(waiting, others);
    // THEN they don't wait for those who do, and those have the order in the end
    assert!(
        elapsed < Duration::from_secs(2),
        "twenty answers took {elapsed:?}"
    );
    assert!(
        answers.iter().all(|answer| *answer == (200, order_body())),
        "{:?}",
        answers[0]
    );
    setting.close().await;
}

#[tokio::test]
async fn a_buyer_who_asks_too_often_waits_and_no_other_buyer_does() {
    let mut setting = Setting::open().await;
    setting.function.throttle = Throttle::of("order-status", 2);
    let question = json!({"payment_intent_id": INTENT});
    let mut told = Vec::new();
    for buyer in [BUYER, BUYER, BUYER, Uuid::from_u128(8)] {
        let (status, answer) = setting.ask(buyer, question.clone()).await;
        told.push((status, answer["error"]["code"].clone()));
    }
    assert_eq!(
        told,
        [
            (200, json!(null)),
            (200, json!(null)),
            (429, json!("too_many_requests")),
            (404, json!("not_found"))
        ]
    );
    setting.close().await;
}
