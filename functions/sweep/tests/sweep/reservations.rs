//! The `reservations` sweep: what was not paid in time is for sale again, and what is paid stays reserved.

use crate::bench::Bench;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

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
        json!({"intents": 0, "reservations": 0, "pieces": 0, "refused": 0, "locked": 0})
    );
    assert_eq!(bench.database.count(reserved).await, 6);
    bench.database.drop().await;
}

/// Goods of these names, and a function that plants reservations of them.
async fn shop(bench: &Bench, names: &[&str]) {
    let mut sql = "INSERT INTO vendor_profiles (user_id, business_name) VALUES (md5('v')::uuid, 'V');
                   INSERT INTO products (id, vendor_id, name, slug) VALUES (md5('p')::uuid, md5('v')::uuid, 'P', 'p');"
        .to_owned();
    for name in names {
        sql += &format!(
            "INSERT INTO product_variants (id, product_id, sku, price_cents) VALUES (md5('{name}')::uuid, md5('p')::uuid, '{name}', 100);
             INSERT INTO inventory (variant_id, quantity_available) VALUES (md5('{name}')::uuid, 100000);"
        );
    }
    bench.database.run_sql(&sql).await;
}

/// So many intents of one reserved piece each, whose time was up this many minutes ago, all at the same moment.
async fn ended(bench: &Bench, name: &str, number: u32, minutes: u32) {
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
             SELECT '{name}-' || n, gen_random_uuid(), 'esewa', 200, '[]' FROM generate_series(1, {number}) n;
             INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
             SELECT '{name}-' || n, md5('{name}')::uuid, 1, now() - interval '{minutes} minutes' FROM generate_series(1, {number}) n;
             UPDATE inventory SET quantity_reserved = quantity_reserved + {number} WHERE variant_id = md5('{name}')::uuid"
        ))
        .await;
}

async fn active(bench: &Bench, name: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM inventory_reservations WHERE variant_id = md5('{name}')::uuid AND status = 'active'"
    );
    bench.database.count(&query).await
}

#[tokio::test]
async fn a_mass_that_ended_at_the_same_moment_is_freed_page_by_page() {
    let bench = Bench::fresh().await;
    shop(&bench, &["x"]).await;
    ended(&bench, "x", 1_001, 1).await;
    let done = bench.run("reservations").await;
    assert_eq!(
        (&done["intents"], &done["pieces"]),
        (&json!(1_001), &json!(1_001))
    );
    assert_eq!(active(&bench, "x").await, 0);
    assert_eq!(
        bench
            .database
            .count("SELECT quantity_reserved::bigint FROM inventory")
            .await,
        0
    );
    bench.database.drop().await;
}

#[tokio::test]
async fn a_counter_that_was_edited_by_hand_keeps_no_reservation() {
    // GIVEN reservations of three variants; of one, the counter says less than they hold, since it was edited by hand
    for reserved in [0, 1, 39] {
        let bench = Bench::fresh().await;
        shop(&bench, &["x", "edited"]).await;
        ended(&bench, "x", 150, 3).await;
        ended(&bench, "edited", 40, 2).await;
        let edit = format!(
            "UPDATE inventory SET quantity_reserved = {reserved} WHERE variant_id = md5('edited')::uuid"
        );
        bench.database.run_sql(&edit).await;
        // WHEN the sweep runs THEN all are free
        let done = bench.run("reservations").await;
        assert_eq!((&done["pieces"], &done["refused"]), (&json!(190), &json!(0)));
        let held = "SELECT sum(quantity_reserved)::bigint FROM inventory";
        assert_eq!(bench.database.count(held).await, 0);
        bench.database.drop().await;
    }
}

#[tokio::test]
async fn a_reservation_that_the_database_refuses_to_free_is_left_counted_and_holds_up_no_other() {
    // GIVEN reservations of three variants; the row of one refuses each change
    let bench = Bench::fresh().await;
    shop(&bench, &["x", "edited", "y"]).await;
    ended(&bench, "x", 150, 3).await;
    ended(&bench, "edited", 40, 2).await;
    ended(&bench, "y", 300, 1).await;
    bench
        .database
        .run_sql(
            "ALTER TABLE inventory ADD CONSTRAINT closed CHECK (variant_id <> md5('edited')::uuid) NOT VALID",
        )
        .await;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    // WHEN the sweep runs
    let done = bench.run("reservations").await;
    drop(recording);
    // THEN all that can be freed is
    assert_eq!((&done["pieces"], &done["refused"]), (&json!(450), &json!(40)));
    assert_eq!((active(&bench, "x").await, active(&bench, "y").await), (0, 0));
    assert_eq!(active(&bench, "edited").await, 40);
    // AND the variant was left after three of its reservations: it was not tried once for each
    let tries = bench.database.server_errors().len();
    assert!(tries < 40, "{tries} tries");
    let refused = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .find_map(|(key, _, _, value)| (key.key().name() == "ReservationsRefused").then_some(value));
    assert_eq!(refused, Some(DebugValue::Counter(40)));
    // AND once the row is fixed, the next run frees the rest
    bench
        .database
        .run_sql("ALTER TABLE inventory DROP CONSTRAINT closed")
        .await;
    assert_eq!(bench.run("reservations").await["pieces"], 40);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_locked_intent_variant_or_reservation_is_left_and_holds_up_no_other() {
    // GIVEN reservations of three variants; another transaction holds the stock row of one, an intent of another, a reservation
    // of the third
    let bench = Bench::fresh().await;
    shop(&bench, &["held", "x", "y"]).await;
    ended(&bench, "held", 50, 3).await;
    ended(&bench, "x", 50, 2).await;
    ended(&bench, "y", 250, 1).await;
    let mut holder = PgConnection::connect(&bench.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::raw_sql(
        "SELECT FROM inventory WHERE variant_id = md5('held')::uuid FOR UPDATE;
         SELECT FROM payment_intents WHERE payment_intent_id = 'x-1' FOR UPDATE;
         SELECT FROM inventory_reservations WHERE payment_intent_id = 'y-1' FOR UPDATE",
    )
    .execute(&mut *held)
    .await
    .unwrap();
    // WHEN the sweep runs THEN it frees the others, waits a second for each that is held, and counts them
    let run = tokio::time::timeout(Duration::from_secs(20), bench.run("reservations")).await;
    let done = run.expect("it does not wait for the holder");
    assert_eq!((&done["pieces"], &done["locked"]), (&json!(298), &json!(52)));
    // AND the next run frees them once they are free
    held.rollback().await.unwrap();
    let done = bench.run("reservations").await;
    assert_eq!((&done["pieces"], &done["locked"]), (&json!(52), &json!(0)));
    bench.database.drop().await;
}
