//! What can't become an order fails by name, leaves a case, and nothing half-made.

use crate::orders::assert_nothing_made;
use crate::shop::Shop;
use finalize_order::Finished;

/// Breaks a paid intent, runs its job, and expects this refusal and this case.
async fn refused(breaking: &str, code: &str, names: &str, case: &str) {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2), (2, 1)]).await;
    shop.sql(breaking).await;
    let Finished::Failed(reason) = shop.run_one().await else {
        panic!("{code}: it can't succeed")
    };
    assert!(
        reason.starts_with(&format!("{code}: ")) && reason.contains(names),
        "{reason}"
    );
    // The job says so, for good, after one attempt.
    let job =
        "SELECT status || ' ' || attempts || ' ' || last_error FROM job_queue WHERE failed_at IS NOT NULL";
    assert_eq!(shop.text(job).await, format!("failed 1 {reason}"));
    let cases = "SELECT concat_ws(' ', kind, subject, details ->> 'code', details ->> 'reason') FROM payment_cases WHERE status = 'open'";
    let (_, told) = reason.split_once(": ").unwrap();
    assert_eq!(
        shop.text(cases).await,
        format!("{case} {} {code} {told}", buyer.intent)
    );
    assert_eq!(shop.published().await, Vec::<String>::new());
    // Its stock stays reserved until a person has decided.
    assert_eq!(
        shop.count("SELECT sum(quantity_reserved) FROM inventory").await,
        3
    );
    assert_nothing_made(&shop).await;
    shop.close().await;
}

#[tokio::test]
async fn no_items() {
    let breaking = "UPDATE payment_intents SET items = '[]', amount_cents = 0";
    refused(breaking, "no_items", "no items", "unfulfillable").await;
}

#[tokio::test]
async fn a_missing_vendor_profile() {
    let stranger = "00000000-0000-0000-0000-000000000077";
    let breaking =
        format!("UPDATE payment_intents SET items = jsonb_set(items, '{{1,vendor_id}}', '\"{stranger}\"')");
    refused(&breaking, "missing_vendor_profile", stranger, "unfulfillable").await;
}

#[tokio::test]
async fn an_unknown_variant() {
    let stranger = "00000000-0000-0000-0000-000000000077";
    let breaking =
        format!("UPDATE payment_intents SET items = jsonb_set(items, '{{1,variant_id}}', '\"{stranger}\"')");
    refused(&breaking, "unknown_variant", stranger, "unfulfillable").await;
}

#[tokio::test]
async fn an_unknown_product() {
    let stranger = "00000000-0000-0000-0000-000000000077";
    let breaking =
        format!("UPDATE payment_intents SET items = jsonb_set(items, '{{1,product_id}}', '\"{stranger}\"')");
    refused(&breaking, "unknown_product", stranger, "unfulfillable").await;
}

#[tokio::test]
async fn an_inactive_product() {
    let breaking = "UPDATE products SET is_active = false WHERE id = md5('product2')::uuid";
    refused(breaking, "inactive_product", "sku SKU-2", "unfulfillable").await;
}

#[tokio::test]
async fn an_inactive_variant() {
    let breaking = "UPDATE product_variants SET is_active = false WHERE id = md5('variant2')::uuid";
    refused(breaking, "inactive_product", "sku SKU-2", "unfulfillable").await;
}

#[tokio::test]
async fn items_that_do_not_come_to_what_was_paid() {
    let breaking = "UPDATE payment_intents SET amount_cents = 3999";
    refused(
        breaking,
        "amount_differs",
        "come to NPR 40.00, NPR 39.99 were paid",
        "amount_mismatch",
    )
    .await;
}

#[tokio::test]
async fn items_that_can_not_be_read() {
    let breaking = "UPDATE payment_intents SET items = items #- '{0,unit_price_cents}'";
    refused(breaking, "unreadable_items", "unit_price_cents", "unfulfillable").await;
}

#[tokio::test]
async fn no_order_is_made_for_an_intent_that_is_not_verified() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql("DELETE FROM payment_gateway_verifications").await;
    let Finished::Failed(reason) = shop.run_one().await else {
        panic!("it can't succeed")
    };
    assert!(reason.starts_with("not_verified: "), "{reason}");
    assert_eq!(shop.count("SELECT count(*) FROM payment_cases").await, 0);
    assert_nothing_made(&shop).await;
    shop.close().await;
}

#[tokio::test]
async fn a_case_that_was_resolved_too_early_is_open_again_when_the_job_fails_again() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql("UPDATE products SET is_active = false").await;
    assert!(matches!(shop.run_one().await, Finished::Failed(_)));
    shop.sql(
        "UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = 'a person';
         UPDATE job_queue SET status = 'pending'",
    )
    .await;
    assert!(matches!(shop.run_one().await, Finished::Failed(_)));
    let case = "SELECT concat_ws(' ', status, resolved_at, resolved_by) FROM payment_cases";
    assert_eq!(shop.text(case).await, "open");
    assert_nothing_made(&shop).await;
    shop.close().await;
}
