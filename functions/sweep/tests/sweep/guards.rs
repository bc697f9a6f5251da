//! The interleavings that the model in tests/model finds when a guard is missing, each on the real statements.

use crate::bench::Bench;
use crate::counter::{Counter, numbers};
use makegood::event::EventType;
use makegood::ids::CorrelationId;
use makegood::outbox::{self, OutboxEvent};
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

/// Events of an hour ago that were not published.
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
    // WHEN a second sweep runs THEN it publishes the other one, and does not wait
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
    bench.queues["purchase-confirmed"].take_away().await;
    let done = bench.run("outbox").await;
    assert_eq!(
        (&done["deleted"], &done["backlog"]),
        (&0.into(), &1.into()),
        "{done}"
    );
    assert_eq!(bench.database.count("SELECT count(*) FROM outbox").await, 1);
    bench.database.drop().await;
}

fn outbox_event() -> OutboxEvent {
    OutboxEvent {
        event_id: "event-1".to_owned(),
        event_type: EventType::PurchaseConfirmed,
        correlation: CorrelationId(uuid::Uuid::from_u128(1)),
        payload: serde_json::json!({"type": "PURCHASE_CONFIRMED"}),
    }
}

#[tokio::test]
async fn an_event_that_one_sender_is_publishing_is_not_published_by_another() {
    let bench = Bench::fresh().await;
    let event = [outbox_event()];
    let mut connection = bench.sweep.publisher.database.acquire().await.unwrap();
    assert_eq!(outbox::enqueue(&mut connection, &event).await.unwrap().len(), 1);
    // WHEN its writer owns it THEN it is left to its writer; once published, or once the lease is over, it may go again
    for (state, rows) in [
        ("SELECT 1", 0),
        ("UPDATE outbox SET published_at = now()", 1),
        ("UPDATE outbox SET claimed_until = now() - interval '1 second'", 1),
    ] {
        bench.database.run_sql(state).await;
        let again = outbox::publish_again(&mut connection, &event).await.unwrap();
        assert_eq!(again.len(), rows, "{state}");
    }
    drop(connection);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_event_that_was_published_meanwhile_keeps_no_failure_of_another_sender() {
    // GIVEN a writer whose lease ran out before it could send, a sweep that published, and a queue that is gone by now
    let bench = Bench::fresh().await;
    let mut connection = bench.sweep.publisher.database.acquire().await.unwrap();
    let rows = outbox::enqueue(&mut connection, &[outbox_event()]).await.unwrap();
    drop(connection);
    bench
        .database
        .run_sql("UPDATE outbox SET published_at = now(), attempts = 1")
        .await;
    bench.queues["purchase-confirmed"].take_away().await;
    // WHEN the writer fails THEN the row says still that it is published
    bench.sweep.publisher.publish(&rows).await;
    let untouched =
        "SELECT count(*) FROM outbox WHERE attempts = 1 AND last_error IS NULL AND published_at IS NOT NULL";
    assert_eq!(bench.database.count(untouched).await, 1);
    bench.database.drop().await;
}
