//! Two hundred buyers at once for fifty pieces.

use crate::shop::{Shop, body, request, send};
use finalize_order::FinalizeOrder;
use futures::future::join_all;
use makegood::clock::Clock;
use makegood::delivery::Deadline;
use makegood::event::EventType;
use makegood::outbox::{Publisher, Transport};
use makegood::stock::{self, ReleasedAs};
use makegood_tests::queues::transport;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
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
    // WHEN every intent is paid and four workers make the orders at once
    pay(&shop, "").await;
    let (transport, _queues) = transport(&[EventType::OrderConfirmed]).await;
    join_all((0..4).map(|_| make_orders(&shop, transport.clone()))).await;
    // THEN exactly fifty pieces were sold, and none is reserved any more
    let orders = shop.count("SELECT count(*) FROM orders").await;
    assert_eq!(orders, i64::try_from(intents.len()).unwrap());
    assert_eq!(shop.levels().await, (0, 0));
    let movements =
        "SELECT -sum(quantity_change)::bigint FROM inventory_movements WHERE movement_type = 'sale'";
    assert_eq!(shop.count(movements).await, 50);
    shop.assert_stock_adds_up().await;
    // AND no deadlock ever reached the server's log
    shop.close().await;
}

/// The gateway called these intents paid, and their jobs wait.
async fn pay(shop: &Shop, which: &str) {
    let paid = format!(
        "INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified)
         SELECT provider, payment_intent_id, payment_intent_id, 'success', amount_cents FROM payment_intents {which};
         INSERT INTO job_queue (job_type, payload)
         SELECT 'finalize_order', jsonb_build_object('payment_intent_id', payment_intent_id) FROM payment_intents {which}"
    );
    shop.database.run_sql(&paid).await;
}

/// A worker makes orders until no job is runnable.
async fn make_orders(shop: &Shop, transport: Transport) {
    let worker = FinalizeOrder {
        publisher: Publisher {
            database: shop.database.through_pooler(2),
            transport,
        },
        waker: None,
        clock: Clock::System,
        timezone: chrono_tz::Asia::Kathmandu,
        worker: format!("worker-{}", Uuid::new_v4()),
        lease: Duration::from_secs(60),
        new_id: Uuid::new_v4,
    };
    worker.work(Deadline::after(Duration::from_secs(60))).await;
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
    let (sold, released): (Vec<_>, Vec<_>) =
        intents.iter().enumerate().partition(|(n, _)| n.is_multiple_of(2));
    for (_, intent) in &sold {
        pay(&shop, &format!("WHERE payment_intent_id = '{intent}'")).await;
    }
    let (transport, _queues) = transport(&[EventType::OrderConfirmed]).await;
    let sales = join_all((0..4).map(|_| make_orders(&shop, transport.clone())));
    let releases = join_all(released.into_iter().map(|(_, intent)| async {
        let mut transaction = shop.function.database.begin().await.expect("a transaction");
        stock::release_if_active(&mut transaction, intent, ReleasedAs::Expired)
            .await
            .expect("no error");
        transaction.commit().await.expect("a commit");
    }));
    let (_, _, answers) = tokio::join!(sales, releases, storm(&shop, &first));
    // THEN everybody got what they came for
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(shop.levels().await, (400 - 60, 120));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}
