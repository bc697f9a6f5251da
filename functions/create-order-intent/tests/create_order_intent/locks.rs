//! What a checkout waits for before it counts and reserves, and what it leaves as it found it.

use crate::limits::{limited, told};
use crate::shop::{Shop, body, noon, request};
use makegood::replacement;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use std::time::Duration;
use uuid::Uuid;

/// So many statements in this database wait for a lock.
async fn until_waiting(shop: &Shop, statements: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let all_wait = async { while shop.count(waiting).await != statements {} };
    tokio::time::timeout(Duration::from_secs(20), all_wait)
        .await
        .expect("they wait for a lock");
}

/// A transaction that holds the advisory lock of this name, once it is free.
async fn holding(shop: &Shop, name: &str) -> Transaction<'static, Postgres> {
    let mut holder = shop.database.direct().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(name)
        .execute(&mut *holder)
        .await
        .unwrap();
    holder
}

#[tokio::test]
async fn a_plain_checkout_waits_while_another_of_its_address_is_counted() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let function = limited(&shop, (3, 100), (5, 100));
    // GIVEN a buyer of the same address who has counted, and not inserted yet
    let holder = holding(&shop, "checkout-address:192.0.2.1/32").await;
    let (answer, ()) = tokio::join!(told(&function, buyer, "192.0.2.1"), async {
        until_waiting(&shop, 1).await;
        assert_eq!(shop.levels().await, (5, 0));
        holder.commit().await.unwrap();
    });
    assert_eq!((answer.0, shop.levels().await), (200, (5, 1)));
    shop.close().await;
}

#[tokio::test]
async fn a_plain_checkout_waits_while_another_of_its_buyer_is_made() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let holder = holding(&shop, &format!("checkout:{buyer}")).await;
    let (answer, ()) = tokio::join!(shop.check_out(buyer), async {
        until_waiting(&shop, 1).await;
        assert_eq!(shop.levels().await, (5, 0));
        holder.commit().await.unwrap();
    });
    assert_eq!((answer.0, shop.levels().await), (200, (5, 1)));
    shop.close().await;
}

#[tokio::test]
async fn a_checkout_that_is_not_plain_waits_for_its_buyer_once_more() {
    // GIVEN a buyer with an open checkout, whose next one replaces it: in a transaction, after a call that found it not plain
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    shop.intent_of(buyer).await;
    let lock = format!("checkout:{buyer}");
    let first = holding(&shop, &lock).await;
    let others = async {
        // The call waits for the first holder, and a second one waits behind the call.
        until_waiting(&shop, 1).await;
        let (second, ()) = tokio::join!(holding(&shop, &lock), async {
            until_waiting(&shop, 2).await;
            first.commit().await.unwrap();
        });
        // THEN the transaction waits for the second
        until_waiting(&shop, 1).await;
        second.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(shop.send(request(buyer, None, &body("khalti"))), others);
    assert_eq!(answer.0, 200, "{}", answer.1);
    assert_eq!(shop.levels().await, (5, 1));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

async fn checkout_of(shop: &Shop, intent: &str) -> Value {
    shop.json(&format!(
        "SELECT coalesce(metadata -> 'checkout', 'null') FROM payment_intents WHERE payment_intent_id = '{intent}'"
    ))
    .await
}

#[tokio::test]
async fn after_an_order_the_next_checkout_is_a_new_one() {
    // GIVEN a checkout that ended unpaid, and a second one of the same cart that is part of it
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let first = shop.intent_of(buyer).await;
    let end = "UPDATE payment_intents SET status = 'cancelled'";
    shop.database.run_sql(end).await;
    let second = shop.intent_of(buyer).await;
    assert_eq!(checkout_of(&shop, &second).await, json!(first));
    // WHEN the second becomes an order, and the buyer checks out again
    shop.database
        .run_sql(&format!(
            "UPDATE payment_intents SET status = 'succeeded' WHERE payment_intent_id = '{second}';
             INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
             VALUES ('ORD-1', '{buyer}', '{second}', 'esewa', 10000, 10000)"
        ))
        .await;
    let third = shop.intent_of(buyer).await;
    // THEN it is no part of what was bought
    assert_eq!(checkout_of(&shop, &third).await, Value::Null);
    shop.close().await;
}

#[tokio::test]
async fn an_intent_that_ended_is_not_replaced() {
    for status in ["succeeded", "failed", "expired", "cancelled"] {
        let shop = Shop::open(&[('A', 5)]).await;
        let buyer: Uuid = shop.buyer(&[('A', 1)]).await;
        let intent = shop.intent_of(buyer).await;
        shop.database
            .run_sql(&format!("UPDATE payment_intents SET status = '{status}'"))
            .await;
        let mut transaction = shop.function.database.begin().await.unwrap();
        replacement::replace(&mut transaction, &[intent], "pi_newer", "pi_first", noon())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        let row = shop.json("SELECT to_jsonb(i) FROM payment_intents i").await;
        assert_eq!(
            (&row["status"], &row["metadata"]["replaced_by"]),
            (&json!(status), &Value::Null)
        );
        shop.close().await;
    }
}
