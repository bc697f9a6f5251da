//! A row that another session holds keeps a verification waiting within a limit, and loses nothing.

use crate::till::Till;
use makegood::db::{Database, Limits};
use makegood::gateway::Provider;
use makegood::verification::{Outcome, Payment, VerificationStatus, Verifier};
use makegood_tests::shop::Checkout;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::{Duration, Instant};

/// Longer than any limit here, and much shorter than the client's own.
const LONGEST: Duration = Duration::from_secs(5);

fn payment(checkout: &Checkout) -> Payment {
    Payment {
        provider: checkout.provider,
        external_transaction_id: checkout.external.clone(),
    }
}

/// A session that holds the intent's row until it is dropped.
async fn hold(till: &Till, checkout: &Checkout) -> PgConnection {
    let mut holder = PgConnection::connect(&till.database.direct_url()).await.unwrap();
    let lock = format!(
        "BEGIN; SELECT FROM payment_intents WHERE payment_intent_id = '{}' FOR UPDATE",
        checkout.intent
    );
    sqlx::raw_sql(AssertSqlSafe(lock))
        .execute(&mut holder)
        .await
        .unwrap();
    holder
}

fn assert_lock_limit(outcome: Result<Outcome, sqlx::Error>, began: Instant) {
    let error = outcome.expect_err("the row is held");
    let code = error
        .as_database_error()
        .and_then(|error| error.code().map(Into::into));
    assert_eq!(code, Some("55P03".to_owned()), "{error}");
    assert!(began.elapsed() < LONGEST, "{:?}", began.elapsed());
}

/// With the row free again: nothing was written, and whoever asks next finds the payment paid.
async fn assert_verified_next(till: Till, checkout: Checkout) {
    till.assert_nothing_recorded("the row was held").await;
    till.time_passes("1 minute").await;
    let (status, answer) = till.verify(&checkout).await;
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    till.work().await;
    assert_eq!(till.rows("orders").await, 1);
    till.assert_sound().await;
    till.function.verifier.database.close();
    // The server has logged what it was meant to.
    till.shop.database.clone().drop().await;
}

#[tokio::test]
async fn a_row_that_is_held_when_the_answer_is_there_ends_the_wait_within_the_limit() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    till.gateway.set_latency(Duration::from_millis(300));
    let limits = Limits {
        lock: Duration::from_millis(200),
        ..Limits::default()
    };
    let url = till.database.pooler_url();
    let verifier = Verifier {
        database: Database::with_limits(url.parse().unwrap(), 1, limits),
        ..till.function.verifier.clone()
    };
    let held = async {
        while till.gateway.questions(&checkout.external) == 0 {
            tokio::task::yield_now().await;
        }
        hold(&till, &checkout).await
    };
    let began = Instant::now();
    let payment = payment(&checkout);
    let (outcome, holder) = tokio::join!(verifier.verify(&payment, Duration::ZERO), held);
    assert_lock_limit(outcome, began);
    // AND the next payment has a connection, and is asked about
    let next = till.buyer(2, Provider::Esewa, &[(2, 1)]).await;
    let outcome = verifier.verify(&self::payment(&next), Duration::ZERO).await;
    assert!(matches!(outcome, Ok(Outcome::Undecided { .. })), "{outcome:?}");
    verifier.database.close();
    holder.close().await.unwrap();
    assert_verified_next(till, checkout).await;
}

#[tokio::test]
async fn a_row_that_is_held_when_the_question_is_taken_ends_the_wait_within_the_limit_of_the_role() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    // GIVEN what `makegood migrate --limit-role` sets
    let name = till.database.name();
    till.database
        .run_sql(&format!("ALTER DATABASE {name} SET lock_timeout = '300ms'"))
        .await;
    let holder = hold(&till, &checkout).await;
    let began = Instant::now();
    let outcome = till
        .function
        .verifier
        .verify(&payment(&checkout), Duration::ZERO)
        .await;
    assert_lock_limit(outcome, began);
    assert_eq!(till.gateway.questions(&checkout.external), 0);
    holder.close().await.unwrap();
    assert_verified_next(till, checkout).await;
}

#[tokio::test]
async fn who_waited_for_the_row_looks_at_it_again_before_asking() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    // GIVEN a session that holds the row, and takes the question while another waits for it
    let mut holder = hold(&till, &checkout).await;
    let take = format!(
        "UPDATE payment_intents SET metadata = metadata || jsonb_build_object('gateway',
           jsonb_build_object('asks', 1, 'asked_at', now()))
         WHERE payment_intent_id = '{}'; COMMIT",
        checkout.intent
    );
    let taken = async {
        let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while till.rows(waiting).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sqlx::raw_sql(AssertSqlSafe(take))
            .execute(&mut holder)
            .await
            .unwrap();
    };
    let payment = payment(&checkout);
    let verified = till.function.verifier.verify(&payment, Duration::ZERO);
    let (outcome, ()) = tokio::join!(verified, taken);
    // THEN the gateway is not asked by both
    assert!(matches!(outcome, Ok(Outcome::Undecided { .. })), "{outcome:?}");
    assert_eq!(till.gateway.questions(&checkout.external), 0);
    till.close().await;
}

#[tokio::test]
async fn a_recorded_payment_is_told_while_its_row_is_held() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    till.verify(&checkout).await;
    let holder = hold(&till, &checkout).await;
    let outcome = till
        .function
        .verifier
        .verify(&payment(&checkout), Duration::ZERO)
        .await;
    let expected = Outcome::Final {
        payment_intent_id: checkout.intent.clone(),
        status: VerificationStatus::Success,
        already_verified: true,
    };
    assert_eq!(outcome.unwrap(), expected);
    holder.close().await.unwrap();
    till.work().await;
    till.close().await;
}

#[tokio::test]
async fn a_payment_whose_job_is_there_already_wakes_a_worker_for_that_one() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    let job = format!(
        "INSERT INTO job_queue (job_type, payload, priority, idempotency_key)
         VALUES ('finalize_order', '{{\"payment_intent_id\": \"{}\", \"provider\": \"esewa\"}}', 1, 'payment_esewa_{}')",
        checkout.intent, checkout.external
    );
    till.database.run_sql(&job).await;
    assert_eq!(till.verify(&checkout).await.0, 200);
    assert_eq!(till.rows("job_queue").await, 1);
    assert_eq!(till.jobs.drain().await.len(), 1, "a worker is woken");
    till.work().await;
    assert_eq!(till.rows("orders").await, 1);
    till.assert_sound().await;
    till.close().await;
}
