//! The rule of what is paid and not fulfilled, asked about single rows: what is owed for nothing, and what is worked on.

use crate::bench::Bench;
use chrono::Utc;
use chrono_tz::Asia::Kolkata;
use makegood::school_days::TeachingDays;
use makegood::unfulfilled::{Kind, Rule, Unfulfilled, find};
use uuid::Uuid;

/// Whether this is unfulfilled, and then whether it may be healed now.
async fn owed(bench: &Bench, kind: Kind, id: &str) -> Option<bool> {
    let rule = Rule {
        now: Utc::now(),
        today: Utc::now().with_timezone(&Kolkata).date_naive(),
        timezone: Kolkata,
        teaching_days: TeachingDays::default(),
    };
    let mut connection = bench.sweep.publisher.database.acquire().await.unwrap();
    let found = find(&mut connection, kind, &[id.to_owned()], &rule)
        .await
        .unwrap();
    assert!(found.len() <= 1);
    found.first().map(Unfulfilled::is_due)
}

#[tokio::test]
async fn nothing_is_owed_for_a_payment_that_was_given_back_since_it_was_found() {
    let bench = Bench::fresh().await;
    let payment = bench.payment(Uuid::new_v4(), Uuid::new_v4()).await.to_string();
    assert_eq!(owed(&bench, Kind::Payment, &payment).await, Some(true));
    bench
        .database
        .run_sql("UPDATE payments SET status = 'refunded'")
        .await;
    assert_eq!(owed(&bench, Kind::Payment, &payment).await, None);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_intent_is_left_alone_while_its_job_runs_and_once_its_money_is_back() {
    let bench = Bench::fresh().await;
    bench
        .database
        .run_sql(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, status)
             VALUES ('pi_1', gen_random_uuid(), 'esewa', 'txn-1', 500, '[]', 'processing');
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified,
                                                        verified_at)
             VALUES ('esewa', 'txn-1', 'pi_1', 'success', 500, now() - interval '1 hour');
             INSERT INTO job_queue (job_type, payload, idempotency_key)
             VALUES ('finalize_order', '{\"payment_intent_id\": \"pi_1\"}', 'payment_esewa_txn-1')",
        )
        .await;
    for (state, is_due) in [
        ("status = 'pending'", false),
        (
            "status = 'processing', attempts = 1, locked_by = 'worker', locked_until = now()",
            false,
        ),
        (
            "status = 'failed', failed_at = now(), locked_by = NULL, locked_until = NULL",
            true,
        ),
    ] {
        bench
            .database
            .run_sql(&format!("UPDATE job_queue SET {state}"))
            .await;
        assert_eq!(owed(&bench, Kind::Intent, "pi_1").await, Some(is_due), "{state}");
    }
    bench
        .database
        .run_sql("UPDATE payment_intents SET given_back_at = now()")
        .await;
    assert_eq!(owed(&bench, Kind::Intent, "pi_1").await, None);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_allocation_is_left_alone_while_its_payment_is_disputed() {
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let payment = bench.payment(student, course).await;
    bench.purchase(student, course, Some(payment), "1 day").await;
    let allocation = bench.allocation(student, course).await.to_string();
    assert_eq!(owed(&bench, Kind::Allocation, &allocation).await, Some(true));
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO disputes (provider, provider_dispute_id, payment_id, amount_minor, currency, status, told_at)
             VALUES ('razorpay', 'disp_1', '{payment}', 100, 'INR', 'open', now())"
        ))
        .await;
    for (status, expected) in [
        ("open", None),
        ("under_review", None),
        ("action_required", None),
        ("won", Some(true)),
    ] {
        bench
            .database
            .run_sql(&format!("UPDATE disputes SET status = '{status}'"))
            .await;
        let found = owed(&bench, Kind::Allocation, &allocation).await;
        assert_eq!(found, expected, "{status}");
    }
    bench.database.drop().await;
}

#[tokio::test]
async fn whoever_has_a_trainer_is_not_asked_for_again() {
    // GIVEN a purchase for which no trainer was free, and which got one all the same
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let payment = bench.payment(student, course).await;
    let purchase = bench.purchase(student, course, Some(payment), "1 day").await;
    let allocation = bench.allocation(student, course).await;
    bench.session(allocation, 2, "scheduled").await;
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO trainer_allocations (student_id, course_id, requested_by, status, created_at, updated_at)
             VALUES ('{student}', '{course}', '{student}', 'pending', now() - interval '1 hour', now() - interval '1 hour')"
        ))
        .await;
    bench.reconcile().await;
    assert_eq!(bench.published("purchase-created").await, Vec::<String>::new());
    // WHEN it has none any more THEN it is asked for
    bench
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET status = 'cancelled' WHERE id = '{allocation}'"
        ))
        .await;
    bench.reconcile().await;
    assert_eq!(
        bench.published("purchase-created").await,
        [format!("purchase-created-{purchase}")]
    );
    bench.database.drop().await;
}
