//! Whose turn it is when more payments wait for a question than a run can ask.

use makegood_tests::database::TestDatabase;

/// The ids that the next chunk of this size asks about, in their order.
async fn next(database: &TestDatabase, most: i64) -> Vec<String> {
    let pool = database.direct();
    sqlx::query_as::<_, (String, String)>(include_str!("../../src/reconcile/order/due_intents.sql"))
        .bind(most)
        .bind(Vec::<String>::new())
        .fetch_all(&pool)
        .await
        .unwrap()
        .into_iter()
        .map(|(_, external)| external)
        .collect()
}

/// Checkouts from which this buyer did not come back: numbers `from` to `to`, each as many seconds old as its number and six minutes.
async fn checkouts(database: &TestDatabase, buyer: u32, from: u32, to: u32) {
    database
        .run_sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, external_transaction_id, amount_cents, status,
                                          items, shipping_address, idempotency_key, created_at, expires_at)
             SELECT 'pi_{buyer}_' || n, md5('{buyer}')::uuid, gen_random_uuid(), 'khalti', '{buyer}-' || n, 1000, 'pending',
                    '[]', '{{}}', '{buyer}-' || n, now() - interval '6 minutes' - n * interval '1 second', now()
             FROM generate_series({from}, {to}) n"
        ))
        .await;
}

#[tokio::test]
async fn a_buyer_with_many_checkouts_waits_behind_those_with_one() {
    // GIVEN a buyer with fifty of the newest checkouts, and five buyers with an older one each
    let database = TestDatabase::create().await;
    checkouts(&database, 1, 1, 50).await;
    for buyer in 2..=6 {
        checkouts(&database, buyer, 100 + buyer, 100 + buyer).await;
    }
    // THEN each buyer is asked about once before anybody is asked about twice
    let mut first = next(&database, 6).await;
    first.sort();
    assert_eq!(first, ["1-1", "2-102", "3-103", "4-104", "5-105", "6-106"]);
    assert_eq!(next(&database, 8).await[6..], ["1-2", "1-3"]);
    assert_eq!(next(&database, 100).await.len(), 55);
    database.drop().await;
}

#[tokio::test]
async fn neither_a_backlog_nor_new_checkouts_keep_the_others_waiting() {
    let database = TestDatabase::create().await;
    for buyer in 1..=20 {
        checkouts(&database, buyer, buyer, buyer).await;
    }
    let mut first = next(&database, 6).await;
    first.sort();
    assert_eq!(first, ["1-1", "18-18", "19-19", "2-2", "20-20", "3-3"]);
    // AND who was never asked comes before who was
    database
        .run_sql(
            "UPDATE payment_intents SET metadata = jsonb_build_object('gateway', jsonb_build_object('asked_at', now() - interval '1 hour'))
             WHERE external_transaction_id <> '7-7'",
        )
        .await;
    assert_eq!(next(&database, 1).await, ["7-7"]);
    database.drop().await;
}
