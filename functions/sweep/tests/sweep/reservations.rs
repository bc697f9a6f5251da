//! The `reservations` sweep: what was not paid in time is for sale again, and what is paid stays reserved.

use crate::bench::Bench;
use serde_json::json;

#[tokio::test]
async fn what_was_not_paid_in_time_is_freed_once_and_what_is_paid_stays() {
    // GIVEN four reservations of two pieces: expired, expired and paid, expired and being verified, and still running
    let bench = Bench::fresh().await;
    bench
        .database
        .run_sql(
            "INSERT INTO vendor_profiles (user_id, business_name) VALUES (md5('v')::uuid, 'V');
             INSERT INTO products (id, vendor_id, name, slug) VALUES (md5('p')::uuid, md5('v')::uuid, 'P', 'p');
             INSERT INTO product_variants (id, product_id, sku, price_cents) VALUES (md5('x')::uuid, md5('p')::uuid, 'X', 100);
             INSERT INTO inventory (variant_id, quantity_available, quantity_reserved) VALUES (md5('x')::uuid, 10, 8);
             INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, status, items)
             SELECT name, gen_random_uuid(), 'esewa', name, 200, status, '[]'
             FROM (VALUES ('late', 'pending'), ('paid', 'pending'), ('verifying', 'processing'), ('running', 'pending')) i (name, status);
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
             VALUES ('esewa', 'paid', 'paid', 'success');
             INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
             SELECT payment_intent_id, md5('x')::uuid, 2,
                    now() + CASE payment_intent_id WHEN 'running' THEN interval '1 minute' ELSE interval '-1 second' END
             FROM payment_intents",
        )
        .await;
    // WHEN two sweeps run at once THEN one of them frees the first
    let (first, second) = tokio::join!(bench.run("reservations"), bench.run("reservations"));
    for (name, expected) in [("intents", 1), ("reservations", 1), ("pieces", 2)] {
        assert_eq!(
            first[name].as_i64().unwrap() + second[name].as_i64().unwrap(),
            expected,
            "{name}"
        );
    }
    let reserved = "SELECT quantity_reserved::bigint FROM inventory";
    assert_eq!(bench.database.count(reserved).await, 6);
    let expired = "SELECT count(*) FROM payment_intents JOIN inventory_reservations r USING (payment_intent_id)
                   WHERE payment_intent_id = 'late' AND payment_intents.status = 'expired' AND r.status = 'expired'";
    assert_eq!(bench.database.count(expired).await, 1);
    // AND running again changes nothing
    assert_eq!(
        bench.run("reservations").await,
        json!({"intents": 0, "reservations": 0, "pieces": 0})
    );
    assert_eq!(bench.database.count(reserved).await, 6);
    bench.database.drop().await;
}
