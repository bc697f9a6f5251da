//! Payments that are held for want of a price: nothing goes around their case, and the price releases them.

use crate::bench::Bench;
use uuid::Uuid;

/// A payment that was recorded from its notes and held.
async fn held(bench: &Bench, paid_at: &str) -> (Uuid, Uuid) {
    let course = Uuid::new_v4();
    let payment = bench.payment(Uuid::new_v4(), course).await;
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO payment_cases (kind, subject, payment_id, amount_cents, currency, details)
             VALUES ('unpriced_payment', '{payment}', '{payment}', 499900, 'INR',
                     jsonb_build_object('courseId', '{course}', 'purchaseTier', 20, 'paidAt', {paid_at}))"
        ))
        .await;
    (payment, course)
}

async fn price(bench: &Bench, course: Uuid, amount: i64) {
    let price = format!(
        "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
         VALUES ('{course}', 20, 'INR', {amount}, now() - interval '2 days')"
    );
    bench.database.run_sql(&price).await;
}

#[tokio::test]
async fn a_held_payment_is_not_made_good_behind_its_case() {
    let bench = Bench::fresh().await;
    let (_, course) = held(&bench, "NULL").await;
    price(&bench, course, 499_901).await;
    let done = bench.reconcile().await;
    assert_eq!(
        (&done["paymentsAnnounced"], &done["paidUnfulfilled"]),
        (&0.into(), &0.into())
    );
    // A person who decided about it decided.
    bench
        .database
        .run_sql("UPDATE payment_cases SET status = 'resolved', resolved_by = 'asha', resolved_at = now()")
        .await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 0);
    assert_eq!(bench.database.count("SELECT count(*) FROM outbox").await, 0);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_price_that_is_entered_later_releases_the_payment_once_and_closes_its_case() {
    let bench = Bench::fresh().await;
    let (payment, course) = held(&bench, "NULL").await;
    // GIVEN another payment of the same course, from before the price was valid
    held(&bench, "now() - interval '3 days'").await;
    bench
        .database
        .run_sql(&format!(
            "UPDATE payment_cases SET details = details || jsonb_build_object('courseId', '{course}')"
        ))
        .await;
    price(&bench, course, 499_900).await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 1);
    assert_eq!(
        bench.published("purchase-confirmed").await,
        [format!("payment:{payment}:PURCHASE_CONFIRMED")]
    );
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 0);
    for (question, rows) in [
        (
            "SELECT count(*) FROM payment_cases WHERE status = 'resolved' AND resolved_by = 'sweep'",
            1,
        ),
        ("SELECT count(*) FROM payment_cases WHERE status = 'open'", 1),
        ("SELECT count(*) FROM audit_log WHERE action = 'case.resolve'", 1),
    ] {
        assert_eq!(bench.database.count(question).await, rows, "{question}");
    }
    bench.database.drop().await;
}
