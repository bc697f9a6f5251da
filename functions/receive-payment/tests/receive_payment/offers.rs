//! Razorpay's offers: the buyer pays less than the order asks for, and Razorpay calls the order paid.

use crate::setting::{COURSE, STUDENT, Setting, capture, signed_webhook};
use makegood::payment::razorpay::derived_payment_id;
use serde_json::{Value, json};
use uuid::Uuid;

const ORDER: &str = "order_offer";
const ASKED: i64 = 499_900;
const PAID: i64 = 449_910;

/// `payment.captured` of a payment with an offer. Its notes name the begun payment, where there is one.
fn captured(begun: Option<Uuid>) -> Value {
    let mut webhook = capture("pay_offer");
    let entity = &mut webhook["payload"]["payment"]["entity"];
    (entity["amount"], entity["order_id"]) = (json!(PAID), json!(ORDER));
    entity["offer_id"] = json!("offer_JTUADI4ZWBGWur");
    if let Some(begun) = begun {
        entity["notes"]["paymentId"] = json!(begun);
        entity["notes"]["purchaseTier"] = json!("10");
    }
    webhook
}

/// `order.paid` of the same payment.
fn order_paid(begun: Option<Uuid>) -> Value {
    let mut webhook = captured(begun);
    webhook["event"] = json!("order.paid");
    webhook["payload"]["order"]["entity"] = json!({"id": ORDER, "entity": "order", "amount": ASKED, "amount_paid": PAID, "amount_due": 0,
        "currency": "INR", "status": "paid", "notes": []});
    webhook
}

async fn send(setting: &Setting, webhook: &Value) -> Value {
    let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Amount of each row, of each event, and each case with its state.
async fn books(setting: &Setting) -> Value {
    setting
        .json(
            "SELECT jsonb_build_array(
               (SELECT jsonb_agg(jsonb_build_array(status, amount_cents, metadata -> 'orderAmountMinor')) FROM payments),
               (SELECT jsonb_agg(payload -> 'amountCents') FROM outbox WHERE event_type = 'PURCHASE_CONFIRMED'),
               (SELECT jsonb_agg(concat_ws(' ', kind, status) ORDER BY opened_at) FROM payment_cases))",
        )
        .await
}

#[tokio::test]
async fn an_order_that_is_paid_with_an_offer_buys_what_was_begun_in_any_order_of_arrival() {
    for (arrivals, case) in [
        ([order_paid as fn(_) -> _, captured], Value::Null),
        ([captured, order_paid], json!(["amount_mismatch resolved"])),
    ] {
        // GIVEN a begun payment, and a bank's offer of a tenth
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment("initiated", ASKED).await;
        // WHEN both messages come, each twice
        let mut answer = Value::Null;
        for webhook in arrivals.iter().flat_map(|webhook| [webhook, webhook]) {
            answer = send(&setting, &webhook(Some(begun))).await;
        }
        // THEN it is recorded once, with what was really paid, so that a refund gives back no more
        assert_eq!(
            (&answer["status"], &answer["paymentId"]),
            (&json!("recorded"), &json!(begun))
        );
        assert_eq!(
            books(&setting).await,
            json!([[["succeeded", PAID, ASKED]], [PAID], case])
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn an_order_that_is_paid_with_an_offer_costs_the_price_though_nothing_was_begun() {
    for (arrivals, case) in [
        ([order_paid as fn(_) -> _, captured], Value::Null),
        ([captured, order_paid], json!(["unpriced_payment resolved"])),
    ] {
        let setting = Setting::with_no_queue().await;
        for webhook in arrivals {
            send(&setting, &webhook(None)).await;
        }
        let id = derived_payment_id("pay_offer").0;
        assert_eq!(
            books(&setting).await,
            json!([[["succeeded", PAID, ASKED]], [PAID], case])
        );
        assert_eq!(
            setting
                .count(&format!("SELECT count(*) FROM payments WHERE id = '{id}'"))
                .await,
            1
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn an_order_whose_notes_say_it_all_needs_no_price_beside_its_own() {
    // GIVEN a course without a price
    let setting = Setting::with_no_queue().await;
    setting.database.run_sql("DELETE FROM course_prices").await;
    let mut paid = order_paid(None);
    paid["payload"]["order"]["entity"]["notes"] =
        json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": 10});
    paid["payload"]["payment"]["entity"]["notes"]["purchaseTier"] = json!(10);
    assert_eq!(send(&setting, &paid).await["status"], "recorded");
    setting.finish().await;
}

#[tokio::test]
async fn offers_are_read_in_each_shape_that_razorpay_gives_them() {
    for offers in [
        json!({"entity": "collection", "count": 1, "items": [{"id": "offer_JTUADI4ZWBGWur"}]}),
        json!(["offer_JTUADI4ZWBGWur"]),
    ] {
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment("initiated", ASKED).await;
        let mut paid = order_paid(Some(begun));
        let entity = &mut paid["payload"]["payment"]["entity"];
        (entity["offer_id"], entity["offers"]) = (Value::Null, offers.clone());
        assert_eq!(send(&setting, &paid).await["status"], "recorded", "{offers}");
        setting.finish().await;
    }
}

#[tokio::test]
async fn less_than_was_asked_stays_a_case_unless_the_paid_order_of_an_offer_says_otherwise() {
    let changes: [(&str, &str, Value); 7] = [
        ("no offer", "/payload/payment/entity/offer_id", Value::Null),
        ("an empty offer", "/payload/payment/entity/offer_id", json!("")),
        ("not paid yet", "/payload/order/entity/status", json!("attempted")),
        ("no state", "/payload/order/entity/status", Value::Null),
        ("another order", "/payload/order/entity/id", json!("order_other")),
        ("another currency", "/payload/order/entity/currency", json!("USD")),
        (
            "a smaller order",
            "/payload/order/entity/amount",
            json!(ASKED - 1),
        ),
    ];
    for (name, pointer, value) in changes {
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment("initiated", ASKED).await;
        let mut paid = order_paid(Some(begun));
        *paid.pointer_mut(pointer).unwrap() = value;
        let answer = send(&setting, &paid).await;
        assert_eq!(
            (&answer["status"], &answer["case"]),
            (&json!("held"), &json!("amount_mismatch")),
            "{name}: {answer}"
        );
        assert_eq!(
            books(&setting).await,
            json!([[["initiated", ASKED, null]], null, ["amount_mismatch open"]]),
            "{name}"
        );
        setting.finish().await;
    }
}
