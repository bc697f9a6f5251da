//! Two hundred buyers at once for fifty pieces.

use crate::shop::{Shop, body, request, send};
use futures::future::join_all;
use makegood::ids::OrderId;
use makegood::stock::{self, Consumed, ReleasedAs};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Barrier;
use uuid::Uuid;

const ARTICLES: [char; 5] = ['A', 'B', 'C', 'D', 'E'];
const EACH: i32 = 10;

/// Every second buyer wants one piece of two neighbours, half of them the other way round; the others want one piece of
/// one. Those alone are twice as many a variant as it has pieces, so that none can be left over.
fn carts() -> Vec<Vec<(char, i32)>> {
    let carts = (0..200_usize).map(|n| {
        let first = ARTICLES[n / 2 % 5];
        let second = ARTICLES[(n / 2 + 1) % 5];
        match n % 4 {
            0 => vec![(first, 1), (second, 1)],
            2 => vec![(second, 1), (first, 1)],
            _ => vec![(first, 1)],
        }
    });
    carts.collect()
}

async fn storm(shop: &Shop, carts: &[Vec<(char, i32)>]) -> Vec<(u64, Value)> {
    let buyers = shop.buyers(carts).await;
    let barrier = Arc::new(Barrier::new(buyers.len()));
    let checkouts = buyers.into_iter().map(|buyer| {
        let (function, barrier) = (Arc::clone(&shop.function), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            send(&function, request(buyer, None, &body("esewa"))).await
        })
    });
    let answers = join_all(checkouts).await;
    answers
        .into_iter()
        .map(|answer| answer.expect("no panic"))
        .collect()
}

/// Ids of the intents that were made; the others must each name what was short, and nothing that was not wanted.
fn intents(answers: &[(u64, Value)], carts: &[Vec<(char, i32)>]) -> Vec<String> {
    let mut made = Vec::new();
    for ((status, answer), cart) in answers.iter().zip(carts) {
        if *status == 200 {
            made.push(answer["payment_intent_id"].as_str().expect("an id").to_owned());
            continue;
        }
        assert_eq!(
            (*status, &answer["error"]["code"]),
            (409, &"insufficient_stock".into()),
            "{answer}"
        );
        let items = answer["error"]["items"].as_array().expect("items");
        assert!(!items.is_empty(), "{answer}");
        for item in items {
            let wanted = cart
                .iter()
                .find(|(article, _)| item["sku"] == format!("SKU-{article}"));
            let (_, pieces) = wanted.unwrap_or_else(|| panic!("{item} was not in {cart:?}"));
            assert_eq!(
                (item["wanted"].as_i64(), item["available"].as_i64()),
                (Some((*pieces).into()), Some(0))
            );
        }
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_buyers_at_once_get_exactly_the_fifty_pieces_there_are() {
    // GIVEN fifty pieces of five variants, and two hundred carts that overlap in different orders
    let shop = Shop::open_with_connections(&ARTICLES.map(|article| (article, EACH)), 40).await;
    let carts = carts();
    // WHEN all check out at once
    let answers = storm(&shop, &carts).await;
    // THEN all fifty are reserved and no more, and every other buyer is told what was short
    let intents = intents(&answers, &carts);
    assert_eq!(shop.levels().await, (50, 50));
    shop.assert_stock_adds_up().await;
    assert_eq!(
        shop.count("SELECT count(*) FROM payment_intents").await,
        i64::try_from(intents.len()).unwrap()
    );
    // WHEN every intent becomes an order, all at once
    let sold = join_all(intents.iter().map(|intent| sell(&shop, intent))).await;
    // THEN exactly fifty pieces were sold, and none is reserved any more
    assert_eq!(sold.iter().sum::<i32>(), 50);
    assert_eq!(shop.levels().await, (0, 0));
    let movements =
        "SELECT -sum(quantity_change)::bigint FROM inventory_movements WHERE movement_type = 'sale'";
    assert_eq!(shop.count(movements).await, 50);
    shop.assert_stock_adds_up().await;
    // AND no deadlock ever reached the server's log
    shop.close().await;
}

async fn sell(shop: &Shop, intent: &str) -> i32 {
    let mut transaction = shop.function.database.begin().await.expect("a transaction");
    let consumed = stock::consume(&mut transaction, intent, OrderId(Uuid::new_v4()))
        .await
        .expect("no error");
    transaction.commit().await.expect("a commit");
    match consumed {
        Consumed::Taken(taken) => taken.iter().map(|taken| taken.quantity).sum(),
        other => panic!("{intent}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_returns_to_zero_when_every_checkout_comes_to_nothing() {
    // GIVEN a storm that reserved everything
    let shop = Shop::open_with_connections(&ARTICLES.map(|article| (article, EACH)), 40).await;
    let carts = carts();
    let intents = intents(&storm(&shop, &carts).await, &carts);
    // WHEN each intent is released twice, all at once
    let releases = intents.iter().chain(&intents).map(|intent| async {
        let mut transaction = shop.function.database.begin().await.expect("a transaction");
        let freed = stock::release_if_active(&mut transaction, intent, ReleasedAs::Released)
            .await
            .expect("no error");
        transaction.commit().await.expect("a commit");
        freed.map_or(0, |freed| freed.pieces)
    });
    // THEN each piece is free again, once
    assert_eq!(join_all(releases).await.iter().sum::<i64>(), 50);
    assert_eq!(shop.levels().await, (50, 0));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_sales_and_releases_of_the_same_goods_at_once_never_deadlock() {
    // GIVEN sixty intents on the same two variants, in both orders
    let shop = Shop::open_with_connections(&[('A', 200), ('B', 200)], 40).await;
    let both = |n: usize| {
        if n.is_multiple_of(2) {
            vec![('A', 1), ('B', 1)]
        } else {
            vec![('B', 1), ('A', 1)]
        }
    };
    let first: Vec<_> = (0..60).map(both).collect();
    let intents = intents(&storm(&shop, &first).await, &first);
    // WHEN half are sold, half are released, and as many more buyers come, at the same time
    let ends = join_all(intents.iter().enumerate().map(|(n, intent)| {
        let shop = &shop;
        async move {
            if n.is_multiple_of(2) {
                sell(shop, intent).await;
            } else {
                let mut transaction = shop.function.database.begin().await.expect("a transaction");
                stock::release_if_active(&mut transaction, intent, ReleasedAs::Expired)
                    .await
                    .expect("no error");
                transaction.commit().await.expect("a commit");
            }
        }
    }));
    let (_, answers) = tokio::join!(ends, storm(&shop, &first));
    // THEN everybody got what they came for
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(shop.levels().await, (400 - 60, 120));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}
