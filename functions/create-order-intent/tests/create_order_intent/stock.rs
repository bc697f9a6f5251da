//! The functions under the checkout, called as `verify-payment` and the sweeps call them.

use crate::shop::{Shop, noon, variant};
use chrono::TimeDelta;
use makegood::stock::{self, Freed, Line, ReleasedAs, Reserved};

fn line(article: char, quantity: i32) -> Line {
    Line {
        variant_id: variant(article),
        quantity,
    }
}

async fn plant_intent(shop: &Shop, id: &str) {
    shop.database
        .run_sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
             VALUES ('{id}', md5('buyer')::uuid, 'esewa', 1, '[]')"
        ))
        .await;
}

async fn reserve(shop: &Shop, intent: &str, lines: &[Line]) -> Reserved {
    let mut transaction = shop.function.database.begin().await.unwrap();
    let until = noon() + TimeDelta::minutes(35);
    let reserved = stock::reserve(&mut transaction, intent, lines, until)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    reserved
}

async fn release(shop: &Shop, intent: &str) -> Option<Freed> {
    let mut transaction = shop.function.database.begin().await.unwrap();
    let freed = stock::release_if_active(&mut transaction, intent, ReleasedAs::Expired)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    freed
}

#[tokio::test]
async fn two_lines_of_one_variant_count_together() {
    // GIVEN five pieces
    let shop = Shop::open(&[('A', 5)]).await;
    plant_intent(&shop, "pi_1").await;
    // WHEN two lines want three each
    let Reserved::Short(short) = reserve(&shop, "pi_1", &[line('A', 3), line('A', 3)]).await else {
        panic!("six of five pieces were reserved");
    };
    // THEN they are short of one, together, and nothing was written even though the caller committed
    assert_eq!((short.len(), short[0].wanted, short[0].available), (1, 6, 5));
    assert_eq!(short[0].sku, "SKU-A");
    assert_eq!(shop.count("SELECT count(*) FROM inventory_reservations").await, 0);
    // AND two lines that fit are a reservation each
    assert_eq!(
        reserve(&shop, "pi_1", &[line('A', 2), line('A', 3)]).await,
        Reserved::All
    );
    assert_eq!(
        shop.count("SELECT count(*) FROM inventory_reservations WHERE status = 'active'")
            .await,
        2
    );
    assert_eq!(shop.levels().await, (5, 5));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn what_was_released_can_be_reserved_again_for_the_same_intent() {
    let shop = Shop::open(&[('A', 5)]).await;
    plant_intent(&shop, "pi_1").await;
    // GIVEN two rounds of reserving and releasing
    for _ in 0..2 {
        assert_eq!(reserve(&shop, "pi_1", &[line('A', 2)]).await, Reserved::All);
        let freed = release(&shop, "pi_1").await.expect("something to free");
        assert_eq!((freed.reservations, freed.pieces), (1, 2));
        assert_eq!(shop.levels().await, (5, 0));
    }
    assert_eq!(release(&shop, "pi_1").await, None);
    // WHEN it is reserved once more THEN it holds what was reserved last
    assert_eq!(reserve(&shop, "pi_1", &[line('A', 2)]).await, Reserved::All);
    assert_eq!(shop.levels().await, (5, 2));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn whatever_another_hand_writes_into_the_counter_what_is_reserved_is_not_sold_again() {
    for counter in 0..=6 {
        for written in ["NULL", "4"] {
            // GIVEN five pieces, of which another buyer holds four, and a counter that another hand has set
            let shop = Shop::open(&[('A', 5)]).await;
            for intent in ["pi_1", "pi_2", "pi_3"] {
                plant_intent(&shop, intent).await;
            }
            assert_eq!(reserve(&shop, "pi_1", &[line('A', 4)]).await, Reserved::All);
            let edit =
                format!("UPDATE inventory SET quantity_reserved = {counter}, reserved_written = {written}");
            shop.database.run_sql(&edit).await;
            // WHEN two more are wanted THEN one is free
            let Reserved::Short(short) = reserve(&shop, "pi_2", &[line('A', 2)]).await else {
                panic!("a reserved piece was reserved again: {edit}");
            };
            assert_eq!((short[0].wanted, short[0].available), (2, 1), "{edit}");
            // AND it can be had, and the counter is right again
            assert_eq!(
                reserve(&shop, "pi_3", &[line('A', 1)]).await,
                Reserved::All,
                "{edit}"
            );
            assert_eq!(shop.levels().await, (5, 5), "{edit}");
            shop.assert_stock_adds_up().await;
            // AND what ends later leaves it so
            assert!(release(&shop, "pi_1").await.is_some());
            assert_eq!(shop.levels().await, (5, 1), "{edit}");
            let differs =
                "SELECT count(*) FROM inventory WHERE reserved_written IS DISTINCT FROM quantity_reserved";
            assert_eq!(shop.count(differs).await, 0, "{edit}");
            shop.close().await;
        }
    }
}
