//! Payment and event are one fact, published right after the commit.

use crate::setting::{
    COURSE, NOW, PAYMENT, STUDENT, Setting, capture, confirmation, signed_confirmation, signed_webhook,
};
use makegood::payment::razorpay::derived_payment_id;
use makegood_tests::queues;
use serde_json::json;
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_capture_is_recorded_with_its_event_in_the_outbox() {
    let setting = Setting::with_no_queue().await;
    // WHEN a signed capture arrives
    let (status, answer) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    // THEN it is there once, as succeeded, with what it was paid for and nothing personal
    let id = derived_payment_id("pay_1").to_string();
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"paymentId": id, "status": "recorded", "duplicate": false})
        )
    );
    let row = setting
        .json(&format!("SELECT to_jsonb(p) FROM payments p WHERE id = '{id}' AND status = 'succeeded' AND confirmed_at IS NOT NULL"))
        .await;
    assert_eq!(
        row["metadata"],
        json!({"courseId": COURSE, "purchaseTier": "20", "timeSlot": "5:30 PM"})
    );
    assert_eq!(
        (&row["student_id"], &row["amount_cents"]),
        (&json!(STUDENT), &json!(499_900))
    );
    assert_eq!(
        (&row["provider"], &row["provider_payment_id"]),
        (&json!("razorpay"), &json!("pay_1"))
    );
    assert_eq!(
        (&row["currency"], &row["payment_method"]),
        (&json!("INR"), &json!("upi"))
    );
    // AND the event waits in the outbox, as its consumer reads it
    let event = setting
        .json("SELECT payload FROM outbox WHERE published_at IS NULL")
        .await;
    let event = makegood::event::PurchaseConfirmed::parse(&event.to_string()).expect("the consumer reads it");
    assert_eq!(
        event.envelope.event_id,
        format!("payment:{id}:PURCHASE_CONFIRMED")
    );
    assert_eq!(
        (event.envelope.correlation_id, event.payment_id.to_string()),
        (id.clone(), id)
    );
    assert_eq!(
        (event.amount_cents, event.metadata.purchase_tier()),
        (499_900, Ok(20))
    );
    assert!(
        !setting
            .json("SELECT jsonb_agg(to_jsonb(o)) FROM outbox o")
            .await
            .to_string()
            .contains("example.com")
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_confirmation_is_recorded_under_its_own_payment_id() {
    let setting = Setting::with_no_queue().await;
    let (status, answer) = setting
        .send(signed_confirmation(&confirmation().to_string(), NOW - 300))
        .await;
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"paymentId": PAYMENT, "status": "recorded", "duplicate": false})
        )
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    let event = setting.json("SELECT payload FROM outbox").await;
    assert_eq!(event["_metadata"]["correlationId"], json!(PAYMENT));
    setting.finish().await;
}

#[tokio::test]
async fn payment_and_event_are_one_fact() {
    // GIVEN an outbox that takes nothing
    let setting = Setting::with_no_queue().await;
    setting
        .refuse_outbox_rows("BEFORE INSERT ON outbox FOR EACH ROW")
        .await;
    // WHEN a good payment arrives
    let (status, _) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    // THEN the payment is not there either, and the provider is asked to come again
    assert_eq!(status, 503);
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn a_column_that_another_team_added_refuses_no_payment_for_good() {
    for table in ["payments", "outbox"] {
        // GIVEN a column that must have a value, and that no statement of ours knows
        let setting = Setting::with_no_queue().await;
        let add = format!("ALTER TABLE {table} ADD COLUMN channel text NOT NULL");
        setting.database.run_sql(&add).await;
        // WHEN a good payment arrives THEN the provider is asked to come again
        let (status, _) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
        assert_eq!(status, 503, "{table}");
        assert_eq!(setting.rows_in_all_tables().await, 0);
        // AND once the column has a default it is recorded
        let cure = format!("ALTER TABLE {table} ALTER COLUMN channel SET DEFAULT 'web'");
        setting.database.run_sql(&cure).await;
        let (status, _) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
        assert_eq!(
            (status, setting.payments_and_events().await),
            (200, (1, 1)),
            "{table}"
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn nothing_is_published_before_the_commit() {
    // GIVEN a queue that listens, and a database that fails at the commit
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let setting = Setting::with_endpoint(&listener, Duration::from_secs(5)).await;
    setting.refuse_outbox_rows_at_commit().await;
    let (status, _) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    // THEN the queue was not called
    assert_eq!(status, 503);
    listener.set_nonblocking(true).expect("a socket option");
    let called = listener.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(called, Err(std::io::ErrorKind::WouldBlock));
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn the_event_is_published_right_after_the_commit() {
    let (transport, queues) = queues::transport(&[makegood::event::EventType::PurchaseConfirmed]).await;
    let setting = Setting::with_transport(transport, Duration::from_secs(30)).await;
    let (status, answer) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    assert_eq!(status, 200, "{answer}");
    let bodies = queues["purchase-confirmed"].drain().await;
    assert_eq!(bodies.len(), 1);
    let event = makegood::event::PurchaseConfirmed::parse(&bodies[0]).expect("the consumer reads it");
    assert_eq!(json!(event.payment_id), answer["paymentId"]);
    assert_eq!(
        setting
            .count("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL")
            .await,
        1
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_slow_or_missing_queue_does_not_hold_the_payment_provider() {
    // GIVEN a queue that takes the call and never answers, and one that is not there
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let to_silent = Setting::with_endpoint(&silent, receive_payment::ANSWER_WITHIN).await;
    let to_closed = Setting::with_endpoint(&closed, receive_payment::ANSWER_WITHIN).await;
    drop(closed);
    for setting in [to_silent, to_closed] {
        let started = Instant::now();
        let (status, answer) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
        // THEN the answer is there long before the queue's own time-outs, and the sweep finds the event
        assert_eq!(status, 200, "{answer}");
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
        assert_eq!(
            setting
                .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
                .await,
            1
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn while_the_database_is_away_the_sender_is_asked_to_come_again() {
    let setting = Setting::with_no_queue().await;
    let function = setting.with_database_at("postgres://makegood@127.0.0.1:1/nowhere");
    let answer = function
        .handle(signed_webhook(&capture("pay_1").to_string()))
        .await
        .expect("an answer");
    assert_eq!(answer["statusCode"], json!(503));
    assert!(
        !answer.to_string().contains("127.0.0.1"),
        "nothing of our inside is told: {answer}"
    );
    setting.finish().await;
}

#[tokio::test]
async fn the_columns_that_it_asks_the_catalogue_for_are_there_after_the_migrations() {
    let setting = Setting::with_no_queue().await;
    let mut connection = setting
        .database
        .through_pooler(1)
        .acquire()
        .await
        .expect("a connection");
    let missing = makegood::schema::missing_columns(&mut connection, receive_payment::COLUMNS).await;
    assert_eq!(missing.expect("the catalogue answers"), Vec::<String>::new());
    drop(connection);
    setting.finish().await;
}
