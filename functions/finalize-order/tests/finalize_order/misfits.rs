//! What can't be made of a set falls out alone, wherever it stands, and its neighbours have their orders.

use crate::shop::Shop;
use finalize_order::Finished;
use makegood::db::{Database, Limits};
use sqlx::{Connection, PgConnection};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// What became of a buyer's job, in one word, with the code where it failed.
pub async fn state(shop: &Shop, number: u32) -> String {
    shop.text(&format!(
        "SELECT status || CASE WHEN last_error IS NULL THEN '' ELSE ' ' || split_part(last_error, ':', 1) END FROM job_queue
         WHERE idempotency_key = 'payment_esewa_txn-{number}'"
    ))
    .await
}

/// What keeps a paid intent from becoming an order: SQL for the intent `{intent}` of the buyer `{number}`, and what its job says then.
const MISFITS: [(&str, &str); 16] = [
    ("DELETE FROM payment_gateway_verifications WHERE payment_intent_id = '{intent}'", "failed not_verified"),
    (
        "INSERT INTO payment_cases (kind, subject, payment_intent_id, details)
         VALUES ('refund_due', '{intent}', '{intent}', '{\"code\": \"refund_requested\"}')",
        "failed refund_requested",
    ),
    (
        "UPDATE payment_intents SET items = '[]', amount_cents = 0 WHERE payment_intent_id = '{intent}'",
        "failed no_items",
    ),
    ("UPDATE payment_intents SET items = '{\"a\": 1}' WHERE payment_intent_id = '{intent}'", "failed unreadable_items"),
    (
        "UPDATE payment_intents SET items = jsonb_set(items, '{0,variant_id}', '\"no uuid\"') WHERE payment_intent_id = '{intent}'",
        "failed unreadable_items",
    ),
    (
        "UPDATE payment_intents SET items = jsonb_set(items, '{0,quantity}', '\"two\"') WHERE payment_intent_id = '{intent}'",
        "failed unreadable_items",
    ),
    ("UPDATE payment_intents SET amount_cents = 1 WHERE payment_intent_id = '{intent}'", "failed amount_differs"),
    (
        "UPDATE payment_intents SET items = jsonb_set(items, '{0,variant_id}', to_jsonb(gen_random_uuid())) WHERE payment_intent_id = '{intent}'",
        "failed unknown_variant",
    ),
    (
        "UPDATE payment_intents SET items = jsonb_set(items, '{0,product_id}', to_jsonb(gen_random_uuid())) WHERE payment_intent_id = '{intent}'",
        "failed unknown_product",
    ),
    (
        "UPDATE payment_intents SET items = jsonb_set(items, '{0,vendor_id}', to_jsonb(gen_random_uuid())) WHERE payment_intent_id = '{intent}'",
        "failed missing_vendor_profile",
    ),
    (
        "WITH gone AS (UPDATE inventory_reservations SET status = 'released' WHERE payment_intent_id = '{intent}' RETURNING variant_id)
         UPDATE inventory SET quantity_reserved = quantity_reserved - 1 WHERE variant_id IN (SELECT variant_id FROM gone);
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
         SELECT variant_id, 'adjustment', quantity_reserved - quantity_available, quantity_reserved FROM inventory
         WHERE variant_id = md5('variant1')::uuid;
         UPDATE inventory SET quantity_available = quantity_reserved WHERE variant_id = md5('variant1')::uuid",
        "failed stock_gone",
    ),
    (
        "WITH first AS (
           INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, status, items, metadata)
           VALUES ('first-{number}', md5('buyer{number}')::uuid, 'esewa', 0, 'succeeded', '[]', '{\"checkout\": \"first-{number}\"}')
           RETURNING payment_intent_id, user_id)
         INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
         SELECT 'ORD-20251005-{number}', user_id, payment_intent_id, 'esewa', 0, 0 FROM first;
         UPDATE payment_intents SET metadata = '{\"checkout\": \"first-{number}\"}' WHERE payment_intent_id = '{intent}'",
        "failed bought_already",
    ),
    (
        "UPDATE payment_intents SET price_until = now() - interval '2 days', items = jsonb_set(items, '{0,unit_price_cents}', '999'), amount_cents = 999,
           metadata = jsonb_build_object('gateway', jsonb_build_object('unpaid_at', now() - interval '1 day'))
         WHERE payment_intent_id = '{intent}'",
        "failed price_ended",
    ),
    (
        "UPDATE job_queue SET payload = '{\"payment_intent_id\": \"pi_unknown\"}' WHERE idempotency_key = 'payment_esewa_txn-{number}'",
        "failed unknown_intent",
    ),
    ("UPDATE job_queue SET payload = '{}' WHERE idempotency_key = 'payment_esewa_txn-{number}'", "failed no_intent_named"),
    // A rule of the database's own refuses it: the set fails as a whole, and is halved.
    (
        "UPDATE payment_intents SET items = jsonb_set(items, '{0,sku}', '\"CURSED\"') WHERE payment_intent_id = '{intent}'",
        "pending database_error",
    ),
];

#[tokio::test]
async fn each_kind_of_misfit_in_each_place_falls_out_alone() {
    for (breaking, state_then) in MISFITS {
        let shop = Shop::open().await;
        shop.order_items_fail("IF NEW.sku = 'CURSED' THEN RAISE EXCEPTION 'not this'; END IF")
            .await;
        for place in 0..3 {
            let numbers: [u32; 3] = std::array::from_fn(|index| 10 * place + u32::try_from(index).unwrap());
            let mut intents = Vec::new();
            for number in numbers {
                intents.push(shop.paid(number, &[(1, 1)]).await.intent);
            }
            let misfit = 10 * place + place;
            let breaking = breaking.replace("{intent}", &intents[usize::try_from(place).unwrap()]);
            shop.sql(&breaking.replace("{number}", &misfit.to_string())).await;
            let mut finished = Vec::new();
            let function = shop.function();
            let ran = function.run_next(50, &mut finished).await.unwrap();
            assert_eq!((ran, finished.len()), (3, 3), "{state_then} at {place}");
            for number in numbers {
                let expected = if number == misfit { state_then } else { "completed" };
                assert_eq!(state(&shop, number).await, expected, "{state_then} at {place}");
            }
            // Nothing of the misfit was made, and all of the others.
            let orders = "SELECT count(*) FROM order_items i JOIN orders o ON o.id = i.order_id";
            assert_eq!(
                shop.count(orders).await,
                2 * i64::from(place + 1),
                "{state_then} at {place}"
            );
            let consumed = "SELECT count(*) FROM inventory_reservations WHERE status = 'consumed'";
            assert_eq!(
                shop.count(consumed).await,
                2 * i64::from(place + 1),
                "{state_then} at {place}"
            );
            // The next round must not meet it again.
            shop.sql(
                "UPDATE job_queue SET scheduled_for = now() + interval '1 hour' WHERE status = 'pending'",
            )
            .await;
            if state_then == "failed stock_gone" {
                shop.sql("UPDATE inventory SET quantity_available = quantity_available + 10 WHERE variant_id = md5('variant1')::uuid;
                          INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
                          SELECT variant_id, 'adjustment', 10, quantity_available FROM inventory WHERE variant_id = md5('variant1')::uuid")
                    .await;
            }
        }
        assert_eq!(shop.published().await.len(), 6, "{state_then}");
        shop.database.drop().await;
    }
}

#[tokio::test]
async fn a_locked_intent_keeps_only_its_own_job_waiting() {
    // GIVEN four paid buyers, one of whose intents a person holds
    let shop = Shop::open().await;
    for number in 0..4 {
        shop.paid(number, &[(1, 1)]).await;
    }
    let mut holder = PgConnection::connect(&shop.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM payment_intents WHERE external_transaction_id = 'txn-2' FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    let mut function = shop.function();
    let limits = Limits {
        lock: Duration::from_millis(200),
        ..Limits::default()
    };
    function.publisher.database =
        Database::with_limits(shop.database.pooler_url().parse().unwrap(), 2, limits);
    let mut finished = Vec::new();
    function.run_next(50, &mut finished).await.unwrap();
    held.rollback().await.unwrap();
    // THEN the other three have their orders, and that job waits without using an attempt
    for (number, expected) in [
        (0, "completed"),
        (1, "completed"),
        (2, "pending database_blocked"),
        (3, "completed"),
    ] {
        assert_eq!(state(&shop, number).await, expected);
    }
    assert_eq!(
        shop.text("SELECT cause FROM job_queue WHERE status = 'pending'")
            .await,
        "lock"
    );
    assert_eq!(shop.orders().await, 3);
    shop.database.drop().await;
}

static DRAWN: AtomicU8 = AtomicU8::new(0);

fn panicking_once() -> Uuid {
    assert!(DRAWN.fetch_add(1, Ordering::Relaxed) != 1, "a defect");
    Uuid::new_v4()
}

#[tokio::test]
async fn a_panic_over_one_job_of_a_set_is_not_the_others_fault() {
    let shop = Shop::open().await;
    for number in 0..3 {
        shop.paid(number, &[(1, 1)]).await;
    }
    let mut function = shop.function();
    function.new_id = panicking_once;
    let mut finished = Vec::new();
    function.run_next(50, &mut finished).await.unwrap();
    assert_eq!(finished, vec![Finished::Completed; 3]);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn pieces_without_a_stock_row_are_not_sold_and_stop_no_other_order() {
    // GIVEN three paid buyers, and the deleted stock row of what the second has reserved
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 1)]).await;
    shop.paid(2, &[(2, 1)]).await;
    shop.paid(3, &[(1, 1)]).await;
    shop.sql("DELETE FROM inventory WHERE variant_id = md5('variant2')::uuid")
        .await;
    let mut finished = Vec::new();
    shop.function().run_next(50, &mut finished).await.unwrap();
    // THEN nothing of that order was made, and it waits for whoever changes the stock
    assert_eq!(
        finished,
        [Finished::Completed, Finished::Requeued, Finished::Completed]
    );
    assert_eq!(state(&shop, 2).await, "pending contested");
    let held = "SELECT status FROM inventory_reservations WHERE variant_id = md5('variant2')::uuid";
    assert_eq!(
        (shop.orders().await, shop.text(held).await),
        (2, "active".to_owned())
    );
    shop.database.drop().await;
}
