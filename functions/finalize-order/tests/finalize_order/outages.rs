//! Only a job's own fault uses up its attempts. What an outage, a schema that drifted or another transaction's lock broke heals
//! by itself, the case included.

use crate::shop::Shop;
use finalize_order::Finished;

/// The server ends the link that writes an order's items: a real 57P01, with an immediate reconnect.
const CUT: &str = "PERFORM pg_terminate_backend(pg_backend_pid())";
const JOBS: &str =
    "SELECT string_agg(DISTINCT concat_ws(' ', status, max_attempts - attempts, cause), ', ') FROM job_queue";

#[tokio::test]
async fn a_database_that_flaps_uses_up_no_attempt_and_leaves_nothing_to_a_person() {
    // GIVEN six paid orders, and a database that cuts whoever is about to make one
    let shop = Shop::open().await;
    for number in 0..6 {
        shop.paid(number, &[(1, 1)]).await;
    }
    shop.order_items_fail(CUT).await;
    // WHEN each is tried twice as often as it has attempts
    for round in 0..6 {
        shop.work().await;
        assert_eq!(shop.text(JOBS).await, "pending 3 outage", "round {round}");
        shop.backoffs_pass().await;
    }
    // AND the flapping ends THEN every order is made, and no person was told to do anything
    shop.order_items_succeed().await;
    shop.work().await;
    assert_eq!(shop.orders().await, 6);
    assert_eq!(shop.count("SELECT count(*) FROM payment_cases").await, 0);
    assert_eq!(shop.published().await.len(), 6);
    shop.assert_sound().await;
    shop.database.drop().await;
}

#[tokio::test]
async fn what_an_outage_broke_for_an_hour_has_a_case_that_closes_by_itself_with_its_audit_line() {
    // GIVEN a paid order that was cut as often as a job is spared
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    shop.order_items_fail(CUT).await;
    shop.sql("UPDATE job_queue SET spared = 50, attempts = 52, max_attempts = 53")
        .await;
    assert!(matches!(shop.run_one().await, Finished::Failed(_)));
    let case = "SELECT concat_ws(' ', kind, status, details ->> 'cause', resolved_by) FROM payment_cases";
    assert_eq!(shop.text(case).await, "unfulfillable open outage");
    // WHEN the outage ends and its pause is over
    shop.order_items_succeed().await;
    shop.sql("UPDATE job_queue SET failed_at = failed_at - interval '6 minutes', created_at = created_at - interval '6 minutes'")
        .await;
    assert_eq!(shop.sweep("stale-jobs").await["healed"], 1);
    shop.work().await;
    // THEN the order is made and its case is closed, by whom and why
    assert_eq!(shop.orders().await, 1);
    assert_eq!(
        shop.text(case).await,
        "unfulfillable resolved outage finalize-order"
    );
    let audit =
        "SELECT concat_ws(' ', actor, action, reason, subject = (SELECT 'case:' || id FROM payment_cases),
                        details ->> 'paymentIntentId') FROM audit_log";
    assert_eq!(
        shop.text(audit).await,
        format!(
            "finalize-order case.resolve the order was made t {}",
            buyer.intent
        )
    );
    shop.assert_sound().await;
    shop.database.drop().await;
}

#[tokio::test]
async fn a_column_that_is_not_there_and_rows_that_others_change_use_up_no_attempt_either() {
    for (statement, cause) in [
        ("RAISE EXCEPTION USING ERRCODE = '42703'", "drift"),
        ("RAISE EXCEPTION USING ERRCODE = '23502'", "drift"),
        ("RAISE EXCEPTION USING ERRCODE = '40001'", "lock"),
    ] {
        let shop = Shop::open().await;
        shop.paid(1, &[(1, 2)]).await;
        shop.order_items_fail(statement).await;
        for _ in 0..5 {
            assert_eq!(shop.run_one().await, Finished::Requeued);
            assert_eq!(shop.text(JOBS).await, format!("pending 3 {cause}"));
            shop.backoffs_pass().await;
        }
        shop.order_items_succeed().await;
        assert_eq!(shop.run_one().await, Finished::Completed);
        shop.database.drop().await;
    }
}
