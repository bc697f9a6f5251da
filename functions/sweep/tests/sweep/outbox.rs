//! The `outbox` sweep.

use crate::bench::Bench;
use makegood::delivery::Deadline;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;
use std::time::Duration;

/// This many events that a crash left unpublished an hour ago.
async fn leave_unpublished(bench: &Bench, number: u32) {
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, created_at, claimed_until)
             SELECT 'payment:' || id || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', 'purchase-confirmed',
                    jsonb_build_object('type', 'PURCHASE_CONFIRMED', 'paymentId', id, 'studentId', id, 'courseId', id,
                                       'amountCents', 100), id, now() - interval '1 hour', now() - interval '59 minutes'
             FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, {number})) ids"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweeps_at_once_publish_each_event_once() {
    // GIVEN 250 events that nobody published
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 250).await;
    // WHEN two sweeps run at once
    let (first, second) = tokio::join!(bench.run("outbox"), bench.run("outbox"));
    // THEN each event went out once, and nothing is left
    let announced = bench.announced("purchase-confirmed").await;
    assert_eq!(announced.len(), 250);
    let mut each_once = announced.clone();
    each_once.dedup();
    assert_eq!(each_once.len(), 250);
    assert_eq!(
        first["published"].as_i64().unwrap() + second["published"].as_i64().unwrap(),
        250
    );
    assert_eq!(
        bench.run("outbox").await,
        json!({"published": 0, "failed": 0, "deleted": 0, "backlog": 0, "oldest_seconds": 0})
    );
    bench.database.drop().await;
}

#[tokio::test]
async fn what_another_still_owns_is_left_to_it() {
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 2).await;
    bench
        .database
        .run_sql("UPDATE outbox SET claimed_until = now() + interval '20 seconds' WHERE id = 1")
        .await;
    let done = bench.run("outbox").await;
    assert_eq!(
        (done["published"].as_i64(), done["backlog"].as_i64()),
        (Some(1), Some(1))
    );
    bench.database.drop().await;
}

#[tokio::test]
async fn events_published_over_seven_days_ago_are_deleted() {
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 3).await;
    bench
        .database
        .run_sql(
            "UPDATE outbox SET published_at = now() - interval '8 days' WHERE id = 1;
             UPDATE outbox SET published_at = now() - interval '6 days' WHERE id = 2",
        )
        .await;
    let done = bench.run("outbox").await;
    assert_eq!(
        (done["deleted"].as_i64(), done["published"].as_i64()),
        (Some(1), Some(1))
    );
    assert_eq!(bench.database.count("SELECT count(*) FROM outbox").await, 2);
    bench.database.drop().await;
}

#[tokio::test]
async fn what_can_not_be_published_shows_in_the_gauges() {
    // GIVEN two events whose queue is gone
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 2).await;
    let queue = &bench.queues["purchase-confirmed"];
    queue
        .client
        .delete_queue()
        .queue_url(&queue.url)
        .send()
        .await
        .unwrap();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    // WHEN the sweep runs
    let done = bench.run("outbox").await;
    drop(recording);
    // THEN nothing is lost, and backlog and age are told
    assert_eq!(
        (done["failed"].as_i64(), done["backlog"].as_i64()),
        (Some(2), Some(2))
    );
    let gauges: Vec<(String, DebugValue)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| (key.key().name().to_owned(), value))
        .collect();
    assert!(
        gauges.contains(&("OutboxBacklog".to_owned(), DebugValue::Gauge(2.0.into()))),
        "{gauges:?}"
    );
    let oldest = gauges
        .iter()
        .find(|(name, _)| name == "OutboxOldestSeconds")
        .map(|(_, value)| value);
    assert!(
        matches!(oldest, Some(DebugValue::Gauge(age)) if (3_600.0..3_700.0).contains(&age.into_inner())),
        "{gauges:?}"
    );
    bench.database.drop().await;
}

#[tokio::test]
async fn a_sweep_that_there_is_not_names_those_that_there_are() {
    let bench = Bench::fresh().await;
    let refused = bench
        .sweep
        .handle(&json!({"sweep": "dust"}), Deadline::after(Duration::from_secs(5)))
        .await;
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("dust") && message.contains("outbox, stale-jobs, reservations, reconcile"),
        "{message}"
    );
    bench.database.drop().await;
}
