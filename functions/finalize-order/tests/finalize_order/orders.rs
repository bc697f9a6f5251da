//! What is paid becomes an order: what was paid for, once, with all that belongs to it.

use crate::shop::{Shop, run_next};
use finalize_order::{Finished, order_number};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;
use std::sync::atomic::{AtomicU8, Ordering};
use uuid::Uuid;

#[tokio::test]
async fn the_cart_changes_and_prices_rise_and_the_order_is_what_was_paid_for() {
    // GIVEN a buyer who paid for two pieces of one variant and one of another
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2), (2, 1)]).await;
    // AND then added one of the first and three of a third, while everything got dearer and was renamed
    shop.sql(
        "UPDATE cart_items SET quantity = 3 WHERE variant_id = md5('variant1')::uuid;
         INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
         VALUES (md5('cart1')::uuid, md5('variant3')::uuid, 3, 3000);
         UPDATE product_variants SET price_cents = price_cents + 555; UPDATE products SET name = 'Renamed'",
    )
    .await;
    // WHEN the job runs
    assert_eq!(shop.run_one().await, Finished::Completed);
    // THEN the order has the items and prices of the checkout
    let lines =
        "SELECT string_agg(sku || ' ' || product_name || ' ' || quantity || 'x' || unit_price_cents || '='
                   || total_price_cents || ' ' || fulfillment_status, ', ' ORDER BY sku) FROM order_items";
    assert_eq!(
        shop.text(lines).await,
        "SKU-1 Product 1 2x1000=2000 pending, SKU-2 Product 2 1x2000=2000 pending"
    );
    let order =
        "SELECT concat_ws(' ', status, subtotal_cents, tax_cents, shipping_cents, total_cents, currency,
                   payment_provider, shipping_address ->> 'city', user_id = md5('buyer1')::uuid) FROM orders";
    assert_eq!(
        shop.text(order).await,
        "confirmed 4000 0 0 4000 NPR esewa Kathmandu t"
    );
    // AND what was added later stays in the cart
    let cart = "SELECT string_agg(sku || ' ' || quantity, ', ' ORDER BY sku) FROM cart_items c
                JOIN product_variants v ON v.id = c.variant_id";
    assert_eq!(shop.text(cart).await, "SKU-1 1, SKU-3 3");
    // AND the stock, the intent, the job and the event say so
    let movements =
        "SELECT string_agg(sku || ' ' || quantity_change || ' ' || quantity_after, ', ' ORDER BY sku)
                     FROM inventory_movements m JOIN product_variants v ON v.id = m.variant_id
                     WHERE movement_type = 'sale' AND reference_id = (SELECT id FROM orders)";
    assert_eq!(shop.text(movements).await, "SKU-1 -2 8, SKU-2 -1 9");
    assert_eq!(shop.text("SELECT status FROM payment_intents").await, "succeeded");
    assert_eq!(shop.text("SELECT status FROM job_queue").await, "completed");
    assert_eq!(
        shop.count("SELECT count(*) FROM inventory_reservations WHERE status = 'consumed'")
            .await,
        2
    );
    assert_eq!(shop.published().await, [buyer.intent]);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn an_order_that_is_there_already_is_not_made_again() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.work().await;
    // WHEN another job asks for the same order
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, idempotency_key)
         SELECT job_type, payload, 'again' FROM job_queue",
    )
    .await;
    shop.work().await;
    // THEN it is done, and nothing else happened
    assert_eq!(
        shop.count("SELECT count(*) FROM job_queue WHERE status = 'completed'")
            .await,
        2
    );
    assert_eq!((shop.orders().await, shop.published().await.len()), (1, 1));
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn two_lines_of_one_variant_count_together_and_stay_two_lines() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2), (1, 3)]).await;
    shop.work().await;
    assert_eq!(shop.count("SELECT count(*) FROM order_items").await, 2);
    let after = "SELECT quantity_available::bigint FROM inventory WHERE variant_id = md5('variant1')::uuid";
    assert_eq!(shop.count(after).await, 5);
    assert_eq!(shop.count("SELECT count(*) FROM cart_items").await, 0);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn an_expired_reservation_is_made_again_when_there_is_enough() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2), (2, 1)]).await;
    free(&shop).await;
    shop.work().await;
    assert_eq!((shop.orders().await, shop.published().await.len()), (1, 1));
    assert_eq!(
        shop.count("SELECT sum(quantity) FROM inventory_reservations WHERE status = 'consumed'")
            .await,
        3
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn what_an_order_without_its_goods_still_holds_is_free_for_other_buyers() {
    // GIVEN a paid order, of whose two reservations one was freed and its pieces were sold
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2), (2, 3)]).await;
    shop.sql(
        "UPDATE inventory_reservations SET status = 'released' WHERE variant_id = md5('variant2')::uuid;
         UPDATE inventory SET quantity_reserved = 0, quantity_available = 2 WHERE variant_id = md5('variant2')::uuid;
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
         VALUES (md5('variant2')::uuid, 'adjustment', -8, 2)",
    )
    .await;
    // WHEN the job runs THEN a refund is due, and nothing is held for it any more
    assert!(matches!(shop.run_one().await, Finished::Failed(reason) if reason.starts_with("stock_gone:")));
    let held = "SELECT (SELECT count(*) FROM inventory_reservations WHERE status = 'active')
                     + (SELECT sum(quantity_reserved) FROM inventory)::bigint";
    assert_eq!(shop.count(held).await, 0);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn goods_that_are_gone_leave_a_refund_to_pay_and_nothing_half_made() {
    // GIVEN a reservation that was freed, and another buyer who bought the last pieces of one of two variants
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2), (2, 3)]).await;
    free(&shop).await;
    shop.sql(
        "UPDATE inventory SET quantity_available = 2 WHERE variant_id = md5('variant2')::uuid;
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
         VALUES (md5('variant2')::uuid, 'adjustment', -8, 2)",
    )
    .await;
    // WHEN the job runs THEN it fails for good, and names what is short
    let Finished::Failed(reason) = shop.run_one().await else {
        panic!("it can't succeed")
    };
    assert!(
        reason.starts_with("stock_gone:")
            && reason.contains("3 pieces of SKU-2")
            && reason.contains("2 left"),
        "{reason}"
    );
    assert!(!reason.contains("SKU-1"), "{reason}");
    // AND a refund is due
    let case = "SELECT concat_ws(' ', kind, status, payment_intent_id, amount_cents, currency, details ->> 'code') FROM payment_cases";
    assert_eq!(
        shop.text(case).await,
        format!("refund_due open {} 8000 NPR stock_gone", buyer.intent)
    );
    assert_nothing_made(&shop).await;
    // WHEN it was restocked and a person retries THEN the order is made, and no refund is due any more
    shop.sql(
        "UPDATE inventory SET quantity_available = 3 WHERE variant_id = md5('variant2')::uuid;
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
         VALUES (md5('variant2')::uuid, 'adjustment', 1, 3);
         UPDATE job_queue SET status = 'pending', max_attempts = attempts + 3",
    )
    .await;
    assert_eq!(shop.run_one().await, Finished::Completed);
    assert_eq!(
        shop.count("SELECT count(*) FROM payment_cases WHERE status = 'open'")
            .await,
        0
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn whoever_got_the_money_back_gets_no_goods() {
    // GIVEN goods that were gone, and a person who paid the money back and resolved the case
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql("UPDATE inventory_reservations SET status = 'released'; UPDATE inventory SET quantity_reserved = 0, quantity_available = 0")
        .await;
    assert!(matches!(shop.run_one().await, Finished::Failed(_)));
    shop.sql("UPDATE payment_cases SET status = 'resolved', resolved_by = 'a person'")
        .await;
    // WHEN it was restocked and the job runs again THEN it is refused
    shop.sql("UPDATE inventory SET quantity_available = 10; UPDATE job_queue SET status = 'pending'")
        .await;
    let Finished::Failed(reason) = shop.run_one().await else {
        panic!("the money went back")
    };
    assert!(reason.starts_with("refund_requested: "), "{reason}");
    assert_eq!(shop.orders().await, 0);
    assert_eq!(shop.text("SELECT status FROM payment_cases").await, "resolved");
    shop.close().await;
}

/// The sweep freed what was reserved.
async fn free(shop: &Shop) {
    shop.sql(
        "UPDATE inventory_reservations SET status = 'expired', expires_at = now() - interval '1 minute';
         UPDATE inventory SET quantity_reserved = 0",
    )
    .await;
}

pub async fn assert_nothing_made(shop: &Shop) {
    for (what, query) in [
        ("orders", "SELECT count(*) FROM orders"),
        ("items", "SELECT count(*) FROM order_items"),
        (
            "sales",
            "SELECT count(*) FROM inventory_movements WHERE movement_type = 'sale'",
        ),
        ("events", "SELECT count(*) FROM outbox"),
        (
            "consumed",
            "SELECT count(*) FROM inventory_reservations WHERE status = 'consumed'",
        ),
    ] {
        assert_eq!(shop.count(query).await, 0, "{what}");
    }
    shop.assert_sound().await;
}

static DRAWN: AtomicU8 = AtomicU8::new(0);

/// The first two ids end in the same forty bits.
fn colliding() -> Uuid {
    match DRAWN.fetch_add(1, Ordering::Relaxed) {
        0 => Uuid::from_u128(0x1 << 64 | 7),
        1 => Uuid::from_u128(0x2 << 64 | 7),
        _ => Uuid::from_u128(0x3 << 64 | 8),
    }
}

#[tokio::test]
async fn a_number_that_is_taken_is_drawn_again_and_has_the_shops_day() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 1)]).await;
    shop.paid(2, &[(1, 1)]).await;
    let mut function = shop.function();
    // 20:00 in UTC is the next day in Kathmandu.
    let evening = "2026-11-21T20:00:00Z".parse().unwrap();
    function.clock = makegood::clock::Clock::Fixed(evening);
    function.new_id = colliding;
    for _ in 0..2 {
        assert_eq!(run_next(&function).await, Some(Finished::Completed));
    }
    let day = evening.date_naive().succ_opt().unwrap();
    let numbers = "SELECT string_agg(order_number, ' ' ORDER BY order_number) FROM orders";
    let expected = [Uuid::from_u128(7), Uuid::from_u128(8)]
        .map(|id| order_number(day, id))
        .join(" ");
    assert_eq!(shop.text(numbers).await, expected);
    assert_eq!(expected, "ORD-20261122-00000007 ORD-20261122-00000008");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn twenty_buyers_and_four_workers_make_each_order_once() {
    // GIVEN twenty buyers of overlapping variants in different orders, all of the stock of two variants
    let shop = Shop::open().await;
    for number in 0..10 {
        shop.paid(number * 2, &[(1, 1), (2, 1)]).await;
        shop.paid(number * 2 + 1, &[(4, 1), (3, 1)]).await;
    }
    // WHEN four environments work at once
    tokio::join!(shop.work(), shop.work(), shop.work(), shop.work());
    // THEN every one has its order, and nothing is left
    assert_eq!((shop.orders().await, shop.published().await.len()), (20, 20));
    assert_eq!(
        shop.count("SELECT sum(quantity_available + quantity_reserved) FROM inventory")
            .await,
        0
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn orders_and_the_time_from_payment_to_order_are_counted() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 1)]).await;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    shop.work().await;
    drop(recording);
    let metrics: Vec<(String, DebugValue)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| (key.key().name().to_owned(), value))
        .collect();
    assert!(
        metrics.contains(&("OrdersConfirmed".to_owned(), DebugValue::Counter(1))),
        "{metrics:?}"
    );
    let elapsed = metrics
        .iter()
        .find(|(name, _)| name == "PaymentToOrderMillis")
        .map(|(_, value)| value);
    assert!(
        matches!(elapsed, Some(DebugValue::Histogram(values)) if values.len() == 1 && (2_000.0..30_000.0).contains(&values[0].into_inner())),
        "{metrics:?}"
    );
    shop.close().await;
}

#[tokio::test]
async fn a_wake_up_that_can_not_be_read_is_acknowledged_and_wakes_all_the_same() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 1)]).await;
    let deadline = makegood::delivery::Deadline::after(std::time::Duration::from_secs(30));
    let event = makegood_tests::queues::sqs_event("jobs", &["not json".to_owned()]);
    assert_eq!(
        shop.function().handle(event, deadline).await,
        json!({"batchItemFailures": []})
    );
    assert_eq!(shop.orders().await, 1);
    shop.close().await;
}
