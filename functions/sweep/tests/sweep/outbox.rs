//! The `outbox` sweep.

use crate::bench::{Bench, start_binary};
use makegood::delivery::Deadline;
use makegood::outbox::Transport;
use makegood_tests::environment::Outcome;
use makegood_tests::queues::TestQueue;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

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
    // GIVEN 250 events that were not published
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 250).await;
    // WHEN two sweeps run at once
    let (first, second) = tokio::join!(bench.run("outbox"), bench.run("outbox"));
    // THEN each event went out once, and nothing is left
    let published = bench.published("purchase-confirmed").await;
    assert_eq!(published.len(), 250);
    let mut each_once = published.clone();
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
    bench.queues["purchase-confirmed"].take_away().await;
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

/// The queue is there again, empty, under the same URL.
async fn reopen(queue: &TestQueue) {
    let name = queue.url.rsplit_once('/').unwrap().1;
    let opened = queue.client.create_queue().queue_name(name).send().await.unwrap();
    assert_eq!(opened.queue_url.as_deref(), Some(queue.url.as_str()));
}

/// Every pause is over.
async fn pauses_pass(bench: &Bench) {
    bench
        .database
        .run_sql("UPDATE outbox SET claimed_until = now() - interval '1 second' WHERE published_at IS NULL")
        .await;
}

/// A second queue subscribes to the topic.
async fn subscribe(bench: &mut Bench, topic: &str) -> TestQueue {
    let queue = TestQueue::create("second").await;
    // Without the feature `kafka` there is no other transport.
    #[allow(irrefutable_let_patterns)]
    let Transport::Sqs(sqs) = &mut bench.sweep.publisher.transport else {
        panic!("the tests go over SQS")
    };
    sqs.routes.get_mut(topic).unwrap().push(queue.url.clone());
    queue
}

#[tokio::test]
async fn events_whose_queue_fails_hold_up_no_other() {
    // GIVEN 250 events whose queue is gone, and behind them 30 of another topic
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 280).await;
    bench
        .database
        .run_sql(
            "UPDATE outbox SET event_type = 'PURCHASE_CREATED', topic = 'purchase-created' WHERE id > 250",
        )
        .await;
    bench.queues["purchase-confirmed"].take_away().await;
    // WHEN one sweep runs
    let done = bench.run("outbox").await;
    // THEN the 30 went out, and the queue that failed was asked for one chunk and no more
    assert_eq!(done["published"], 30);
    assert_eq!(bench.queues["purchase-created"].drain().await.len(), 30);
    assert_eq!((&done["failed"], &done["backlog"]), (&json!(100), &json!(250)));
    bench.database.drop().await;
}

#[tokio::test]
async fn a_healthy_queue_gets_each_event_once_while_another_of_the_same_topic_fails() {
    // GIVEN a topic with two queues, of which one is gone
    let mut bench = Bench::fresh().await;
    let healthy = subscribe(&mut bench, "purchase-confirmed").await;
    let broken = bench.queues["purchase-confirmed"].clone();
    broken.take_away().await;
    leave_unpublished(&bench, 120).await;
    // WHEN three sweeps try
    for _ in 0..3 {
        let done = bench.run("outbox").await;
        assert_eq!((&done["published"], &done["backlog"]), (&json!(0), &json!(120)));
        pauses_pass(&bench).await;
    }
    // THEN the healthy queue has each event once
    assert_eq!(healthy.drain().await.len(), 120);
    // AND of each run one page asked the broken one, and the next did not
    let spared = "SELECT count(*) FROM outbox WHERE last_error LIKE '%was down earlier in this run%'";
    assert_eq!(bench.database.count(spared).await, 20);
    // WHEN the other is back THEN it gets what it missed, and the healthy one nothing
    reopen(&broken).await;
    assert_eq!(bench.run("outbox").await["published"], 120);
    assert_eq!(
        (broken.drain().await.len(), healthy.drain().await.len()),
        (120, 0)
    );
    bench.database.drop().await;
}

#[tokio::test]
async fn an_event_that_is_written_again_goes_to_everybody_again() {
    // GIVEN an event that one queue took before another, both by now
    let mut bench = Bench::fresh().await;
    let healthy = subscribe(&mut bench, "purchase-confirmed").await;
    let broken = bench.queues["purchase-confirmed"].clone();
    broken.take_away().await;
    leave_unpublished(&bench, 1).await;
    bench.run("outbox").await;
    pauses_pass(&bench).await;
    reopen(&broken).await;
    assert_eq!(bench.run("outbox").await["published"], 1);
    // WHEN it is to be published once more
    bench
        .database
        .run_sql("UPDATE outbox SET published_at = NULL, claimed_until = now() - interval '1 second'")
        .await;
    assert_eq!(bench.run("outbox").await["published"], 1);
    // THEN both have it twice
    assert_eq!((broken.drain().await.len(), healthy.drain().await.len()), (2, 2));
    bench.database.drop().await;
}

#[tokio::test]
async fn an_event_that_failed_waits_longer_after_each_failure() {
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 1).await;
    bench.queues["purchase-confirmed"].take_away().await;
    let pause = "SELECT extract(epoch FROM claimed_until - now())::bigint FROM outbox";
    for (attempts, range) in [(1, 6..=13), (2, 14..=25), (20, 200..=375)] {
        bench
            .database
            .run_sql(&format!("UPDATE outbox SET attempts = {attempts} - 1"))
            .await;
        assert_eq!(bench.run("outbox").await["failed"], 1);
        let seconds = bench.database.count(pause).await;
        assert!(range.contains(&seconds), "after {attempts}: {seconds} s");
        // Not before its time.
        assert_eq!(bench.run("outbox").await["failed"], 0);
        pauses_pass(&bench).await;
    }
    bench.database.drop().await;
}

#[tokio::test]
async fn a_sweep_with_more_to_publish_than_time_still_deletes_counts_and_answers() {
    // GIVEN more events than nine seconds publish, and an old one to delete
    let bench = Bench::fresh().await;
    leave_unpublished(&bench, 80_000).await;
    bench
        .database
        .run_sql("UPDATE outbox SET published_at = now() - interval '8 days' WHERE id = 1")
        .await;
    let started = Instant::now();
    let time = Duration::from_secs(9);
    let done = bench
        .sweep
        .handle(&json!({"sweep": "outbox"}), Deadline::after(time))
        .await
        .unwrap();
    assert!(started.elapsed() < time, "{:?}", started.elapsed());
    assert_eq!(done["deleted"], 1);
    let published = done["published"].as_i64().unwrap();
    assert!((1..79_999).contains(&published), "{done}");
    assert_eq!(done["backlog"].as_i64(), Some(79_999 - published));
    bench.database.drop().await;
}

#[tokio::test]
async fn a_sweep_that_hangs_is_stopped_answers_and_is_kept_with_its_error() {
    // GIVEN a table that another session holds whole
    let bench = Bench::fresh().await;
    let mut holder = PgConnection::connect(&bench.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    // WHEN the sweep has four seconds THEN it answers within them
    let started = Instant::now();
    let time = Duration::from_secs(4);
    let input = json!({"sweep": "outbox"});
    let answer = tokio::time::timeout(time, bench.sweep.handle(&input, Deadline::after(time))).await;
    let error = answer.expect("it answers in time").unwrap_err();
    assert!(started.elapsed() < time, "{:?}", started.elapsed());
    // AND the run is kept
    held.rollback().await.unwrap();
    let kept = "SELECT count(*) FROM sweep_runs WHERE sweep = 'outbox' AND done IS NULL AND error LIKE 'the outbox sweep%'";
    assert_eq!(bench.database.count(kept).await, 1, "{error}");
    bench.database.drop().await;
}

#[tokio::test]
async fn a_sweep_that_fails_says_so_once_at_error() {
    // GIVEN the binary, and no database
    let environment = start_binary("postgres://makegood@127.0.0.1:1/none").await;
    // WHEN a sweep fails THEN its error is reported, and stands in the log once
    let outcome = environment.invoke(json!({"sweep": "outbox"})).await;
    assert!(matches!(outcome, Outcome::FunctionError(_)), "{outcome:?}");
    environment.line("\"ERROR\"").await;
    environment.kill().await;
    let errors: Vec<String> = environment
        .lines()
        .into_iter()
        .filter(|line| line.contains("\"ERROR\""))
        .collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(
        errors[0].contains("the outbox sweep stopped at the database"),
        "{errors:#?}"
    );
}
