//! What is refused, and what of it a person gets to see.

use crate::setting::{
    NOW, PAYMENT, RAZORPAY_SECRET, Setting, capture, confirmation, confirmation_request, razorpay_request,
    signed_confirmation, signed_webhook,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::{Value, json};

#[tokio::test]
async fn forged_stale_and_unreadable_messages_are_refused_and_store_nothing() {
    // GIVEN messages that must not be believed, or that can't be read
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
async fn what_is_not_believed_is_counted_for_the_alarm_and_what_can_t_be_read_is_not() {
    let setting = Setting::with_no_queue().await;
    let body = capture("pay_1").to_string();
    let recorder = DebuggingRecorder::new();
    let recording = metrics::set_default_local_recorder(&recorder);
    for request in [
        razorpay_request(&body, None),
        razorpay_request(&body, Some("00")),
        signed_confirmation(&confirmation().to_string(), NOW - 301),
        signed_webhook("[]"),
    ] {
        setting.send(request).await;
    }
    drop(recording);
    let counted = recorder.snapshotter().snapshot().into_vec();
    let of_name = counted
        .iter()
        .find(|(key, ..)| key.key().name() == "SignaturesRefused");
    assert_eq!(of_name.map(|(.., value)| value), Some(&DebugValue::Counter(3)));
    setting.finish().await;
}

#[tokio::test]
async fn signed_money_that_names_no_course_is_held_and_shown_to_a_person() {
    let setting = Setting::with_no_queue().await;
    let mut webhook = capture("pay_1");
    webhook["payload"]["payment"]["entity"]["notes"]["courseId"] = json!("someone@example.com");
    for _ in 0..2 {
        let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
        assert_eq!(
            (status, &answer["status"], &answer["field"]),
            (200, &json!("held"), &json!("notes.courseId")),
            "{answer}"
        );
    }
    // WHEN whoever sets up the notes asks for strictness, THEN it is filed all the same and answered 400
    for strictly in ["headers", "queryStringParameters"] {
        let mut request = signed_webhook(&webhook.to_string());
        match strictly {
            "headers" => request["headers"]["x-makegood-strict"] = json!("yes"),
            _ => request[strictly] = json!({"strict": "yes"}),
        }
        let (status, answer) = setting.send(request).await;
        assert_eq!(
            (status, &answer["error"]["field"], &answer["error"]["code"]),
            (400, &json!("notes.courseId"), &json!("invalid_field")),
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
    // WHEN a message about the same payment can be used, THEN no open case asks to give the money back
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
        (status, &answer["field"], &answer["case"]),
        (200, &json!("studentId"), &json!("unfulfillable")),
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
async fn a_timestamp_in_milliseconds_is_refused_with_a_sentence_that_says_so() {
    let setting = Setting::with_no_queue().await;
    let body = confirmation().to_string();
    for millis in [NOW * 1_000, NOW * 1_000 + 999, (NOW - 299) * 1_000] {
        let (status, answer) = setting.send(signed_confirmation(&body, millis)).await;
        assert_eq!(
            (status, &answer["error"]["code"], &answer["error"]["message"]),
            (
                401,
                &json!("invalid_timestamp"),
                &json!("X-Makegood-Timestamp is in milliseconds; it must be whole seconds since the epoch")
            ),
            "{millis}: {answer}"
        );
    }
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn an_end_in_any_spelling_that_forms_and_libraries_write_is_recorded_and_asks_no_person() {
    for (n, end) in [
        json!("2027-01-31T18:00"),
        json!("2027-01-31T18:00:00"),
        json!("2027-01-31T18:00+0530"),
        json!("2027-01-31T18:00:00+05:30"),
        json!("2027-01-31 18:00"),
        json!("2027-01-31"),
        json!("1801398600"),
        json!(1_801_398_600),
        json!(1_801_398_600_000_i64),
        json!(""),
        Value::Null,
    ]
    .into_iter()
    .enumerate()
    {
        let setting = Setting::with_no_queue().await;
        let mut webhook = capture(&format!("pay_{n}"));
        webhook["payload"]["payment"]["entity"]["notes"]["expiryDate"] = end.clone();
        let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
        assert_eq!(
            (status, &answer["status"]),
            (200, &json!("recorded")),
            "{end}: {answer}"
        );
        assert_eq!(
            setting.count("SELECT count(*) FROM payment_cases").await,
            0,
            "{end}"
        );
        assert_eq!(setting.payments_and_events().await, (1, 1), "{end}");
        setting.finish().await;
    }
}
