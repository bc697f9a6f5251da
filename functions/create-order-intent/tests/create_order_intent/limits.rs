//! How much one buyer and one address may hold, and how whoever wants more is told.

use crate::shop::{Shop, body, noon, request, variant};
use chrono::TimeDelta;
use create_order_intent::CreateOrderIntent;
use create_order_intent::limits::{Limit, Limits};
use futures::future::join_all;
use makegood::clock::Clock;
use serde_json::{Value, json};
use uuid::Uuid;

/// The function with these limits: intents and pieces of a buyer, and of an address.
pub fn limited(shop: &Shop, buyer: (u32, u32), address: (u32, u32)) -> CreateOrderIntent {
    let limit = |(intents, pieces)| Limit { intents, pieces };
    CreateOrderIntent {
        database: shop.function.database.clone(),
        gateways: shop.function.gateways.clone(),
        limits: Limits {
            buyer: limit(buyer),
            address: limit(address),
        },
        price_grace: create_order_intent::PRICE_GRACE,
        clock: Clock::Fixed(noon() + TimeDelta::minutes(5)),
    }
}

/// The status, the code, and the header that says when to come again.
pub async fn told(function: &CreateOrderIntent, buyer: Uuid, address: &str) -> (u64, String, Value, Value) {
    let mut request = request(buyer, None, &body("esewa"));
    request["requestContext"]["http"]["sourceIp"] = json!(address);
    let answer = function.handle(request).await.expect("an HTTP request");
    let sent: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    let error = &sent["error"];
    (
        answer["statusCode"].as_u64().expect("a status"),
        error["code"].as_str().unwrap_or_default().to_owned(),
        error["limit"].clone(),
        answer["headers"]["retry-after"].clone(),
    )
}

/// The buyer's cart is another one from now on, as after the shop deleted the old.
async fn another_cart(shop: &Shop, buyer: Uuid) {
    let cart = Uuid::new_v4();
    shop.database
        .run_sql(&format!(
            "DELETE FROM carts WHERE user_id = '{buyer}';
             INSERT INTO carts (id, user_id) VALUES ('{cart}', '{buyer}');
             INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents) VALUES ('{cart}', '{}', 2, 10000)",
            variant('A')
        ))
        .await;
}

#[tokio::test]
async fn a_buyer_with_too_many_open_checkouts_is_told_when_the_first_of_them_ends() {
    let shop = Shop::open(&[('A', 50)]).await;
    let buyer = shop.buyer(&[('A', 2)]).await;
    // GIVEN two open checkouts of two carts, made at noon, which end at 12:35
    shop.intent_of(buyer).await;
    another_cart(&shop, buyer).await;
    shop.intent_of(buyer).await;
    // WHEN a third cart is checked out at 12:05 THEN it is refused, until the first ends
    another_cart(&shop, buyer).await;
    let wanted = json!({"of": "buyer", "what": "intents", "most": 2});
    let function = limited(&shop, (2, 100), (0, 0));
    let refused = (429, "too_many_checkouts".to_owned(), wanted, json!("1800"));
    assert_eq!(told(&function, buyer, "192.0.2.1").await, refused);
    assert_eq!(shop.levels().await, (50, 4));
    // AND pieces are counted over all of them
    let function = limited(&shop, (3, 5), (0, 0));
    let (status, _, limit, _) = told(&function, buyer, "192.0.2.1").await;
    assert_eq!((status, &limit["what"]), (429, &json!("pieces")));
    // AND with one more of each it goes through
    let function = limited(&shop, (3, 6), (0, 0));
    assert_eq!(told(&function, buyer, "192.0.2.1").await.0, 200);
    assert_eq!(shop.levels().await, (50, 6));
    // AND whoever checks the same cart out again is given what is open, at the limit too
    let function = limited(&shop, (1, 2), (1, 2));
    assert_eq!(told(&function, buyer, "192.0.2.1").await.0, 200);
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn a_cart_that_is_larger_than_a_buyer_may_reserve_is_refused_for_good() {
    let shop = Shop::open(&[('A', 50)]).await;
    let buyer = shop.buyer(&[('A', 6)]).await;
    let function = limited(&shop, (2, 5), (0, 0));
    let refused = (409, "cart_too_large".to_owned(), json!(null), json!(null));
    assert_eq!(told(&function, buyer, "192.0.2.1").await, refused);
    assert_eq!(shop.levels().await, (50, 0));
    shop.close().await;
}

#[tokio::test]
async fn what_a_checkout_takes_the_place_of_is_not_counted_and_neither_is_what_ended() {
    let shop = Shop::open(&[('A', 50)]).await;
    let buyer = shop.buyer(&[('A', 5)]).await;
    let function = limited(&shop, (1, 5), (1, 5));
    assert_eq!(told(&function, buyer, "2001:db8::1").await.0, 200);
    // WHEN the cart is changed, again and again, at the limit of everything
    for pieces in [4, 5, 3, 5] {
        shop.database
            .run_sql(&format!("UPDATE cart_items SET quantity = {pieces}"))
            .await;
        assert_eq!(told(&function, buyer, "2001:db8::1").await.0, 200);
    }
    assert_eq!(shop.levels().await, (50, 5));
    // AND after the buyer's checkout came to nothing, a neighbour may have one
    let neighbour = shop.buyer(&[('A', 5)]).await;
    assert_eq!(told(&function, neighbour, "2001:db8::2").await.0, 429);
    shop.database
        .run_sql("UPDATE payment_intents SET status = 'cancelled'")
        .await;
    assert_eq!(told(&function, neighbour, "2001:db8::2").await.0, 200);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_buyers_of_one_address_at_once_hold_what_one_address_may_hold() {
    // GIVEN twenty pieces, and one person with twenty accounts
    let shop = Shop::open_with_connections(&[('A', 20)], 20).await;
    let buyers = shop.buyers(&vec![vec![('A', 1)]; 20]).await;
    let function = limited(&shop, (3, 100), (5, 100));
    // WHEN all of them check out at the same instant, from addresses of one household
    let checkouts = buyers.iter().enumerate().map(|(number, buyer)| {
        let function = &function;
        async move { told(function, *buyer, &format!("2001:db8:1:2::{number}")).await }
    });
    let answers = join_all(checkouts).await;
    // THEN five are let in, and the others are told so
    let of = |status| answers.iter().filter(|answer| answer.0 == status).count();
    assert_eq!((of(200), of(429)), (5, 15), "{answers:?}");
    assert!(
        answers
            .iter()
            .filter(|answer| answer.0 == 429)
            .all(|answer| answer.2 == json!({"of": "address", "what": "intents", "most": 5})),
        "{answers:?}"
    );
    assert_eq!(shop.levels().await, (20, 5));
    // AND whoever comes from elsewhere is not held up by it
    let other = shop.buyer(&[('A', 15)]).await;
    assert_eq!(told(&function, other, "2001:db8:1:3::1").await.0, 200);
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn the_count_of_an_address_reads_its_own_intents_and_no_others() {
    // GIVEN five thousand open checkouts of as many addresses
    let shop = Shop::open(&[('A', 1)]).await;
    shop.database
        .run_sql(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, metadata)
             SELECT 'pi_' || n, gen_random_uuid(), 'esewa', 1, '[]', jsonb_build_object('client', '10.0.' || n / 250 || '.' || n % 250 || '/32')
             FROM generate_series(1, 5000) n",
        )
        .await;
    shop.database.run_sql("ANALYZE payment_intents").await;
    let query = include_str!("../../src/held_by_address.sql")
        .replace("$1", "'10.0.3.7/32'")
        .replace("$2", "'{}'::text[]")
        .replace("$3", "100");
    let pool = shop.database.direct();
    let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("EXPLAIN {query}")))
        .fetch_all(&pool)
        .await
        .expect("a plan");
    let plan = plan.join("\n");
    assert!(plan.contains("idx_payment_intents_client"), "{plan}");
    assert!(!plan.contains("Seq Scan on payment_intents"), "{plan}");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_default_isolation_is_stricter_lets_in_no_more() {
    // GIVEN a database in which all statements of a call see what was there before the first of them waited
    let articles: Vec<char> = ('A'..='T').collect();
    let stock: Vec<(char, i32)> = articles.iter().map(|article| (*article, 1)).collect();
    let shop = Shop::open_with_connections(&stock, 20).await;
    let carts: Vec<_> = articles.iter().map(|article| vec![(*article, 1)]).collect();
    let buyers = shop.buyers(&carts).await;
    let function = limited(&shop, (3, 100), (5, 100));
    shop.database
        .run_sql(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''',
                                        current_database()); END $$",
        )
        .await;
    // WHEN twenty buyers of one address want twenty things at the same instant
    let answers = join_all(buyers.iter().map(|buyer| told(&function, *buyer, "192.0.2.1"))).await;
    // THEN five are let in all the same
    let let_in = answers.iter().filter(|answer| answer.0 == 200).count();
    assert_eq!((let_in, shop.levels().await), (5, (20, 5)), "{answers:?}");
    shop.assert_stock_adds_up().await;
    shop.close().await;
}
