//! What a checkout costs in round trips to the database, and how long it holds the stock that others want.

use crate::shop::{Shop, body, request, send, variant};
use create_order_intent::CreateOrderIntent;
use makegood_tests::link::{Link, to_client, to_server};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The function with one connection, through this link.
fn through(link: &Link, shop: &Shop) -> CreateOrderIntent {
    CreateOrderIntent {
        database: shop.database.through_link(link, 1),
        gateways: shop.function.gateways.clone(),
        limits: shop.function.limits,
        price_grace: shop.function.price_grace,
        clock: shop.function.clock,
    }
}

/// A request with a key, from an address that is counted.
fn of(buyer: uuid::Uuid, method: &str, key: &str) -> Value {
    let mut request = request(buyer, Some(key), &body(method));
    request["requestContext"]["http"]["sourceIp"] = json!("192.0.2.1");
    request
}

#[tokio::test]
async fn a_checkout_costs_one_round_trip_before_the_gateway_and_one_after_it() {
    let shop = Shop::open(&[('A', 50), ('B', 50), ('C', 0)]).await;
    let link = Link::to_url(&shop.database.pooler_url()).await;
    let function = through(&link, &shop);
    let mut costs = Vec::new();
    for method in ["esewa", "khalti"] {
        for (cart, status) in [
            (vec![('A', 1), ('B', 2)], 200),
            (vec![('B', 1)], 200),
            (vec![('C', 1)], 409),
            (vec![('C', 2)], 409),
        ] {
            let buyer = shop.buyer(&cart).await;
            let before = link.round_trips();
            let answer = send(&function, of(buyer, method, "key")).await;
            assert_eq!(answer.0, status, "{}", answer.1);
            costs.push((cart[0].0, link.round_trips() - before));
        }
    }
    // The first of each kind pays for the connection and for preparing the statements. What is short is said in one, and that
    // its counter is right in another.
    assert_eq!(costs[4..], [('A', 2), ('B', 2), ('C', 2), ('C', 2)]);
    function.database.close();
    shop.close().await;
}

#[tokio::test]
async fn no_buyer_waits_for_the_stock_of_a_checkout_that_has_not_been_answered_yet() {
    // GIVEN a checkout whose one call is prepared
    let shop = Shop::open(&[('A', 50)]).await;
    let buyers = shop.buyers(&[vec![('A', 1)], vec![('A', 1)]]).await;
    let link = Link::to_url(&shop.database.pooler_url()).await;
    let function = through(&link, &shop);
    assert_eq!(send(&function, of(buyers[0], "esewa", "key")).await.0, 200);
    // WHEN another one is reserved, and the answer of the database has not come back
    let mut stop = link.stop_at(&[to_server("pi_esewa_"), to_client("SELECT 1\0")]);
    let mut other = PgConnection::connect(&shop.database.direct_url()).await.unwrap();
    let (answer, ()) = tokio::join!(send(&function, of(buyers[1], "esewa", "key")), async {
        stop.reached().await;
        // THEN its pieces are taken, and whoever wants the same variant need not wait
        assert_eq!(shop.levels().await, (50, 2));
        let at_once = format!(
            "SELECT FROM inventory WHERE variant_id = '{}' FOR UPDATE NOWAIT",
            variant('A')
        );
        let free = sqlx::query(AssertSqlSafe(at_once)).execute(&mut other).await;
        assert_eq!(free.expect("the row is free").rows_affected(), 1);
        link.release();
    });
    assert_eq!(answer.0, 200, "{}", answer.1);
    other.close().await.unwrap();
    function.database.close();
    shop.assert_stock_adds_up().await;
    shop.close().await;
}
