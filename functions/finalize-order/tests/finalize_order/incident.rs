//! The incident: 73 stuck jobs, 8 of them payments without order. The sweeps and the worker heal it without a person.

use crate::shop::Shop;
use makegood_tests::database::TestDatabase;

const INCIDENT: &str = include_str!("../../../../tests/fixtures/incident-orders.sql");

/// Everything that healing may touch, as one text a table.
async fn everything(shop: &Shop) -> Vec<String> {
    let mut tables = Vec::new();
    for table in [
        "job_queue",
        "orders",
        "order_items",
        "inventory",
        "inventory_reservations",
        "inventory_movements",
        "cart_items",
        "payment_intents",
        "payment_cases",
        "outbox",
    ] {
        let digest = format!(
            "SELECT '{table} ' || md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {table} t"
        );
        tables.push(shop.text(&digest).await);
    }
    tables
}

async fn assert_healed(shop: &Shop) {
    assert_eq!(
        shop.count("SELECT count(*) FROM job_queue WHERE status = 'completed'")
            .await,
        73
    );
    // Eight new orders with all their items, and the old ones as they were.
    assert_eq!(
        shop.count("SELECT count(*) FROM orders WHERE order_number NOT LIKE 'ORD-20251005-%'")
            .await,
        8
    );
    assert_eq!(
        (
            shop.orders().await,
            shop.count("SELECT count(*) FROM order_items").await
        ),
        (73, 146)
    );
    let different = "SELECT count(*) FROM payment_intents p JOIN orders o USING (payment_intent_id)
      WHERE p.amount_cents <> o.total_cents OR (SELECT count(*) FROM order_items i WHERE i.order_id = o.id) <> 2";
    assert_eq!(shop.count(different).await, 0);
    // What the eight had added to their carts is still there.
    assert_eq!(
        shop.count("SELECT count(*) FROM cart_items").await,
        73 * 3 - 8 * 2
    );
    assert_eq!(shop.count("SELECT count(*) FROM payment_cases").await, 0);
    assert_eq!(
        shop.count("SELECT sum(quantity_reserved) FROM inventory").await,
        0
    );
    shop.assert_sound().await;
}

#[tokio::test]
async fn the_sweeps_and_the_worker_heal_the_incident_and_running_twice_changes_nothing() {
    let shop = Shop::over(TestDatabase::create().await).await;
    shop.sql(INCIDENT).await;
    // WHEN the sweeps run, each of them twice at once, and two workers
    let (freed, freed_too) = tokio::join!(shop.sweep("reservations"), shop.sweep("reservations"));
    assert_eq!(
        (&freed["intents"], &freed_too["intents"]),
        (&0.into(), &0.into()),
        "what is paid stays reserved"
    );
    let (first, second) = tokio::join!(shop.sweep("stale-jobs"), shop.sweep("stale-jobs"));
    let both = |name: &str| first[name].as_i64().unwrap() + second[name].as_i64().unwrap();
    assert_eq!((both("requeued"), both("completed"), both("failed")), (66, 7, 0));
    tokio::join!(shop.work(), shop.work());
    // THEN all is healed, and the eight were published
    assert_healed(&shop).await;
    assert_eq!(shop.published().await.len(), 8);
    // WHEN all of it runs again THEN nothing changes
    let healed = everything(&shop).await;
    for name in ["reservations", "stale-jobs", "reconcile", "outbox"] {
        shop.sweep(name).await;
    }
    shop.work().await;
    assert_eq!(everything(&shop).await, healed);
    assert_eq!(shop.published().await, Vec::<String>::new());
    shop.close().await;
}

#[tokio::test]
async fn also_when_the_eight_are_out_of_attempts() {
    let shop = Shop::over(TestDatabase::create().await).await;
    shop.sql(INCIDENT).await;
    shop.sql("UPDATE job_queue SET attempts = 3").await;
    let swept = shop.sweep("stale-jobs").await;
    assert_eq!(
        (&swept["attemptsReturned"], &swept["completed"], &swept["failed"]),
        (&8.into(), &65.into(), &0.into())
    );
    shop.work().await;
    assert_healed(&shop).await;
    let healed = everything(&shop).await;
    shop.sweep("stale-jobs").await;
    shop.work().await;
    assert_eq!(everything(&shop).await, healed);
    shop.close().await;
}

/// As the incident was found, but no message wakes the worker for the stuck jobs: their rows are gone, as after a restore.
#[tokio::test]
async fn also_when_the_jobs_of_the_eight_were_lost() {
    let shop = Shop::over(TestDatabase::create().await).await;
    shop.sql(INCIDENT).await;
    shop.sql(
        "DELETE FROM job_queue j USING payment_intents i
         WHERE j.idempotency_key = 'payment_esewa_' || i.external_transaction_id
           AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = i.payment_intent_id);
         UPDATE payment_gateway_verifications SET verified_at = now() - interval '2 hours'",
    )
    .await;
    let swept = shop.sweep("reconcile").await;
    assert_eq!(
        (&swept["order"]["requeued"], &swept["order"]["paidUnfulfilled"]),
        (&8.into(), &8.into())
    );
    shop.sweep("stale-jobs").await;
    shop.work().await;
    assert_healed(&shop).await;
    shop.close().await;
}
