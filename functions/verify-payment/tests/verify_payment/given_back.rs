//! A refund that is known before the gateway's word is remembered: whichever comes first, the rows are the same in the end.

use crate::till::Till;
use chrono::Utc;
use makegood::db::Transaction;
use makegood::gateway::Provider;
use makegood::refund::{self, NewRefund, PartialRefund, Settling};
use makegood_local::gateway::PaymentState;
use makegood_tests::shop::Checkout;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

/// Everything that either may change, times apart.
const ROWS: &str = "SELECT concat_ws(E'\n',
  (SELECT string_agg(concat_ws(' ', status, given_back_at IS NOT NULL), ', ') FROM payment_intents),
  (SELECT string_agg(concat_ws(' ', status, amount_verified), ', ') FROM payment_gateway_verifications),
  (SELECT string_agg(concat_ws(' ', amount_minor, status), ', ' ORDER BY provider_refund_id) FROM refunds),
  (SELECT string_agg(concat_ws(' ', status, quantity), ', ') FROM inventory_reservations),
  (SELECT string_agg(concat_ws(' ', quantity_available, quantity_reserved), ', ' ORDER BY variant_id) FROM inventory),
  (SELECT string_agg(concat_ws(' ', job_type, status), ', ') FROM job_queue), (SELECT count(*) FROM orders),
  (SELECT string_agg(concat_ws(' ', kind, status), ', ' ORDER BY kind) FROM payment_cases WHERE status = 'open'))";

async fn text(till: &Till, query: &str) -> String {
    let mut connection = PgConnection::connect(&till.database.direct_url()).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn give_back(till: &Till, checkout: &Checkout, amount_minor: i64) {
    let transaction = begin_to_give_back(till, checkout, amount_minor).await;
    transaction.commit().await.unwrap();
}

/// All that a refund changes, yet to be committed.
async fn begin_to_give_back(till: &Till, checkout: &Checkout, amount_minor: i64) -> Transaction {
    let refund = NewRefund {
        provider: checkout.provider.to_string(),
        provider_refund_id: "rf-1".to_owned(),
        payment: None,
        payment_intent_id: Some(checkout.intent.clone()),
        provider_payment_id: Some(checkout.external.clone()),
        amount_minor,
        currency: "NPR".to_owned(),
        payment_refunded_minor: None,
        reason: None,
        told_at: Utc::now(),
    };
    let settling = Settling {
        partial_refund: PartialRefund::Keep,
        now: Utc::now(),
        source: "test",
    };
    let mut transaction = till.function.verifier.database.begin().await.unwrap();
    refund::note(&mut transaction, &refund, settling.now)
        .await
        .unwrap();
    refund::settle(&mut transaction, &checkout.intent, &settling)
        .await
        .unwrap();
    transaction
}

/// The rows after the refund came before the gateway's word, after it, and both ways told twice.
async fn both_ways(provider: Provider, amount_minor: i64, says: impl Fn(&Till, &Checkout)) -> [String; 2] {
    let mut ends = [String::new(), String::new()];
    for (end, is_refund_first) in ends.iter_mut().zip([true, false]) {
        let till = Till::open().await;
        let checkout = till.buyer(1, provider, &[(1, 2)]).await;
        says(&till, &checkout);
        for is_refund in [
            is_refund_first,
            is_refund_first,
            !is_refund_first,
            !is_refund_first,
        ] {
            if is_refund {
                give_back(&till, &checkout, amount_minor).await;
            } else {
                till.verify(&checkout).await;
            }
        }
        till.work().await;
        *end = text(&till, ROWS).await;
        till.close().await;
    }
    ends
}

#[tokio::test]
async fn a_payment_that_is_verified_after_its_refund_becomes_no_order() {
    for provider in Provider::ALL {
        let ends = both_ways(provider, 100_000, |till, checkout| {
            till.gateway.pay(&checkout.external).unwrap();
        })
        .await;
        assert_eq!(ends[0], ends[1]);
        let rows: Vec<&str> = ends[0].lines().collect();
        assert_eq!(
            rows[..4],
            ["failed t", "success 100000", "100000 processed", "released 2"]
        );
        assert_eq!(rows[5..], ["finalize_order cancelled", "0"], "no case is open");
    }
}

#[tokio::test]
async fn a_refund_that_commits_while_the_verification_waits_for_the_intent_is_seen() {
    for (amount_minor, intent, job_and_orders) in [
        (100_000, "failed t", ["finalize_order cancelled", "0"]),
        (40_000, "succeeded f", ["finalize_order completed", "1"]),
    ] {
        let till = Till::open().await;
        let checkout = till.buyer(1, Provider::Khalti, &[(1, 2)]).await;
        till.gateway.pay(&checkout.external).unwrap();
        till.gateway.set_latency(Duration::from_millis(400));
        // GIVEN a gateway that is being asked, and a refund that holds the intent's row when the answer is there
        let refund = async {
            while till.gateway.questions(&checkout.external) == 0 {
                tokio::task::yield_now().await;
            }
            let transaction = begin_to_give_back(&till, &checkout, amount_minor).await;
            // WHEN it commits while the answer waits to be written
            let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while till.rows(waiting).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            transaction.commit().await.unwrap();
        };
        let ((status, answer), ()) = tokio::join!(till.verify(&checkout), refund);
        assert_eq!((status, answer["status"].as_str()), (200, Some("success")));
        till.work().await;
        // THEN the rows are those of a refund that came before
        let end = text(&till, ROWS).await;
        let rows: Vec<&str> = end.lines().collect();
        assert_eq!(rows[..2], [intent, "success 100000"], "{end}");
        assert_eq!(rows[5..], job_and_orders, "{end}");
        till.close().await;
    }
}

#[tokio::test]
async fn a_refund_of_a_part_before_the_payment_is_verified_leaves_the_order() {
    let ends = both_ways(Provider::Khalti, 40_000, |till, checkout| {
        till.gateway.pay(&checkout.external).unwrap();
    })
    .await;
    assert_eq!(ends[0], ends[1]);
    let rows: Vec<&str> = ends[0].lines().collect();
    assert_eq!(rows[0], "succeeded f");
    assert_eq!(rows[5..], ["finalize_order completed", "1"]);
}

#[tokio::test]
async fn a_gateway_that_says_so_too_opens_no_case_beside_the_refund() {
    let ends = both_ways(Provider::Khalti, 100_000, |till, checkout| {
        till.gateway
            .set(&checkout.external, PaymentState::Refunded)
            .unwrap();
    })
    .await;
    assert_eq!(ends[0], ends[1]);
    let rows: Vec<&str> = ends[0].lines().collect();
    assert_eq!(rows[..3], ["failed t", "failed", "100000 processed"]);
    assert_eq!(rows[5..], ["0"], "no job, no order and no open case");
}

#[tokio::test]
async fn what_was_asked_for_is_not_all_that_is_owed_when_more_was_paid() {
    let ends = both_ways(Provider::Khalti, 100_000, |till, checkout| {
        till.gateway
            .put(makegood_local::gateway::Side::Khalti, &checkout.external, 150_000);
        till.gateway.pay(&checkout.external).unwrap();
    })
    .await;
    assert_eq!(ends[0], ends[1]);
    let rows: Vec<&str> = ends[0].lines().collect();
    assert_eq!(rows[..2], ["failed f", "amount_mismatch 150000"]);
    assert_eq!(rows.last(), Some(&"amount_mismatch open"));
}
