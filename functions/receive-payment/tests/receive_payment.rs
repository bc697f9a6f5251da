//! What `receive-payment` promises, on real Postgres behind PgBouncer, and a real SQS API.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod setting;

use makegood_tests::queues;
use receive_payment::razorpay::derived_payment_id;
use serde_json::json;
use setting::{
    COURSE, NOW, PAYMENT, RAZORPAY_SECRET, STUDENT, Setting, capture, confirmation, confirmation_request,
    razorpay_request, signed_confirmation, signed_webhook,
};
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[tokio::test]
async fn forged_stale_and_unreadable_messages_are_refused_and_store_nothing() {
    // GIVEN messages that nobody should believe, or that can't be read
    let setting = Setting::with_no_queue().await;
    let body = capture("pay_1").to_string();
    let good = receive_payment::signature::sign(RAZORPAY_SECRET, &[body.as_bytes()]);
    let old = NOW - 301;
    let ahead = NOW + 301;
    let truncated = &body[..body.len() / 2];
    let cases = [
        (
            "forged",
            razorpay_request(&body, Some(&good.replace(|_: char| true, "0"))),
            401,
        ),
        ("unsigned", razorpay_request(&body, None), 401),
        (
            "changed after signing",
            razorpay_request(&body.replace("499900", "100"), Some(&good)),
            401,
        ),
        (
            "truncated on its way",
            razorpay_request(truncated, Some(&good)),
            401,
        ),
        ("truncated before signing", signed_webhook(truncated), 400),
        ("signed, no object", signed_webhook("[]"), 400),
        ("signed, empty", signed_webhook(""), 400),
        (
            "signed, no payment",
            signed_webhook("{\"event\":\"payment.captured\"}"),
            400,
        ),
        (
            "stale",
            signed_confirmation(&confirmation().to_string(), old),
            401,
        ),
        (
            "from the future",
            signed_confirmation(&confirmation().to_string(), ahead),
            401,
        ),
        (
            "no timestamp",
            confirmation_request(&confirmation().to_string(), None, Some("00")),
            401,
        ),
        (
            "signed for the other sender",
            signed_webhook(&confirmation().to_string()),
            400,
        ),
        (
            "confirmation cut off",
            signed_confirmation("{\"paymentId\":", NOW),
            400,
        ),
    ];
    for (name, request, expected) in cases {
        // WHEN one arrives
        let (status, answer) = setting.send(request).await;
        // THEN it is refused, and no table has a row
        assert_eq!(status, expected, "{name}: {answer}");
        assert!(answer["error"]["code"].is_string(), "{name}: {answer}");
        assert_eq!(setting.rows_in_all_tables().await, 0, "{name}");
    }
    setting.finish().await;
}

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
async fn nothing_is_published_before_the_commit() {
    // GIVEN a queue that listens, and a database that fails at the commit
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let setting = Setting::with_endpoint(&listener, Duration::from_secs(5)).await;
    setting.refuse_outbox_rows_at_commit().await;
    let (status, _) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    // THEN nobody called the queue
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
async fn a_repeat_answers_with_the_first_result() {
    let setting = Setting::with_no_queue().await;
    let (_, first) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    let (status, second) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    assert_eq!(status, 200);
    assert_eq!(first["paymentId"], second["paymentId"]);
    assert_eq!(
        (&second["status"], &second["duplicate"]),
        (&json!("recorded"), &json!(true))
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_payment_and_one_event() {
    twenty_at_once("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_payment_without_the_unique_index() {
    twenty_at_once("DROP INDEX unique_provider_payment").await;
}

async fn twenty_at_once(first: &str) {
    // GIVEN a checkout that was begun, so that the row has another id than the derived one
    let setting = Setting::with_no_queue().await;
    setting.database.run_sql(first).await;
    let begun = setting.begin_payment("initiated", 499_900).await;
    // WHEN twenty environments hear of it at once, half of them from the payment service
    let mut webhook = capture("pay_1");
    webhook["payload"]["payment"]["entity"]["notes"]["paymentId"] = json!(begun);
    let mut told = confirmation();
    told["paymentId"] = json!(begun);
    let requests = (0..20).map(|n| match n % 2 {
        0 => signed_webhook(&webhook.to_string()),
        _ => signed_confirmation(&told.to_string(), NOW),
    });
    let answers = futures::future::join_all(requests.map(|request| setting.send(request))).await;
    // THEN all get the same answer, one of them as the first
    for (status, answer) in &answers {
        assert_eq!((*status, &answer["paymentId"]), (200, &json!(begun)), "{answer}");
    }
    assert_eq!(
        answers
            .iter()
            .filter(|(_, answer)| answer["duplicate"] == json!(false))
            .count(),
        1
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(setting.database.server_errors(), Vec::<String>::new());
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_first_webhooks_at_once_make_one_payment_without_the_unique_index() {
    let setting = Setting::with_no_queue().await;
    setting
        .database
        .run_sql("DROP INDEX unique_provider_payment")
        .await;
    // GIVEN confirmations under twenty ids of one provider payment: only the locks stand between them and twenty rows
    let requests = (0..20_u128).map(|n| {
        let mut told = confirmation();
        told["paymentId"] = json!(uuid::Uuid::from_u128(n + 1));
        signed_confirmation(&told.to_string(), NOW)
    });
    let answers = futures::future::join_all(requests.map(|request| setting.send(request))).await;
    assert!(
        answers
            .iter()
            .all(|(status, answer)| *status == 200 && answer["paymentId"] == answers[0].1["paymentId"])
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(setting.database.server_errors(), Vec::<String>::new());
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_another_writer_inserts_at_that_moment_is_met_and_not_fought() {
    // GIVEN a payment service that has inserted the same provider payment and not committed yet; it takes no lock of ours
    let setting = Setting::with_no_queue().await;
    let mut writer = setting.database.direct().begin().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO payments (id, student_id, amount_cents, status, provider_payment_id)
         VALUES ($1::uuid, $2::uuid, 499900, 'succeeded', 'pay_1')",
    )
    .bind(PAYMENT)
    .bind(STUDENT)
    .execute(&mut *writer)
    .await
    .expect("the row is inserted");
    // WHEN the webhook arrives, waits for that row, and the other commits
    let sending = setting.send(signed_webhook(&capture("pay_1").to_string()));
    let committing = async {
        setting.wait_for("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").await;
        writer.commit().await.expect("the commit");
    };
    let ((status, answer), ()) = futures::join!(sending, committing);
    // THEN the row keeps its id, and the event that nobody announced is announced
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"paymentId": PAYMENT, "status": "recorded", "duplicate": false})
        )
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(setting.database.server_errors(), Vec::<String>::new());
    setting.finish().await;
}

#[tokio::test]
async fn a_payment_that_was_begun_is_moved_to_succeeded_and_keeps_its_id() {
    for status in ["initiated", "processing", "failed"] {
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment(status, 499_900).await;
        let mut webhook = capture("pay_1");
        webhook["payload"]["payment"]["entity"]["notes"]["paymentId"] = json!(begun);
        let (_, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
        assert_eq!(
            answer,
            json!({"paymentId": begun, "status": "recorded", "duplicate": false}),
            "{status}"
        );
        let row = setting.json("SELECT to_jsonb(p) FROM payments p").await;
        assert_eq!(
            (&row["status"], &row["provider_payment_id"]),
            (&json!("succeeded"), &json!("pay_1"))
        );
        // What the checkout wrote stays under what the payment says.
        assert_eq!(row["metadata"]["checkout"], json!("web"));
        assert_eq!(row["metadata"]["purchaseTier"], json!("20"));
        assert_eq!(setting.payments_and_events().await, (1, 1));
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_second_charge_of_one_checkout_is_a_payment_of_its_own() {
    // GIVEN a checkout that pay_1 has paid
    let setting = Setting::with_no_queue().await;
    let begun = setting.begin_payment("initiated", 499_900).await;
    let mut webhook = capture("pay_1");
    webhook["payload"]["payment"]["entity"]["notes"]["paymentId"] = json!(begun);
    setting.send(signed_webhook(&webhook.to_string())).await;
    // WHEN the buyer's bank captures once more
    webhook["payload"]["payment"]["entity"]["id"] = json!("pay_2");
    let (_, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
    // THEN that money is not lost in the first result: its event will find the purchase made, and open the surplus case
    assert_eq!(answer["paymentId"], json!(derived_payment_id("pay_2")));
    assert_eq!(setting.payments_and_events().await, (2, 2));
    setting.finish().await;
}

#[tokio::test]
async fn a_payment_that_its_own_service_wrote_as_succeeded_is_still_announced() {
    let setting = Setting::with_no_queue().await;
    let written = setting.begin_payment("succeeded", 499_900).await;
    let mut told = confirmation();
    told["paymentId"] = json!(written);
    let (_, first) = setting.send(signed_confirmation(&told.to_string(), NOW)).await;
    assert_eq!(
        first,
        json!({"paymentId": written, "status": "recorded", "duplicate": false})
    );
    let (_, second) = setting.send(signed_confirmation(&told.to_string(), NOW)).await;
    assert_eq!(second["duplicate"], json!(true));
    assert_eq!(setting.payments_and_events().await, (1, 1));
    setting.finish().await;
}

#[tokio::test]
async fn what_must_not_be_fulfilled_is_not_announced() {
    for (status, amount, answered, case) in [
        ("refunded", 499_900, "refunded", None),
        ("cancelled", 499_900, "held", Some("refund_due")),
        ("initiated", 500_000, "held", Some("amount_mismatch")),
    ] {
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment(status, amount).await;
        setting
            .database
            .run_sql("UPDATE payments SET provider_payment_id = 'pay_1'")
            .await;
        for _ in 0..2 {
            let (code, answer) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
            assert_eq!(
                (code, &answer["status"]),
                (200, &json!(answered)),
                "{status}: {answer}"
            );
            assert_eq!(answer["case"], json!(case), "{status}");
        }
        assert_eq!(setting.payments_and_events().await, (1, 0), "{status}");
        let cases = setting
            .json("SELECT coalesce(jsonb_agg(kind), '[]') FROM payment_cases")
            .await;
        assert_eq!(cases, json!(case.into_iter().collect::<Vec<_>>()), "{status}");
        assert_eq!(
            setting.json("SELECT to_jsonb(status) FROM payments").await,
            json!(status),
            "{begun}"
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn signed_money_that_names_no_course_is_refused_and_shown_to_a_person() {
    let setting = Setting::with_no_queue().await;
    let mut webhook = capture("pay_1");
    webhook["payload"]["payment"]["entity"]["notes"]["courseId"] = json!("someone@example.com");
    for _ in 0..2 {
        let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
        assert_eq!(
            (status, &answer["error"]["field"]),
            (400, &json!("notes.courseId")),
            "{answer}"
        );
    }
    let case = setting.json("SELECT to_jsonb(c) FROM payment_cases c").await;
    assert_eq!(
        (&case["kind"], &case["subject"]),
        (&json!("unfulfillable"), &json!("pay_1"))
    );
    assert_eq!(
        (&case["amount_cents"], &case["currency"]),
        (&json!(499_900), &json!("INR"))
    );
    assert_eq!(case["details"]["field"], json!("notes.courseId"));
    assert!(!case.to_string().contains("example.com"), "{case}");
    assert_eq!(setting.payments_and_events().await, (0, 0));
    // WHEN a message about the same payment can be used, THEN nobody is left to give the money back
    let mut told = confirmation();
    told["providerPaymentId"] = json!("pay_1");
    setting.send(signed_confirmation(&told.to_string(), NOW)).await;
    assert_eq!(
        setting
            .count("SELECT count(*) FROM payment_cases WHERE status = 'open'")
            .await,
        0
    );
    // AND the bad message, once more, gets the first result
    let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
    assert_eq!(
        (status, &answer["paymentId"], &answer["duplicate"]),
        (200, &json!(PAYMENT), &json!(true))
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_student_that_the_legacy_table_does_not_know_is_named_and_shown_to_a_person() {
    let setting = Setting::with_no_queue().await;
    let legacy = "CREATE TABLE students (id uuid PRIMARY KEY);
                  ALTER TABLE payments ADD FOREIGN KEY (student_id) REFERENCES students (id) ON DELETE CASCADE";
    setting.database.run_sql(legacy).await;
    let (status, answer) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    assert_eq!(
        (status, &answer["error"]["field"]),
        (400, &json!("studentId")),
        "{answer}"
    );
    assert_eq!(
        setting
            .count("SELECT count(*) FROM payment_cases WHERE subject = 'pay_1'")
            .await,
        1
    );
    assert_eq!(setting.payments_and_events().await, (0, 0));
    setting.finish().await;
}

#[tokio::test]
async fn events_that_are_not_handled_are_answered_so_that_they_stop() {
    let setting = Setting::with_no_queue().await;
    let (status, answer) = setting
        .send(signed_webhook(
            "{\"event\":\"payment.authorized\",\"payload\":{}}",
        ))
        .await;
    assert_eq!(
        (status, answer),
        (200, json!({"status": "ignored", "event": "payment.authorized"}))
    );
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn only_two_paths_only_post_and_only_bodies_of_a_payments_size() {
    let setting = Setting::with_no_queue().await;
    let mut elsewhere = signed_webhook("{}");
    elsewhere["rawPath"] = json!("/payments/webhooks/stripe");
    let mut get = signed_webhook("{}");
    get["requestContext"]["http"]["method"] = json!("GET");
    let long = signed_webhook(&format!("{{\"event\":\"{}\"}}", "x".repeat(262_144)));
    let mut broken = signed_webhook("%%");
    broken["isBase64Encoded"] = json!(true);
    for (request, expected) in [(elsewhere, 404), (get, 405), (long, 413), (broken, 400)] {
        let (status, answer) = setting.send(request).await;
        assert_eq!(status, expected, "{answer}");
    }
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn a_base64_body_is_verified_over_its_bytes() {
    use base64::Engine;
    let setting = Setting::with_no_queue().await;
    let body = capture("pay_1").to_string();
    let mut request = signed_webhook(&body);
    request["body"] = json!(base64::engine::general_purpose::STANDARD.encode(&body));
    request["isBase64Encoded"] = json!(true);
    let (status, answer) = setting.send(request).await;
    assert_eq!((status, &answer["status"]), (200, &json!("recorded")));
    setting.finish().await;
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
    let mut connection = setting.database.direct().acquire().await.expect("a connection");
    let missing = makegood::schema::missing_columns(&mut connection, receive_payment::COLUMNS).await;
    assert_eq!(missing.expect("the catalogue answers"), Vec::<String>::new());
    drop(connection);
    setting.finish().await;
}
