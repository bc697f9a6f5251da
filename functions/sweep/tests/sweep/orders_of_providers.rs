//! Payments that are held because nothing confirms their price: the provider's own order releases them, and nothing else does.

use crate::bench::Bench;
use makegood::config::Environment;
use makegood::gateway::{Razorpay, RazorpayConfig};
use makegood_local::gateway::{self, Behaviour, GatewayStub};
use serde_json::{Value, json};
use uuid::Uuid;

const PAID: i64 = 499_900;

/// Razorpay as the stub plays it, with this key in place of the merchant's own where one is given.
async fn razorpay(stub: &GatewayStub, key: Option<&str>) -> Razorpay {
    let [stage, address, own] = stub.razorpay_variables();
    let key = key.unwrap_or(&own.1);
    let mut environment = Environment::of(&[
        (stage.0, stage.1.as_str()),
        (address.0, address.1.as_str()),
        (own.0, key),
    ]);
    let config = RazorpayConfig::read_if_any(&mut environment).unwrap();
    config.open(&makegood::runtime::aws().await).await.unwrap()
}

async fn bench(stub: &GatewayStub) -> Bench {
    let mut bench = Bench::fresh().await;
    bench.sweep.razorpay = Some(razorpay(stub, None).await);
    bench
}

/// What the merchant's server ordered.
fn ordered(stub: &GatewayStub, amount: i64, notes: Value) -> String {
    let order = stub.put_order(amount, "INR", notes);
    order["id"].as_str().unwrap().to_owned()
}

/// A payment that was recorded from its notes, as receive-payment does it: they name another student, course and tier than the order.
async fn held(bench: &Bench, order_id: Option<&str>) -> Uuid {
    let payment = bench.payment(Uuid::new_v4(), Uuid::new_v4()).await;
    let order = json!(order_id);
    bench
        .database
        .run_sql(&format!(
            "UPDATE payments SET provider = 'razorpay', currency = 'INR', metadata = metadata || '{{\"expiryDate\": \"2099-01-01\", \"orderId\": \"order_ofnotes\"}}'
             WHERE id = '{payment}';
             INSERT INTO payment_cases (kind, subject, payment_id, amount_cents, currency, details)
             VALUES ('unpriced_payment', '{payment}', '{payment}', {PAID}, 'INR', '{{\"orderId\": {order}}}')"
        ))
        .await;
    payment
}

async fn says(bench: &Bench) -> String {
    let mut connection = bench.sweep.publisher.database.acquire().await.unwrap();
    sqlx::query_scalar::<_, String>(
        "SELECT coalesce(details ->> 'orderSays', '') FROM payment_cases WHERE status = 'open'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn the_providers_order_releases_a_held_payment_and_says_what_it_buys() {
    let stub = gateway::spawn().await.unwrap();
    let bench = bench(&stub).await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let notes = json!({"studentId": student, "courseId": course, "sessionCount": "10", "expiryDate": "2027-06-30", "email": "a@example.com"});
    let payment = held(&bench, Some(&ordered(&stub, PAID, notes))).await;
    // WHEN two runs ask at once
    let (first, second) = tokio::join!(bench.reconcile(), bench.reconcile());
    let released = |done: &Value| done["paymentsAnnounced"].as_i64().unwrap();
    assert_eq!(released(&first) + released(&second), 1, "{first} {second}");
    assert_eq!(
        bench.published("purchase-confirmed").await,
        [format!("payment:{payment}:PURCHASE_CONFIRMED")]
    );
    // THEN the row says what the order says, and keeps what only the notes said
    let metadata = json!({"courseId": course, "sessionCount": "10", "expiryDate": "2027-06-30", "timeSlot": "5:30 PM", "orderId": "order_ofnotes"});
    for (question, rows) in [
        (format!("SELECT count(*) FROM payments WHERE id = '{payment}' AND student_id = '{student}' AND metadata = '{metadata}'"), 1),
        ("SELECT count(*) FROM payment_cases WHERE status = 'resolved' AND resolved_by = 'sweep'".to_owned(), 1),
        ("SELECT count(*) FROM audit_log WHERE action = 'case.resolve' AND details ->> 'orderId' LIKE 'order_%'".to_owned(), 1),
    ] {
        assert_eq!(bench.database.count(&question).await, rows, "{question}");
    }
    assert_eq!(released(&bench.reconcile().await), 0);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_order_that_was_paid_in_parts_costs_what_its_parts_have_less_what_went_back() {
    for (back, is_released) in [(0, true), (1, false)] {
        let stub = gateway::spawn().await.unwrap();
        let bench = bench(&stub).await;
        let id = Uuid::new_v4();
        let notes = json!({"studentId": id, "courseId": id, "purchaseTier": "10"});
        // GIVEN an order of twice what the held payment has, and a second part of it
        let order = ordered(&stub, 2 * PAID, notes);
        let payment = held(&bench, Some(&order)).await;
        // Money of another order of the same payment is not this one's.
        bench
            .database
            .run_sql(&format!(
                "INSERT INTO payment_parts (provider_payment_id, payment_id, order_id, amount_minor, currency)
                 SELECT 'pay_' || n, '{payment}', CASE WHEN n = 3 THEN 'order_other' ELSE '{order}' END, {PAID}, 'INR'
                 FROM generate_series(1, 3) n;
                 INSERT INTO refunds (provider, provider_refund_id, provider_payment_id, amount_minor, currency, status, told_at)
                 SELECT 'razorpay', 'rfnd_1', 'pay_2', {back}, 'INR', 'processed', now() WHERE {back} > 0"
            ))
            .await;
        let done = bench.reconcile().await;
        assert_eq!(done["paymentsAnnounced"], json!(i64::from(is_released)), "{done}");
        let whole = format!("SELECT count(*) FROM payments WHERE amount_cents = {}", 2 * PAID);
        assert_eq!(bench.database.count(&whole).await, i64::from(is_released));
        bench.database.drop().await;
    }
}

#[tokio::test]
async fn an_order_that_does_not_say_it_all_releases_nothing_and_the_case_says_why() {
    let stub = gateway::spawn().await.unwrap();
    let id = Uuid::new_v4();
    let full = json!({"studentId": id, "courseId": id, "purchaseTier": 20});
    let without = |field: &str| {
        let mut notes = full.clone();
        notes.as_object_mut().unwrap().remove(field);
        notes
    };
    let with = |field: &str, value: Value| {
        let mut notes = full.clone();
        notes[field] = value;
        notes
    };
    for (notes, amount, reason) in [
        (json!([]), PAID, "notes.studentId of the order is no UUID"),
        (
            without("studentId"),
            PAID,
            "notes.studentId of the order is no UUID",
        ),
        (
            with("courseId", json!("maths")),
            PAID,
            "notes.courseId of the order is no UUID",
        ),
        (
            without("purchaseTier"),
            PAID,
            "neither purchaseTier nor sessionCount",
        ),
        (with("purchaseTier", json!(501)), PAID, "metadata.purchaseTier"),
        (
            full.clone(),
            PAID + 1,
            "costs INR 4,999.01, the payment has INR 4,999.00",
        ),
    ] {
        let bench = bench(&stub).await;
        let order = ordered(&stub, amount, notes);
        held(&bench, Some(&order)).await;
        assert_eq!(bench.reconcile().await["paymentsAnnounced"], 0, "{reason}");
        let said = says(&bench).await;
        assert!(said.contains(reason), "{said:?} is not {reason:?}");
        // AND it is asked for once an hour
        let asked = stub.questions(&order);
        bench.reconcile().await;
        assert_eq!(stub.questions(&order), asked);
        bench
            .database
            .run_sql("UPDATE payment_cases SET details = details || jsonb_build_object('orderAskedAt', now() - interval '61 minutes')")
            .await;
        bench.reconcile().await;
        assert_eq!(stub.questions(&order), asked + 1);
        assert_eq!(bench.database.count("SELECT count(*) FROM outbox").await, 0);
        bench.database.drop().await;
    }
}

#[tokio::test]
async fn in_another_currency_for_an_unknown_order_or_with_a_wrong_key_the_payment_stays_held() {
    let stub = gateway::spawn().await.unwrap();
    let id = Uuid::new_v4();
    let notes = json!({"studentId": id, "courseId": id, "purchaseTier": 20});
    let dollars = stub.put_order(1, "USD", notes.clone())["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let good = ordered(&stub, PAID, notes);
    for (order, key, reason) in [
        (dollars.as_str(), None, "the order is in USD, the payment in INR"),
        ("order_unknown", None, "does not exist"),
        ("order_1/../payments", None, "not one of Razorpay's"),
        (
            good.as_str(),
            Some("rzp_test_stub:another"),
            "Authentication failed",
        ),
    ] {
        let mut bench = bench(&stub).await;
        bench.sweep.razorpay = Some(razorpay(&stub, key).await);
        held(&bench, Some(order)).await;
        assert_eq!(bench.reconcile().await["paymentsAnnounced"], 0, "{reason}");
        let said = says(&bench).await;
        assert!(said.contains(reason), "{said:?} is not {reason:?}");
        bench.database.drop().await;
    }
}

#[tokio::test]
async fn only_the_order_of_the_signed_message_is_asked_for() {
    // GIVEN a payment without an order whose notes name one, and one that a person decided about
    let stub = gateway::spawn().await.unwrap();
    let bench = bench(&stub).await;
    let id = Uuid::new_v4();
    let order = ordered(
        &stub,
        PAID,
        json!({"studentId": id, "courseId": id, "purchaseTier": 20}),
    );
    let of_notes = held(&bench, None).await;
    let decided = held(&bench, Some(&order)).await;
    bench
        .database
        .run_sql(&format!(
            "UPDATE payments SET metadata = metadata || jsonb_build_object('orderId', '{order}') WHERE id = '{of_notes}';
             UPDATE payment_cases SET status = 'resolved', resolved_by = 'asha', resolved_at = now() WHERE payment_id = '{decided}'"
        ))
        .await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 0);
    assert_eq!(stub.questions(&order), 0);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_left_alone_until_the_next_run() {
    let stub = gateway::spawn().await.unwrap();
    let bench = bench(&stub).await;
    let id = Uuid::new_v4();
    let order = ordered(
        &stub,
        PAID,
        json!({"studentId": id, "courseId": id, "purchaseTier": 20}),
    );
    for _ in 0..5 {
        held(&bench, Some(&order)).await;
    }
    stub.script([Behaviour::Unavailable; 3]);
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 0);
    assert_eq!(stub.questions(&order), 3);
    // THEN the next run asks about the others first
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 2);
    assert_eq!(stub.questions(&order), 5);
    bench.database.drop().await;
}

#[tokio::test]
async fn orders_that_the_provider_does_not_know_keep_no_other_from_being_asked_for() {
    let stub = gateway::spawn().await.unwrap();
    let bench = bench(&stub).await;
    for number in 0..4 {
        held(&bench, Some(&format!("order_unknown{number}"))).await;
    }
    let id = Uuid::new_v4();
    let notes = json!({"studentId": id, "courseId": id, "purchaseTier": 20});
    held(&bench, Some(&ordered(&stub, PAID, notes))).await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 1);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_student_whom_the_older_table_does_not_know_leaves_the_payment_held_and_others_are_released() {
    let stub = gateway::spawn().await.unwrap();
    let bench = bench(&stub).await;
    let (known, course) = (Uuid::new_v4(), Uuid::new_v4());
    let notes = |student: Uuid| json!({"studentId": student, "courseId": course, "purchaseTier": 20});
    held(&bench, Some(&ordered(&stub, PAID, notes(Uuid::new_v4())))).await;
    held(&bench, Some(&ordered(&stub, PAID, notes(known)))).await;
    bench
        .database
        .run_sql(&format!(
            "CREATE TABLE students (id uuid PRIMARY KEY);
             INSERT INTO students SELECT student_id FROM payments UNION SELECT '{known}';
             ALTER TABLE payments ADD FOREIGN KEY (student_id) REFERENCES students"
        ))
        .await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 1);
    assert!(says(&bench).await.contains("not one of this school"));
    bench.database.drop().await;
}
