//! Stock that was edited by hand: active reservations are the truth, counters follow them, and goods that are really missing are a
//! refund that names them.

use crate::shop::Shop;
use finalize_order::Finished;

const STOCK: &str = "SELECT concat_ws(' ', quantity_available, quantity_reserved) FROM inventory WHERE variant_id = md5('variant1')::uuid";

#[tokio::test]
async fn a_counter_that_was_reset_by_hand_stops_no_paid_order() {
    // GIVEN ten pieces, of which three paid orders hold two each, and a counter that says less
    for (edit, reserved_then) in [
        ("quantity_reserved = 0", 0),
        ("quantity_reserved = 1", 0),
        ("quantity_reserved = 5", 0),
        ("quantity_reserved = 9", 3),
    ] {
        let shop = Shop::open().await;
        for number in 1..=3 {
            shop.paid(number, &[(1, 2)]).await;
        }
        shop.sql(&format!(
            "UPDATE inventory SET {edit} WHERE variant_id = md5('variant1')::uuid"
        ))
        .await;
        // WHEN the jobs run THEN each order is made
        shop.work().await;
        assert_eq!(shop.orders().await, 3, "{edit}");
        assert_eq!(
            shop.count("SELECT count(*) FROM payment_cases").await,
            0,
            "{edit}"
        );
        // AND a counter that stopped it is what is still held; one that says too much stops no order here
        assert_eq!(shop.text(STOCK).await, format!("4 {reserved_then}"), "{edit}");
        shop.database.drop().await;
    }
}

#[tokio::test]
async fn of_orders_that_hold_more_than_is_there_the_first_get_it_and_the_last_a_refund() {
    // GIVEN two paid orders of two pieces each, and a stocktake that found three; they come one by one, and in one set
    for at_once in [false, true] {
        let shop = Shop::open().await;
        for number in 1..=2 {
            shop.paid(number, &[(1, 2)]).await;
        }
        shop.sql(
            "UPDATE inventory SET quantity_available = 3 WHERE variant_id = md5('variant1')::uuid;
             INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
             VALUES (md5('variant1')::uuid, 'adjustment', -7, 3)",
        )
        .await;
        // WHEN their jobs run
        if at_once {
            shop.work().await;
        } else {
            assert_eq!(shop.run_one().await, Finished::Completed);
            assert!(matches!(shop.run_one().await, Finished::Failed(_)));
        }
        // THEN the first is an order, the second a refund with what it wanted and what is left, and nothing is held
        assert_eq!(shop.orders().await, 1, "{at_once}");
        let case = "SELECT concat_ws(' ', kind, status, details ->> 'code', details ->> 'reason') FROM payment_cases";
        let case = shop.text(case).await;
        assert!(
            case.starts_with("refund_due open stock_gone")
                && case.contains("2 pieces of SKU-1")
                && case.contains("1 left"),
            "{case}"
        );
        assert_eq!(shop.text(STOCK).await, "1 0", "{at_once}");
        shop.assert_sound().await;
        shop.database.drop().await;
    }
}

#[tokio::test]
async fn an_order_that_takes_pieces_anew_takes_none_that_others_hold_whatever_the_counter_says() {
    // GIVEN ten pieces, a buyer of three who paid after the reservation was over, and four who hold two each; the late one is first
    for edit in [
        "quantity_reserved = 0",
        "quantity_reserved = 7",
        "quantity_reserved = 10",
        "reserved_written = NULL",
    ] {
        let shop = Shop::open().await;
        shop.paid(5, &[(1, 3)]).await;
        shop.sql("UPDATE inventory_reservations SET status = 'expired'; UPDATE inventory SET quantity_reserved = 0, reserved_written = 0")
            .await;
        for number in 1..=4 {
            shop.paid(number, &[(1, 2)]).await;
        }
        shop.sql(&format!(
            "UPDATE inventory SET reserved_written = quantity_reserved; UPDATE inventory SET {edit} WHERE variant_id = md5('variant1')::uuid"
        ))
        .await;
        // WHEN the jobs run THEN those who hold pieces get them, and the late one a refund
        shop.work().await;
        assert_eq!(shop.orders().await, 4, "{edit}");
        let late = "SELECT concat_ws(' ', kind, details ->> 'code', payment_intent_id = (SELECT payment_intent_id FROM payment_intents
                    WHERE user_id = md5('buyer5')::uuid)) FROM payment_cases";
        assert_eq!(shop.text(late).await, "refund_due stock_gone t", "{edit}");
        shop.assert_sound().await;
        shop.database.drop().await;
    }
}
