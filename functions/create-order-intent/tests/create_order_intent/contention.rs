//! A checkout that loses to another transaction is made again; the buyer sees nothing of it.

use crate::shop::{Shop, body, request, variant};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

/// Locks a variant's stock in the other's transaction.
async fn lock(holder: &mut PgConnection, article: char) {
    let statement = format!(
        "SELECT FROM inventory WHERE variant_id = '{}' FOR UPDATE",
        variant(article)
    );
    sqlx::query(AssertSqlSafe(statement))
        .execute(holder)
        .await
        .expect("a lock");
}

/// So many statements in this database wait for a lock.
async fn until_waiting(shop: &Shop, statements: i64) {
    until_waiting_with(shop, statements, "").await;
}

/// The same, of statements that have this text in them.
async fn until_waiting_with(shop: &Shop, statements: i64, text: &str) {
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND position('{text}' IN query) > 0"
    );
    let all_wait = async { while shop.count(&waiting).await != statements {} };
    tokio::time::timeout(Duration::from_secs(20), all_wait)
        .await
        .expect("they wait for a lock");
}

/// A transaction that takes its locks the other way round, as a person's may, and that the server never chooses as the victim.
async fn other_way_round(shop: &Shop) -> PgConnection {
    let mut holder = PgConnection::connect(&shop.database.direct_url())
        .await
        .expect("Postgres answers");
    sqlx::raw_sql("SET deadlock_timeout = '1min'")
        .execute(&mut holder)
        .await
        .expect("set");
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waited_too_long_for_a_lock_is_made_as_a_transaction_and_succeeds() {
    // GIVEN a transaction that holds the stock for longer than the call waits
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let mut holder = other_way_round(&shop).await;
    let mut held = holder.begin().await.unwrap();
    lock(&mut held, 'A').await;
    // WHEN the call has ended, and the transaction waits in its place
    let ((status, answer), ()) = tokio::join!(shop.check_out(buyer), async {
        until_waiting_with(&shop, 1, "makegood_check_out").await;
        until_waiting_with(&shop, 1, "quantity_available").await;
        held.commit().await.unwrap();
    });
    // THEN the buyer sees nothing of it
    assert_eq!(status, 200, "{answer}");
    assert_eq!(shop.levels().await, (5, 1));
    shop.assert_stock_adds_up().await;
    shop.database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_a_deadlock_ended_is_made_again_and_succeeds() {
    // GIVEN a transaction that holds the second variant
    let shop = Shop::open(&[('A', 5), ('B', 5)]).await;
    let buyer = shop.buyer(&[('A', 1), ('B', 1)]).await;
    let mut holder = other_way_round(&shop).await;
    let mut held = holder.begin().await.unwrap();
    lock(&mut held, 'B').await;
    // WHEN a checkout has the first, waits for the second, and the other wants the first
    let ((status, answer), ()) = tokio::join!(shop.check_out(buyer), async {
        until_waiting(&shop, 1).await;
        lock(&mut held, 'A').await;
        held.commit().await.unwrap();
    });
    // THEN the server ends the checkout's transaction, and its second try goes through
    assert_eq!(status, 200, "{answer}");
    let errors = shop.database.server_errors().join("\n");
    assert!(errors.contains("deadlock detected"), "{errors}");
    assert_eq!(shop.levels().await, (10, 2));
    shop.assert_stock_adds_up().await;
    shop.database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_the_gateway_is_noted_although_a_deadlock_ended_the_first_try() {
    // GIVEN a checkout with a key that is reserved and not opened: its maker died before the gateway answered
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let requested = request(buyer, Some("key"), &body("esewa"));
    assert_eq!(shop.send(requested.clone()).await.0, 200);
    shop.database
        .run_sql("UPDATE payment_intents SET gateway_payment_url = NULL, external_transaction_id = NULL")
        .await;
    // AND a transaction that holds its reservation
    let mut holder = other_way_round(&shop).await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM inventory_reservations FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    // WHEN the buyer's second request has the intent, waits for the reservation, and the other wants the intent
    let ((status, answer), ()) = tokio::join!(shop.send(requested), async {
        until_waiting(&shop, 1).await;
        sqlx::query("SELECT FROM payment_intents FOR UPDATE")
            .execute(&mut *held)
            .await
            .unwrap();
        held.commit().await.unwrap();
    });
    // THEN the buyer gets the link
    assert_eq!(
        (status, answer["payment_url"].is_string()),
        (200, true),
        "{answer}"
    );
    let errors = shop.database.server_errors().join("\n");
    assert!(errors.contains("deadlock detected"), "{errors}");
    shop.database.drop().await;
}

#[tokio::test]
async fn a_checkout_that_loses_three_times_answers_503_and_reserves_nothing() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    shop.database
        .run_sql(
            "CREATE SEQUENCE tries;
             CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END $$;
             CREATE TRIGGER lose BEFORE INSERT ON inventory_reservations FOR EACH ROW EXECUTE FUNCTION lose()",
        )
        .await;
    let (status, answer) = shop.check_out(buyer).await;
    assert_eq!(
        (status, shop.count("SELECT last_value FROM tries").await),
        (503, 3),
        "{answer}"
    );
    assert_eq!(shop.levels().await, (5, 0));
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 0);
    shop.database.drop().await;
}
