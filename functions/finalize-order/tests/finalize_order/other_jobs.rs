//! The other job types: payments that came to nothing, and refunds.

use crate::shop::Shop;
use finalize_order::Finished;

#[tokio::test]
async fn a_failed_payment_frees_the_stock_and_marks_the_intent() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql(
        "DELETE FROM payment_gateway_verifications;
         UPDATE job_queue SET job_type = 'handle_payment_failure', payload = payload || '{\"status\": \"cancelled\"}'",
    )
    .await;
    assert_eq!(shop.run_one().await, Finished::Completed);
    assert_eq!(shop.text("SELECT status FROM payment_intents").await, "cancelled");
    assert_eq!(
        shop.text("SELECT status FROM inventory_reservations").await,
        "released"
    );
    assert_eq!(
        shop.count("SELECT sum(quantity_reserved) FROM inventory").await,
        0
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_payment_that_succeeded_after_all_keeps_its_stock() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, priority, idempotency_key)
         SELECT 'handle_payment_failure', payload, 0, 'failure' FROM job_queue",
    )
    .await;
    shop.work().await;
    assert_eq!(
        shop.count("SELECT count(*) FROM job_queue WHERE status = 'completed'")
            .await,
        2
    );
    assert_eq!(
        (
            shop.orders().await,
            shop.text("SELECT status FROM payment_intents").await
        ),
        (1, "succeeded".to_owned())
    );
    let freed = "SELECT count(*) FROM inventory_reservations WHERE status = 'released'";
    assert_eq!(shop.count(freed).await, 0, "the order took what was reserved");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_refund_is_a_case_and_no_order_is_made_beside_it() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, priority, idempotency_key)
         SELECT 'process_refund', payload || '{\"reason\": \"called us\"}', 0, 'refund' FROM job_queue",
    )
    .await;
    assert_eq!(shop.run_one().await, Finished::Completed);
    let Finished::Failed(reason) = shop.run_one().await else {
        panic!("the money goes back")
    };
    assert!(reason.starts_with("refund_requested: "), "{reason}");
    let case =
        "SELECT concat_ws(' ', kind, status, subject, amount_cents, details ->> 'reason') FROM payment_cases";
    assert_eq!(
        shop.text(case).await,
        format!("refund_due open {} 2000 called us", buyer.intent)
    );
    assert_eq!(shop.orders().await, 0);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_job_of_an_unknown_type_or_intent_fails_by_name_and_stops_no_other() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, priority) VALUES ('dust', '{}', 0), ('finalize_order', '{}', 0),
           ('finalize_order', '{\"payment_intent_id\": \"pi_unknown\"}', 0)",
    )
    .await;
    shop.work().await;
    let failed = "SELECT string_agg(split_part(last_error, ':', 1), ' ' ORDER BY last_error) FROM job_queue WHERE status = 'failed'";
    assert_eq!(
        shop.text(failed).await,
        "no_intent_named unknown_intent unknown_job_type"
    );
    assert_eq!(shop.orders().await, 1);
    shop.close().await;
}

#[tokio::test]
async fn a_payment_that_came_to_nothing_leaves_an_intent_that_ended_as_it_ended() {
    for ended in ["expired", "cancelled", "succeeded"] {
        let shop = Shop::open().await;
        shop.paid(1, &[(1, 2)]).await;
        shop.sql(&format!(
            "DELETE FROM payment_gateway_verifications;
             UPDATE payment_intents SET status = '{ended}';
             UPDATE job_queue SET job_type = 'handle_payment_failure'"
        ))
        .await;
        assert_eq!(shop.run_one().await, Finished::Completed);
        assert_eq!(shop.text("SELECT status FROM payment_intents").await, ended);
        shop.close().await;
    }
}

#[tokio::test]
async fn a_refund_that_was_asked_for_is_still_asked_for_when_the_orders_job_runs_again() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.work().await;
    // GIVEN an order whose buyer asks for the money
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, priority, idempotency_key)
         SELECT 'process_refund', payload, 0, 'refund' FROM job_queue",
    )
    .await;
    assert_eq!(shop.run_one().await, Finished::Completed);
    // WHEN the order's job runs once more
    shop.sql(
        "UPDATE job_queue SET status = 'pending', completed_at = NULL WHERE job_type = 'finalize_order'",
    )
    .await;
    assert_eq!(shop.run_one().await, Finished::Completed);
    // THEN the order is an answer to other cases and not to this one
    let case = "SELECT concat_ws(' ', kind, status, details ->> 'code') FROM payment_cases";
    assert_eq!(shop.text(case).await, "refund_due open refund_requested");
    shop.close().await;
}
