//! The functions under the checkout, called as `finalize-order` and the sweeps call them.

use crate::shop::{Shop, noon, variant};
use chrono::TimeDelta;
use makegood::ids::OrderId;
use makegood::stock::{self, Consumed, Freed, Line, ReleasedAs, Reserved, Taken};
use uuid::Uuid;

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

async fn consume(shop: &Shop, intent: &str, order: Uuid) -> Consumed {
    let mut transaction = shop.function.database.begin().await.unwrap();
    let consumed = stock::consume(&mut transaction, intent, OrderId(order))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    consumed
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
async fn what_is_reserved_is_taken_once_with_a_movement_that_says_what_is_left() {
    let shop = Shop::open(&[('A', 5), ('B', 7)]).await;
    plant_intent(&shop, "pi_1").await;
    reserve(&shop, "pi_1", &[line('B', 4), line('A', 1), line('B', 2)]).await;
    let order = Uuid::new_v4();
    // WHEN the intent's order takes them
    let taken = |article, quantity, quantity_after| Taken {
        variant_id: variant(article),
        quantity,
        quantity_after,
    };
    assert_eq!(
        consume(&shop, "pi_1", order).await,
        Consumed::Taken(vec![taken('A', 1, 4), taken('B', 6, 1)])
    );
    // THEN they are out of the stock, with a movement a variant
    assert_eq!(shop.levels().await, (5, 0));
    let movements = format!(
        "SELECT count(*) FROM inventory_movements WHERE movement_type = 'sale' AND reference_type = 'order'
         AND reference_id = '{order}' AND (quantity_change, quantity_after) IN ((-1, 4), (-6, 1))"
    );
    assert_eq!(shop.count(&movements).await, 2);
    assert_eq!(shop.count("SELECT min(version)::bigint FROM inventory").await, 2);
    // AND neither a second order nor a late release changes anything
    assert_eq!(
        consume(&shop, "pi_1", Uuid::new_v4()).await,
        Consumed::NothingReserved
    );
    assert_eq!(
        (release(&shop, "pi_1").await, shop.levels().await),
        (None, (5, 0))
    );
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn what_was_released_can_be_reserved_again_for_the_same_intent_and_then_sold() {
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
    assert_eq!(
        consume(&shop, "pi_1", Uuid::new_v4()).await,
        Consumed::NothingReserved
    );
    // WHEN it is reserved once more and sold
    assert_eq!(reserve(&shop, "pi_1", &[line('A', 2)]).await, Reserved::All);
    assert!(matches!(
        consume(&shop, "pi_1", Uuid::new_v4()).await,
        Consumed::Taken(_)
    ));
    // THEN only what was reserved last is gone
    assert_eq!(shop.levels().await, (3, 0));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn pieces_without_a_stock_row_are_not_sold() {
    // GIVEN reserved pieces whose stock row somebody deleted
    let shop = Shop::open(&[('A', 2)]).await;
    plant_intent(&shop, "pi_1").await;
    reserve(&shop, "pi_1", &[line('A', 1)]).await;
    shop.database
        .run_sql(&format!(
            "DELETE FROM inventory WHERE variant_id = '{}'",
            variant('A')
        ))
        .await;
    // WHEN the order wants to take what has no stock row to be taken from
    let mut transaction = shop.function.database.begin().await.unwrap();
    let consumed = stock::consume(&mut transaction, "pi_1", OrderId(Uuid::new_v4()))
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    // THEN it is told, and can undo everything
    assert_eq!(consumed, Consumed::Contested);
    assert_eq!(
        shop.count("SELECT count(*) FROM inventory_reservations WHERE status = 'active'")
            .await,
        1
    );
    shop.close().await;
}
