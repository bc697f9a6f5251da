//! Reconciliation over the older system's data: what was lost there is found, and nothing else is touched.

use crate::bench::Bench;
use makegood_tests::database::TestDatabase;
use uuid::Uuid;

/// The older system's tables and rows, migrated; everything in them is three days old.
async fn older_database() -> TestDatabase {
    let database = TestDatabase::create_empty().await;
    database
        .run_sql(include_str!("../../../../tests/fixtures/legacy-schema.sql"))
        .await;
    makegood::schema::migrate(&database.direct_url().parse().unwrap(), &|_| {})
        .await
        .unwrap();
    database
        .run_sql("UPDATE trainer_allocations SET created_at = now() - interval '3 days'")
        .await;
    database
}

fn ids(kind: &str, numbers: std::ops::RangeInclusive<u32>) -> String {
    format!(
        "SELECT md5('{kind}' || n)::uuid::text FROM generate_series({}, {}) n",
        numbers.start(),
        numbers.end()
    )
}

async fn texts(database: &TestDatabase, query: String) -> Vec<String> {
    let mut texts: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_all(&database.direct())
        .await
        .unwrap();
    texts.sort();
    texts
}

#[tokio::test]
async fn what_the_older_system_lost_is_published_once() {
    // GIVEN 150 payments of which 101 to 150 have no purchase, and 100 purchases of which 91 to 100 have no allocation
    let bench = Bench::over(older_database().await).await;
    // WHEN reconciled
    let done = bench.reconcile().await;
    // THEN exactly those are published, and every allocation without sessions ahead
    assert_eq!(
        (
            done["paymentsAnnounced"].as_i64(),
            done["paidUnfulfilled"].as_i64()
        ),
        (Some(50), Some(50))
    );
    let payments = texts(&bench.database, ids("payment", 101..=150)).await;
    let expected: Vec<String> = payments
        .iter()
        .map(|id| format!("payment:{id}:PURCHASE_CONFIRMED"))
        .collect();
    assert_eq!(bench.published("purchase-confirmed").await, expected);
    let purchases = texts(&bench.database, ids("purchase", 91..=100)).await;
    let expected: Vec<String> = purchases
        .iter()
        .map(|id| format!("purchase-created-{id}"))
        .collect();
    assert_eq!(bench.published("purchase-created").await, expected);
    let allocations = texts(
        &bench.database,
        "SELECT a.id::text FROM trainer_allocations a WHERE NOT EXISTS (
            SELECT FROM tutoring_sessions s WHERE s.allocation_id = a.id AND s.status = 'scheduled'
            AND s.scheduled_date >= (now() AT TIME ZONE 'Asia/Kolkata')::date)"
            .to_owned(),
    )
    .await;
    assert!(allocations.len() >= 10, "{}", allocations.len());
    let expected: Vec<String> = allocations
        .iter()
        .map(|id| format!("trainer-allocated-{id}"))
        .collect();
    assert_eq!(bench.published("trainer-allocated").await, expected);
    // WHEN reconciled again THEN nothing new is published
    let done = bench.reconcile().await;
    for what in [
        "paymentsAnnounced",
        "purchasesAnnounced",
        "pendingAskedAgain",
        "allocationsAnnounced",
    ] {
        assert_eq!(done[what], 0, "{what}");
    }
    for topic in ["purchase-confirmed", "purchase-created", "trainer-allocated"] {
        assert_eq!(bench.published(topic).await, Vec::<String>::new());
    }
    bench.database.drop().await;
}

#[tokio::test]
async fn an_older_purchase_is_one_payments_and_the_others_are_published() {
    // GIVEN a purchase from before Makegood, ended by now, and three payments for it
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let oldest = bench.payment(student, course).await;
    let marked = bench.payment(student, course).await;
    let later = bench.payment(student, course).await;
    let purchase = bench.purchase(student, course, None, "12 hours").await;
    bench
        .database
        .run_sql(&format!(
            "UPDATE student_course_purchases SET is_active = false WHERE id = '{purchase}';
             UPDATE payments SET created_at = now() - interval '3 days' WHERE id = '{oldest}';
             UPDATE payments SET created_at = now() - interval '6 hours' WHERE id = '{later}';
             INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
             VALUES ('payment:{marked}:PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', '{marked}', '{{}}', 'payment-service')"
        ))
        .await;
    // WHEN reconciled THEN the purchase is the marked payment's
    bench.reconcile().await;
    let event = |payment: Uuid| format!("payment:{payment}:PURCHASE_CONFIRMED");
    let mut expected = [event(oldest), event(later)];
    expected.sort();
    assert_eq!(bench.published("purchase-confirmed").await, expected);
    // WHEN the mark is lost too THEN it is the oldest's, and never that of a payment made after it
    bench
        .database
        .run_sql("DELETE FROM processed_events; DELETE FROM outbox")
        .await;
    bench.reconcile().await;
    let mut expected = [event(marked), event(later)];
    expected.sort();
    assert_eq!(bench.published("purchase-confirmed").await, expected);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_payment_made_after_the_older_purchase_did_not_buy_it() {
    // GIVEN an older purchase whose payment is not on record, and a payment made hours after it
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    bench.purchase(student, course, None, "2 days").await;
    let later = bench.payment(student, course).await;
    // WHEN reconciled THEN the payment is published, for create-purchase to open the case
    bench.reconcile().await;
    let published = bench.published("purchase-confirmed").await;
    assert_eq!(published, [format!("payment:{later}:PURCHASE_CONFIRMED")]);
    bench.database.drop().await;
}
