//! An answer of a gateway that is written only after something else was: what was decided first stays.

use crate::tabs::Tabs;
use crate::till::Till;
use makegood::gateway::Provider;
use makegood_local::gateway::Side;
use makegood_tests::shop::Checkout;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

/// The payment's success, as another session that holds the intent's row writes it and commits while the answer waits for that
/// row.
async fn succeed_meanwhile(till: &Till, checkout: &Checkout) {
    while till.gateway.questions(&checkout.external) == 0 {
        tokio::task::yield_now().await;
    }
    let mut other = PgConnection::connect(&till.database.direct_url()).await.unwrap();
    let Checkout {
        intent,
        provider,
        external,
        amount_minor,
    } = checkout;
    let success = format!(
        "BEGIN;
         UPDATE payment_intents SET status = 'processing' WHERE payment_intent_id = '{intent}';
         INSERT INTO payment_gateway_verifications
           (provider, external_transaction_id, payment_intent_id, status, amount_verified, verification_response, verified_at)
         VALUES ('{provider}', '{external}', '{intent}', 'success', {amount_minor}, '{{}}', now())"
    );
    sqlx::raw_sql(AssertSqlSafe(success))
        .execute(&mut other)
        .await
        .unwrap();
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while till.rows(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
}

/// Whatever the late answer says: the success, its amount and its goods are there, and no person is asked about the payment.
async fn assert_success_stays(till: Till, checkout: Checkout) {
    till.gateway.set_latency(Duration::from_millis(300));
    let verifying = async { tokio::join!(till.verify(&checkout), succeed_meanwhile(&till, &checkout)) };
    let ((status, answer), ()) = tokio::time::timeout(Duration::from_secs(20), verifying)
        .await
        .expect("the answer waits for the row");
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    let success = format!(
        "payment_gateway_verifications WHERE status = 'success' AND amount_verified = {}",
        checkout.amount_minor
    );
    assert_eq!(till.rows(&success).await, 1);
    assert_eq!(till.status(&checkout).await, "processing");
    assert_eq!(till.reserved().await, 1);
    assert_eq!(till.rows("payment_cases").await, 0);
    till.close().await;
}

#[tokio::test]
async fn a_failure_that_is_written_late_leaves_the_success() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    till.gateway.cancel(&checkout.external).unwrap();
    assert_success_stays(till, checkout).await;
}

#[tokio::test]
async fn a_wrong_amount_that_is_written_late_leaves_the_success() {
    let till = Till::open().await;
    let checkout = till.shop.check_out(1, Provider::Khalti, &[(1, 1)]).await;
    till.gateway
        .put(Side::Khalti, &checkout.external, checkout.amount_minor + 1);
    till.gateway.pay(&checkout.external).unwrap();
    assert_success_stays(till, checkout).await;
}

#[tokio::test]
async fn a_link_that_seemed_to_end_unpaid_leaves_the_success() {
    let till = Till::open().await;
    // eSewa knows nothing of it.
    let checkout = till.shop.check_out(1, Provider::Esewa, &[(1, 1)]).await;
    till.database
        .run_sql("UPDATE payment_intents SET expires_at = now() - interval '1 minute'")
        .await;
    assert_success_stays(till, checkout).await;
}

#[tokio::test]
async fn a_checkout_that_was_replaced_keeps_that_it_was() {
    // GIVEN a checkout whose place another took
    let tabs = Tabs::open().await;
    let (first, _) = tabs.two_tabs().await;
    // WHEN its link ends unpaid
    tabs.gateway.expire(&first.external).unwrap();
    let (_, answer) = tabs.verify(&first).await;
    assert_eq!(answer["status"], json!("failed"), "{answer}");
    // THEN it did not expire: it was cancelled before
    assert_eq!(tabs.verification(&first).await, "failed");
    assert_eq!(tabs.status(&first).await, "cancelled");
    tabs.close().await;
}
