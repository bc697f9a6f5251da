//! Amounts to the paisa, signatures over the literal text, and the answers that free the stock.

use crate::till::{Till, said};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood::gateway::Provider;
use makegood_local::gateway::{AmountStyle, Behaviour, PaymentState, Side};
use makegood_tests::shop::Checkout;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::{Value, json};

/// No order, now or after the sweeps; a case, an alarm, and the goods for others.
async fn assert_mismatch(till: &Till, checkout: &Checkout, paid_minor: i64) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    let first = till.verify(checkout).await;
    drop(recording);
    let counted: Vec<(String, DebugValue)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| (key.key().name().to_owned(), value))
        .collect();
    assert!(
        counted.contains(&("AmountMismatches".to_owned(), DebugValue::Counter(1))),
        "{counted:?}"
    );
    assert_eq!(
        (first.0, &first.1["success"], &first.1["status"]),
        (200, &json!(false), &json!("amount_mismatch"))
    );
    assert_eq!(said(&till.verify(checkout).await), said(&first));
    till.time_passes("10 minutes").await;
    till.reconcile().await;
    till.sweep("stale-jobs").await;
    till.work().await;
    assert_eq!((till.rows("orders").await, till.rows("job_queue").await), (0, 0));
    let case = format!(
        "payment_cases WHERE kind = 'amount_mismatch' AND status = 'open' AND payment_intent_id = '{}'
           AND amount_cents = {paid_minor} AND (details ->> 'askedCents')::bigint = {}",
        checkout.intent, checkout.amount_minor
    );
    assert_eq!(till.rows(&case).await, 1);
    let recorded = format!("payment_gateway_verifications WHERE amount_verified = {paid_minor}");
    assert_eq!(till.rows(&recorded).await, 1);
    assert_eq!(till.status(checkout).await, "failed");
    assert_eq!(till.reserved().await, 0);
    till.assert_sound().await;
}

#[tokio::test]
async fn one_paisa_more_or_less_makes_a_case_and_no_order() {
    for difference in [1, -1] {
        let till = Till::open().await;
        let checkout = till.shop.check_out(1, Provider::Khalti, &[(2, 1)]).await;
        let paid_minor = checkout.amount_minor + difference;
        till.gateway.put(Side::Khalti, &checkout.external, paid_minor);
        till.gateway.pay(&checkout.external).unwrap();
        assert_mismatch(&till, &checkout, paid_minor).await;
        till.close().await;
    }
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(2, 1)]).await;
    till.gateway
        .script_for(&checkout.external, [Behaviour::WrongAmount]);
    assert_mismatch(&till, &checkout, checkout.amount_minor + 1).await;
    till.close().await;
}

#[tokio::test]
async fn every_way_in_which_esewa_writes_an_amount_is_verified() {
    let till = Till::open().await;
    let styles = [
        (AmountStyle::Number, "1000.0"),
        (AmountStyle::SeparatedText, "\"1,000.0\""),
        (AmountStyle::SeparatedNumber, "1,000.0"),
    ];
    for (number, (style, literal)) in (1_u32..).zip(styles) {
        let checkout = till.buyer(number, Provider::Esewa, &[(2, 1)]).await;
        till.gateway.pay(&checkout.external).unwrap();
        till.gateway.set_amount_style(style);
        let data = till.gateway.callback(&checkout.external).unwrap();
        let text = String::from_utf8(STANDARD.decode(&data).unwrap()).unwrap();
        assert!(text.contains(&format!("\"total_amount\":{literal},")), "{text}");
        let (status, answer) = till.send(&json!({"provider": "esewa", "data": data})).await;
        assert_eq!(
            (status, &answer["status"], &answer["payment_intent_id"]),
            (200, &json!("success"), &json!(checkout.intent))
        );
    }
    till.work().await;
    assert_eq!(till.rows("orders").await, 3);
    till.assert_sound().await;
    till.close().await;
}

#[tokio::test]
async fn a_forged_callback_is_refused_and_nothing_is_asked_or_stored() {
    // GIVEN a buyer who has not paid, and the callback that eSewa would sign about that
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(2, 1)]).await;
    let data = till.gateway.callback(&checkout.external).unwrap();
    let text = String::from_utf8(STANDARD.decode(&data).unwrap()).unwrap();
    let forgeries = [
        (
            text.replace("\"PENDING\"", "\"COMPLETE\""),
            401,
            "invalid_signature",
        ),
        (text.replace("1000.0", "1000.00"), 401, "invalid_signature"),
        (text.replace("EPAYTEST", "STRANGER"), 401, "invalid_signature"),
        (
            text.replace("status,total_amount", "total_amount"),
            401,
            "invalid_signature",
        ),
        (
            text.replace("\"signature\"", "\"signed\""),
            401,
            "invalid_signature",
        ),
        ("not even JSON".to_owned(), 400, "unreadable_callback"),
    ];
    let before = till.everything().await;
    for (forged, status, code) in forgeries {
        assert_ne!(forged, text);
        // WHEN it is sent THEN it is refused without a word about why it failed
        let answer = till
            .send(&json!({"provider": "esewa", "data": STANDARD.encode(&forged)}))
            .await;
        assert_eq!(
            (answer.0, &answer.1["error"]["code"]),
            (status, &json!(code)),
            "{forged}"
        );
        assert!(!answer.1.to_string().contains("ESEWA_"), "{answer:?}");
    }
    assert_eq!(till.gateway.questions(&checkout.external), 0);
    assert_eq!(till.everything().await, before);
    // AND the real one is believed only as far as to ask: the gateway says that nothing is paid
    let answer = till.send(&json!({"provider": "esewa", "data": data})).await;
    assert_eq!(answer.0, 202);
    till.assert_nothing_recorded("not paid").await;
    till.close().await;
}

#[tokio::test]
async fn khaltis_http_400_for_expired_and_user_canceled_frees_the_stock() {
    for (state, intent_status, reservation) in [
        (PaymentState::Expired, "expired", "expired"),
        (PaymentState::Cancelled, "cancelled", "released"),
    ] {
        let till = Till::open().await;
        let checkout = till.buyer(1, Provider::Khalti, &[(1, 2), (2, 3)]).await;
        assert_eq!(till.reserved().await, 5);
        till.gateway.set(&checkout.external, state).unwrap();
        let first = till.verify(&checkout).await;
        assert_eq!(
            (first.0, &first.1["success"], &first.1["status"]),
            (200, &json!(false), &json!("failed"))
        );
        assert_eq!(till.reserved().await, 0);
        assert_eq!(till.status(&checkout).await, intent_status);
        assert_eq!(till.verification(&checkout).await, "failed");
        let freed = format!("inventory_reservations WHERE status = '{reservation}'");
        assert_eq!(till.rows(&freed).await, 2);
        assert_eq!(
            (till.rows("job_queue").await, till.rows("payment_cases").await),
            (0, 0)
        );
        // AND the second caller hears the same
        assert_eq!(said(&till.verify(&checkout).await), said(&first));
        till.assert_sound().await;
        till.close().await;
    }
}

#[tokio::test]
async fn money_that_went_back_makes_no_order_and_a_case() {
    for (provider, state, kind) in [
        (Provider::Esewa, PaymentState::Refunded, "unfulfillable"),
        (Provider::Esewa, PaymentState::PartiallyRefunded, "refund_due"),
        (Provider::Khalti, PaymentState::Refunded, "unfulfillable"),
    ] {
        let till = Till::open().await;
        let checkout = till.buyer(1, provider, &[(1, 1)]).await;
        till.gateway.set(&checkout.external, state).unwrap();
        let (status, answer): (u64, Value) = till.verify(&checkout).await;
        assert_eq!((status, &answer["status"]), (200, &json!("failed")));
        till.work().await;
        let case = format!("payment_cases WHERE kind = '{kind}' AND status = 'open'");
        assert_eq!((till.rows(&case).await, till.rows("orders").await), (1, 0));
        assert_eq!(till.reserved().await, 0);
        till.assert_sound().await;
        till.close().await;
    }
}

#[tokio::test]
async fn money_outweighs_a_failure_that_was_recorded_before_it() {
    // GIVEN two who ask about one payment: the first heard that it was cancelled, the second that it is paid after all
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    till.gateway
        .script_for(&checkout.external, [Behaviour::Slow(500)]);
    let second = {
        let function = till.function.clone();
        let body = crate::till::question(&checkout).to_string();
        tokio::spawn(async move { crate::till::send(&function, &body).await })
    };
    while till.gateway.questions(&checkout.external) == 0 {
        tokio::task::yield_now().await;
    }
    let failed = format!(
        "INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
         VALUES ('khalti', '{}', '{}', 'failed');
         UPDATE payment_intents SET status = 'cancelled'",
        checkout.external, checkout.intent
    );
    till.database.run_sql(&failed).await;
    // THEN the money counts, and the order is made
    let (status, answer) = second.await.unwrap();
    assert_eq!((status, &answer["status"]), (200, &json!("success")));
    till.work().await;
    assert_eq!(till.rows("orders").await, 1);
    assert_eq!(till.verification(&checkout).await, "success");
    till.assert_sound().await;
    till.close().await;
}
