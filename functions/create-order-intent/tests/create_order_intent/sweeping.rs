//! The `reservations` sweep's chunk: what was not paid in time is free again, and nothing else.

use crate::shop::{Shop, noon};
use chrono::{DateTime, TimeDelta, Utc};
use makegood::stock::{self, Freed, Locks};

/// After eSewa's links and the grace.
fn late() -> DateTime<Utc> {
    noon() + TimeDelta::minutes(35)
}

/// The intents whose reservations one page of so many frees.
async fn sweep(shop: &Shop, now: DateTime<Utc>, most: i64) -> Vec<Freed> {
    let mut transaction = shop.function.database.begin().await.unwrap();
    let ended = stock::list_ended(&mut transaction, now, None, most)
        .await
        .unwrap();
    let expired = stock::expire(&mut transaction, &ended, now, Locks::Skip)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    expired.freed
}

async fn intents(shop: &Shop, number: usize) -> Vec<String> {
    let mut intents = Vec::new();
    for buyer in shop.buyers(&vec![vec![('B', 1), ('A', 1)]; number]).await {
        intents.push(shop.intent_of(buyer).await);
    }
    intents
}

#[tokio::test]
async fn reservations_are_freed_when_their_time_is_up_and_not_before() {
    let shop = Shop::open(&[('A', 5), ('B', 5)]).await;
    let intents = intents(&shop, 3).await;
    assert_eq!(sweep(&shop, late() - TimeDelta::seconds(1), 10).await, []);
    assert_eq!(shop.levels().await, (10, 6));
    // WHEN the time is up, four of the six reservations first
    let first = sweep(&shop, late(), 4).await;
    let last = sweep(&shop, late(), 4).await;
    // THEN all are freed and expired, and a further run finds nothing
    let pieces = |freed: &[Freed]| freed.iter().map(|freed| freed.pieces).sum::<i64>();
    assert_eq!((pieces(&first), pieces(&last)), (4, 2));
    assert!(
        first
            .iter()
            .chain(&last)
            .all(|freed| intents.contains(&freed.payment_intent_id))
    );
    assert_eq!(sweep(&shop, late(), 4).await, []);
    assert_eq!(shop.levels().await, (10, 0));
    assert_eq!(
        shop.count("SELECT count(*) FROM payment_intents WHERE status = 'expired'")
            .await,
        3
    );
    assert_eq!(
        shop.count("SELECT count(*) FROM inventory_reservations WHERE status = 'expired'")
            .await,
        6
    );
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn what_is_paid_or_being_decided_keeps_its_goods_and_what_ended_otherwise_keeps_its_status() {
    let shop = Shop::open(&[('A', 9), ('B', 9)]).await;
    let intents = intents(&shop, 5).await;
    let [succeeded, processing, verified, cancelled, mismatched] = intents.as_slice() else {
        panic!("five intents");
    };
    let verification = |intent: &str, status: &str| {
        format!(
            "INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
             SELECT provider, external_transaction_id, payment_intent_id, '{status}'
             FROM payment_intents WHERE payment_intent_id = '{intent}';"
        )
    };
    let status = |intent: &str, status: &str| {
        format!("UPDATE payment_intents SET status = '{status}' WHERE payment_intent_id = '{intent}';")
    };
    shop.database
        .run_sql(
            &[
                status(succeeded, "succeeded"),
                status(processing, "processing"),
                verification(verified, "success"),
                status(cancelled, "cancelled"),
                status(mismatched, "failed"),
                verification(mismatched, "amount_mismatch"),
            ]
            .concat(),
        )
        .await;
    let freed = sweep(&shop, late(), 10).await;
    let mut ids: Vec<_> = freed.iter().map(|freed| &freed.payment_intent_id).collect();
    ids.sort();
    let mut expected = vec![cancelled, mismatched];
    expected.sort();
    assert_eq!(ids, expected);
    assert_eq!(shop.levels().await, (18, 6));
    assert_eq!(
        shop.count("SELECT count(*) FROM payment_intents WHERE status = 'expired'")
            .await,
        0
    );
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn a_locked_intent_is_left_alone_and_does_not_hold_up_the_others() {
    // GIVEN a verification that holds one of two intents
    let shop = Shop::open(&[('A', 5), ('B', 5)]).await;
    let intents = intents(&shop, 2).await;
    let mut holder = shop.function.database.begin().await.unwrap();
    assert!(stock::lock_intent(&mut holder, &intents[0]).await.unwrap());
    // WHEN the sweep runs, it frees the other and does not wait
    let freed = sweep(&shop, late(), 10).await;
    assert_eq!((freed.len(), &freed[0].payment_intent_id), (1, &intents[1]));
    // THEN the one that was held still holds what it reserved
    let extended = stock::extend_if_active(&mut holder, &intents[0], late()).await;
    holder.commit().await.unwrap();
    assert_eq!(extended.unwrap(), 2);
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sweeps_at_once_free_each_reservation_once() {
    let shop = Shop::open(&[('A', 20), ('B', 20)]).await;
    intents(&shop, 20).await;
    let drain = || async {
        let mut freed = 0;
        loop {
            let page = sweep(&shop, late(), 3).await;
            if page.is_empty() {
                return freed;
            }
            freed += page.iter().map(|freed| freed.pieces).sum::<i64>();
        }
    };
    let (one, two) = tokio::join!(drain(), drain());
    // A sweep may end early because the other holds the rest; what is left is the next run's.
    assert_eq!(one + two + drain().await, 40);
    assert_eq!(shop.levels().await, (40, 0));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn what_was_freed_or_lasts_longer_since_it_was_listed_is_left_alone() {
    let shop = Shop::open(&[('A', 5), ('B', 5)]).await;
    let intents = intents(&shop, 2).await;
    // GIVEN a run that has listed the reservations of two intents
    let mut transaction = shop.function.database.begin().await.unwrap();
    let listed = stock::list_ended(&mut transaction, late(), None, 10)
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(listed.len(), 4);
    // AND since then one is held for longer, and another run freed the other
    shop.database
        .run_sql(&format!(
            "UPDATE inventory_reservations SET expires_at = '{}' WHERE payment_intent_id = '{}'",
            late() + TimeDelta::hours(1),
            intents[0]
        ))
        .await;
    assert_eq!(sweep(&shop, late(), 10).await[0].payment_intent_id, intents[1]);
    assert_eq!(shop.levels().await, (10, 2));
    // WHEN the first run goes on with its list THEN nothing is freed
    let mut transaction = shop.function.database.begin().await.unwrap();
    let expired = stock::expire(&mut transaction, &listed, late(), Locks::Skip)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((expired.freed, shop.levels().await), (Vec::new(), (10, 2)));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}
