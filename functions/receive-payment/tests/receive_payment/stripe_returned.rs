//! Stripe's refunds and disputes: the same end in any order, before the payment and after it, and no other provider's payment.

use crate::setting::{NOW, capture, signed_webhook};
use crate::stripe::{PAID, bought, configured, event, orders, send, session, signed, unpriced};
use makegood::payment::stripe::{PROVIDER, derived_id};
use serde_json::{Value, json};

fn refund(name: &str, id: &str, amount: i64, status: &str) -> Value {
    let object = json!({"id": id, "amount": amount, "currency": "inr", "payment_intent": "pi_1", "charge": "ch_1", "status": status});
    event(name, NOW, object)
}

fn dispute(name: &str, created: i64, status: &str) -> Value {
    let object = json!({"id": "dp_1", "amount": PAID, "currency": "inr", "payment_intent": "pi_1", "charge": "ch_1", "status": status,
                        "reason": "fraudulent", "evidence_details": {"due_by": NOW + 604_800}});
    event(&format!("charge.dispute.{name}"), created, object)
}

/// What Stripe tells of one payment, and what the payment and its refund are in the end.
fn stories() -> Vec<(Vec<Value>, &'static str, &'static str)> {
    let paid = || session("completed", "paid", bought());
    let all = || refund("refund.updated", "re_1", PAID, "succeeded");
    vec![
        (
            vec![paid(), refund("refund.created", "re_1", PAID, "pending"), all()],
            "refunded",
            "processed",
        ),
        (
            vec![
                paid(),
                refund("refund.created", "re_1", PAID, "pending"),
                refund("refund.failed", "re_1", PAID, "failed"),
            ],
            "succeeded",
            "failed",
        ),
        (
            vec![
                paid(),
                refund("refund.created", "re_1", 100, "succeeded"),
                refund("refund.updated", "re_1", 100, "succeeded"),
            ],
            "succeeded",
            "processed",
        ),
        (
            vec![
                paid(),
                dispute("created", NOW, "needs_response"),
                dispute("closed", NOW + 9, "lost"),
                dispute("funds_withdrawn", NOW, "needs_response"),
            ],
            "refunded",
            "",
        ),
        (
            vec![
                paid(),
                dispute("created", NOW, "needs_response"),
                dispute("closed", NOW + 9, "won"),
                dispute("funds_reinstated", NOW + 9, "won"),
            ],
            "succeeded",
            "",
        ),
    ]
}

#[tokio::test]
async fn refunds_and_disputes_come_to_the_same_in_any_order_even_before_the_payment() {
    for (messages, status, refund_status) in stories() {
        for order in orders(messages.len()) {
            let setting = unpriced().await;
            for message in order.iter().chain(&order) {
                send(&setting, &messages[*message]).await;
            }
            assert_eq!(
                setting.count("SELECT count(*) FROM payments").await,
                1,
                "{order:?}"
            );
            assert_eq!(
                setting.json("SELECT to_jsonb(status) FROM payments").await,
                json!(status),
                "{order:?}"
            );
            let told = setting
                .json("SELECT to_jsonb(coalesce(max(status), '')) FROM refunds WHERE provider = 'stripe'")
                .await;
            assert_eq!(told, json!(refund_status), "{order:?}");
            let open = "SELECT count(*) FROM payment_cases WHERE status = 'open'";
            assert_eq!(setting.count(open).await, 0, "{order:?}");
            let loose = "SELECT (SELECT count(*) FROM refunds WHERE payment_id IS NULL) + (SELECT count(*) FROM disputes WHERE payment_id IS NULL)";
            assert_eq!(setting.count(loose).await, 0, "{order:?}");
            setting.finish().await;
        }
    }
}

#[tokio::test]
async fn a_refund_that_fails_after_it_had_succeeded_is_a_case() {
    for order in orders(2) {
        let messages = [
            refund("refund.created", "re_1", PAID, "succeeded"),
            refund("refund.failed", "re_1", PAID, "failed"),
        ];
        let setting = unpriced().await;
        send(&setting, &session("completed", "paid", bought())).await;
        for message in order.iter().chain(&order) {
            send(&setting, &messages[*message]).await;
        }
        assert_eq!(
            setting.json("SELECT to_jsonb(status) FROM refunds").await,
            json!("failed"),
            "{order:?}"
        );
        // One that failed before its success was told ended nothing: there is nothing to ask.
        let ended = i64::from(order == [0, 1]);
        for (query, expected) in [
            (
                "SELECT count(*) FROM payment_cases WHERE kind = 'given_back' AND status = 'open'",
                ended,
            ),
            ("SELECT count(*) FROM payments WHERE status = 'refunded'", ended),
        ] {
            assert_eq!(setting.count(query).await, expected, "{order:?}: {query}");
        }
        setting.finish().await;
    }
}

#[tokio::test]
async fn the_sum_of_a_charge_ends_the_purchase_when_it_is_all() {
    let charge = |sum: i64| {
        event(
            "charge.refunded",
            NOW,
            json!({"id": "ch_1", "payment_intent": "pi_1", "amount": PAID, "amount_refunded": sum, "currency": "inr"}),
        )
    };
    for order in orders(3) {
        let messages = [session("completed", "paid", bought()), charge(100), charge(PAID)];
        let setting = unpriced().await;
        for message in order.iter().chain(&order) {
            send(&setting, &messages[*message]).await;
        }
        assert_eq!(
            setting.json("SELECT to_jsonb(status) FROM payments").await,
            json!("refunded"),
            "{order:?}"
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn an_open_dispute_is_a_case_with_its_deadline_and_stripes_page() {
    let setting = unpriced().await;
    send(&setting, &dispute("created", NOW, "warning_needs_response")).await;
    send(&setting, &session("completed", "paid", bought())).await;
    let case = setting
        .json("SELECT to_jsonb(k) FROM payment_cases k WHERE kind = 'dispute'")
        .await;
    assert_eq!(case["payment_id"], json!(derived_id(PROVIDER, "pi_1")));
    assert_eq!(case["details"]["phase"], json!("inquiry"));
    assert_eq!(
        case["details"]["page"],
        json!("https://dashboard.stripe.com/payments/pi_1")
    );
    assert!(case["details"]["respondBy"].is_string());
    setting.finish().await;
}

#[tokio::test]
async fn equal_ids_of_razorpay_and_stripe_are_two_payments_and_refunds_find_their_own() {
    for order in orders(2) {
        let setting = configured().await;
        let requests = [
            signed_webhook(&capture("pi_1").to_string()),
            signed(&session("completed", "paid", bought())),
        ];
        send(&setting, &refund("refund.created", "re_1", PAID, "succeeded")).await;
        for request in order.iter().chain(&order) {
            assert_eq!(setting.send(requests[*request].clone()).await.0, 200);
        }
        let states = setting
            .json("SELECT jsonb_object_agg(provider, status) FROM payments")
            .await;
        assert_eq!(
            states,
            json!({"razorpay": "succeeded", "stripe": "refunded"}),
            "{order:?}"
        );
        setting.finish().await;
    }
}
