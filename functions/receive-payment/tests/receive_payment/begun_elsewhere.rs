//! Payments that another writer began or finished.

use crate::setting::{NOW, Setting, capture, confirmation, signed_confirmation, signed_webhook};
use makegood::payment::razorpay::derived_payment_id;
use serde_json::json;

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
        // What the checkout wrote was bought, whatever the notes say; they keep what it did not write.
        assert_eq!(row["metadata"]["checkout"], json!("web"));
        assert_eq!(row["metadata"]["purchaseTier"], json!(10));
        assert_eq!(row["metadata"]["timeSlot"], json!("5:30 PM"));
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
async fn a_payment_that_its_own_service_wrote_as_succeeded_is_still_published() {
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
async fn what_must_not_be_fulfilled_is_not_published() {
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
