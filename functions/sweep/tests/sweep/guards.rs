//! The interleavings that the model in tests/model finds when a guard is missing, each on the real statements.

use crate::bench::Bench;
use crate::counter::{Counter, numbers};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn execute(connection: &mut PgConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
        .execute(connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_job_that_fails_while_reconcile_looks_is_left_to_the_person_who_got_its_case() {
    // GIVEN a paid intent whose job ended once, and a worker that has failed it for good again, not committed
    let counter = Counter::open().await;
    let intent = counter.verified(1, "3 minutes", Some("failed")).await.intent;
    let mut worker = connect(&counter.database.direct_url()).await;
    execute(
        &mut worker,
        &format!(
            "BEGIN; UPDATE job_queue SET status = 'failed', last_error = 'again: and again';
             INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('unfulfillable', '{intent}', '{intent}')"
        ),
    )
    .await;
    // WHEN reconcile meets the job's lock, and the worker commits
    let (done, ()) = tokio::join!(counter.reconcile(), async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waits = async { while counter.database.count(waiting).await != 1 {} };
        tokio::time::timeout(Duration::from_secs(20), waits)
            .await
            .expect("it waits for the job");
        execute(&mut worker, "COMMIT").await;
    });
    // THEN the job stays as it is
    assert_eq!(numbers(&done, ["requeued", "casesOpened"]), [0, 0], "{done}");
    assert_eq!(counter.rows("job_queue WHERE status = 'failed'").await, 1);
    counter.shop.close().await;
}

/// Events of an hour ago that nobody published.
async fn leave_unpublished(bench: &Bench, number: u32, written: &str) {
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, created_at, claimed_until)
             SELECT 'payment:' || id || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', 'purchase-confirmed',
                    jsonb_build_object('type', 'PURCHASE_CONFIRMED', 'paymentId', id, 'studentId', id, 'courseId', id,
                                       'amountCents', 100), id, now() - interval '{written}', now() - interval '1 minute'
             FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, {number})) ids"
        ))
        .await;
}

#[tokio::test]
async fn an_event_that_another_sweep_is_claiming_is_passed_over_and_stays_its_own() {
    // GIVEN two events, and a sweep that has claimed the first and not committed
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 2, "1 hour").await;
    let mut other = connect(&bench.database.direct_url()).await;
    execute(
        &mut other,
        "BEGIN; UPDATE outbox SET claimed_until = now() + interval '30 seconds' WHERE id = 1",
    )
    .await;
    // WHEN a second sweep runs THEN it publishes the other one, and waits for nobody
    let done = tokio::time::timeout(Duration::from_secs(20), bench.run("outbox")).await;
    assert_eq!(done.expect("it does not wait")["published"], 1);
    execute(&mut other, "COMMIT").await;
    assert_eq!(bench.run("outbox").await["published"], 0);
    assert_eq!(bench.published("purchase-confirmed").await.len(), 1);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_event_that_can_not_be_published_for_weeks_is_not_deleted() {
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 1, "20 days").await;
    let queue = &bench.queues["purchase-confirmed"];
    queue
        .client
        .delete_queue()
        .queue_url(&queue.url)
        .send()
        .await
        .unwrap();
    let done = bench.run("outbox").await;
    assert_eq!(
        (&done["deleted"], &done["backlog"]),
        (&0.into(), &1.into()),
        "{done}"
    );
    assert_eq!(bench.database.count("SELECT count(*) FROM outbox").await, 1);
    bench.database.drop().await;
}
