//! Whose word counts for what a provider's payment buys: begun payments, orders, prices, and never the notes alone.

use crate::setting::{
    COURSE, NOW, STUDENT, Setting, capture, confirmation, signed_confirmation, signed_webhook,
};
use makegood::payment::razorpay::derived_payment_id;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::{Value, json};

fn entity(webhook: &mut Value) -> &mut Value {
    &mut webhook["payload"]["payment"]["entity"]
}

async fn send(setting: &Setting, webhook: &Value) -> Value {
    let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn open_cases(setting: &Setting) -> Value {
    setting
        .json("SELECT coalesce(jsonb_agg(kind ORDER BY kind), '[]') FROM payment_cases WHERE status = 'open'")
        .await
}

#[tokio::test]
async fn a_course_for_one_paisa_is_recorded_and_held_however_often_it_is_told() {
    // GIVEN a signed capture of one paisa, with notes that name a course
    let setting = Setting::with_no_queue().await;
    let mut webhook = capture("pay_1");
    entity(&mut webhook)["amount"] = json!(1);
    for duplicate in [false, true] {
        // WHEN it arrives
        let answer = send(&setting, &webhook).await;
        // THEN it is held, with the reason, and no event says that it was paid
        assert_eq!(
            (&answer["status"], &answer["case"], &answer["duplicate"]),
            (&json!("held"), &json!("unpriced_payment"), &json!(duplicate)),
            "{answer}"
        );
        assert!(
            answer["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("price"))
        );
    }
    assert_eq!(setting.payments_and_events().await, (1, 0));
    let case = setting.json("SELECT to_jsonb(c) FROM payment_cases c").await;
    assert_eq!(
        (&case["amount_cents"], &case["payment_id"]),
        (&json!(1), &json!(derived_payment_id("pay_1")))
    );
    assert_eq!(
        (&case["details"]["courseId"], &case["details"]["pricesMinor"]),
        (&json!(COURSE), &json!([499_900]))
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_held_payment_is_released_by_the_price_or_the_payment_service_and_its_case_closes() {
    for released_by in ["price", "confirmation"] {
        let setting = Setting::with_no_queue().await;
        setting.database.run_sql("DELETE FROM course_prices").await;
        assert_eq!(send(&setting, &capture("pay_1")).await["status"], json!("held"));
        // WHEN the price is entered and the provider repeats itself, or the payment service confirms it
        if released_by == "price" {
            let price = format!(
                "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
                 VALUES ('{COURSE}', 20, 'INR', 499900, 'epoch')"
            );
            setting.database.run_sql(&price).await;
            assert_eq!(
                send(&setting, &capture("pay_1")).await["status"],
                json!("recorded")
            );
        } else {
            let told = confirmation().to_string();
            let (_, answer) = setting.send(signed_confirmation(&told, NOW)).await;
            assert_eq!(answer["status"], json!("recorded"));
        }
        // THEN it is published once, and no person is asked to look at it
        assert_eq!(setting.payments_and_events().await, (1, 1), "{released_by}");
        assert_eq!(open_cases(&setting).await, json!([]), "{released_by}");
        // AND it stays so when the provider repeats itself after the price has gone
        setting.database.run_sql("DELETE FROM course_prices").await;
        let again = send(&setting, &capture("pay_1")).await;
        assert_eq!(again["status"], json!("recorded"), "{released_by}: {again}");
        assert_eq!(open_cases(&setting).await, json!([]), "{released_by}");
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_price_counts_only_while_it_was_valid_and_only_for_its_own_course_tier_and_currency() {
    for change in [
        "valid_from = to_timestamp(1767817345)",
        "valid_to = to_timestamp(1767817344)",
        "course_id = gen_random_uuid()",
        "tier = 10",
        "currency = 'NPR'",
        "amount_minor = 499901",
    ] {
        let setting = Setting::with_no_queue().await;
        setting
            .database
            .run_sql(&format!("UPDATE course_prices SET {change}"))
            .await;
        assert_eq!(
            send(&setting, &capture("pay_1")).await["case"],
            json!("unpriced_payment"),
            "{change}"
        );
        // The price when the buyer paid counts, not the one when the message came.
        let mut earlier = capture("pay_2");
        entity(&mut earlier)["created_at"] = json!(NOW - 60);
        let status = if change.starts_with("valid_to") {
            "recorded"
        } else {
            "held"
        };
        assert_eq!(
            send(&setting, &earlier).await["status"],
            json!(status),
            "{change}"
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn the_begun_payment_of_the_order_says_what_was_bought_even_without_notes() {
    for place in ["provider_payment_id", "metadata"] {
        // GIVEN a checkout that began a payment of ten sessions for a provider's order
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment("initiated", 499_900).await;
        setting
            .database
            .run_sql(match place {
                "metadata" => "UPDATE payments SET metadata = metadata || '{\"orderId\": \"order_1\"}'",
                _ => "UPDATE payments SET provider_payment_id = 'order_1'",
            })
            .await;
        // WHEN that order is paid, without a word of ours in the notes
        let mut webhook = capture("pay_1");
        entity(&mut webhook)["order_id"] = json!("order_1");
        entity(&mut webhook)["notes"] = json!([]);
        for duplicate in [false, true] {
            let answer = send(&setting, &webhook).await;
            assert_eq!(
                answer,
                json!({"paymentId": begun, "status": "recorded", "duplicate": duplicate}),
                "{place}"
            );
        }
        // THEN the event has what the checkout wrote
        let event = setting.json("SELECT payload FROM outbox").await;
        assert_eq!(
            (
                &event["courseId"],
                &event["studentId"],
                &event["metadata"]["purchaseTier"]
            ),
            (&json!(COURSE), &json!(STUDENT), &json!(10))
        );
        // AND a second charge of the same order is a payment of its own, and less than its price is held
        entity(&mut webhook)["id"] = json!("pay_2");
        assert_eq!(
            send(&setting, &webhook).await["paymentId"],
            json!(derived_payment_id("pay_2"))
        );
        entity(&mut webhook)["id"] = json!("pay_3");
        entity(&mut webhook)["amount"] = json!(1);
        assert_eq!(
            send(&setting, &webhook).await["case"],
            json!("unpriced_payment"),
            "{place}"
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_payment_of_another_site_is_counted_and_no_person_is_asked_to_give_it_back() {
    for notes in [json!({"woocommerce_order_id": "8812"}), json!([]), Value::Null] {
        let setting = Setting::with_no_queue().await;
        let mut webhook = capture("pay_case09");
        entity(&mut webhook)["order_id"] = json!("order_of_another_site");
        entity(&mut webhook)["notes"] = notes;
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let recording = metrics::set_default_local_recorder(&recorder);
        let answer = send(&setting, &webhook).await;
        drop(recording);
        assert_eq!(answer["status"], json!("ignored"), "{answer}");
        let counted = snapshotter.snapshot().into_vec();
        assert!(
            counted
                .iter()
                .any(|(key, _, _, value)| key.key().name() == "PaymentsNotOurs"
                    && *value == DebugValue::Counter(1)),
            "{counted:?}"
        );
        assert_eq!(setting.rows_in_all_tables().await, 0);
        setting.finish().await;
    }
}

#[tokio::test]
async fn notes_are_believed_only_where_the_operator_says_so_and_that_is_on_record() {
    let mut setting = Setting::with_no_queue().await;
    setting.function.trusts_notes = true;
    let mut webhook = capture("pay_1");
    entity(&mut webhook)["amount"] = json!(1);
    for _ in 0..2 {
        assert_eq!(send(&setting, &webhook).await["status"], json!("recorded"));
    }
    // What has a price needs no trust.
    send(&setting, &capture("pay_2")).await;
    assert_eq!(setting.payments_and_events().await, (2, 2));
    let trusted = setting.json("SELECT jsonb_agg(subject) FROM audit_log").await;
    assert_eq!(
        trusted,
        json!([format!("payment:{}", derived_payment_id("pay_1"))])
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_paid_order_and_the_capture_of_its_payment_are_one_payment() {
    let setting = Setting::with_no_queue().await;
    setting.database.run_sql("DELETE FROM course_prices").await;
    let mut paid = capture("pay_1");
    paid["event"] = json!("order.paid");
    entity(&mut paid)["order_id"] = json!("order_1");
    let notes = json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "20"});
    paid["payload"]["order"] =
        json!({"entity": {"id": "order_1", "amount": 499_900, "currency": "INR", "notes": notes}});
    assert_eq!(send(&setting, &paid).await["duplicate"], json!(false));
    assert_eq!(send(&setting, &capture("pay_1")).await["duplicate"], json!(true));
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(open_cases(&setting).await, json!([]));
    setting.finish().await;
}

#[tokio::test]
async fn a_capture_that_was_given_back_is_recorded_as_refunded_and_never_fulfilled() {
    let setting = Setting::with_no_queue().await;
    let mut webhook = capture("pay_1");
    entity(&mut webhook)["amount_refunded"] = json!(499_900);
    for _ in 0..2 {
        assert_eq!(send(&setting, &webhook).await["status"], json!("refunded"));
    }
    // AND a late copy of the first message changes nothing
    assert_eq!(
        send(&setting, &capture("pay_1")).await["status"],
        json!("refunded")
    );
    assert_eq!(setting.payments_and_events().await, (1, 0));
    assert_eq!(
        setting.json("SELECT to_jsonb(status) FROM payments").await,
        json!("refunded")
    );
    setting.finish().await;
}
