//! The `stale-jobs` sweep: no job stays with a dead worker, and no paid intent is left with a failed job alone.

use crate::bench::Bench;
use makegood::job::Waker;
use makegood_tests::queues::TestQueue;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// An intent that the gateway calls paid, and a job of this type over it that a dead worker holds.
async fn stuck(bench: &Bench, key: &str, attempts: u32, job_type: &str) {
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
             VALUES ('{key}', gen_random_uuid(), 'esewa', '{key}', 500, '[]');
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
             VALUES ('esewa', '{key}', '{key}', 'success');
             INSERT INTO job_queue (job_type, payload, idempotency_key, status, attempts, locked_by, locked_until, scheduled_for)
             VALUES ('{job_type}', '{{\"payment_intent_id\": \"{key}\"}}', '{key}', 'processing', {attempts}, 'dead',
                     now() - interval '1 minute', now() - interval '1 hour')"
        ))
        .await;
}

/// Its worker dies again.
async fn dies_again(bench: &Bench, attempts: u32) {
    bench
        .database
        .run_sql(&format!(
            "UPDATE job_queue SET status = 'processing', attempts = {attempts}, locked_by = 'dead too',
                                  locked_until = now() - interval '1 second'"
        ))
        .await;
}

async fn count(bench: &Bench, condition: &str) -> i64 {
    bench
        .database
        .count(&format!("SELECT count(*) FROM {condition}"))
        .await
}

fn numbers(done: &Value) -> [i64; 5] {
    [
        "requeued",
        "attemptsReturned",
        "completed",
        "failed",
        "casesOpened",
    ]
    .map(|name| done[name].as_i64().unwrap())
}

#[tokio::test]
async fn a_job_of_a_dead_worker_is_requeued_and_a_live_lease_is_respected() {
    let bench = Bench::fresh().await;
    stuck(&bench, "dead", 1, "finalize_order").await;
    stuck(&bench, "alive", 1, "finalize_order").await;
    bench
        .database
        .run_sql("UPDATE job_queue SET locked_until = now() + interval '20 seconds' WHERE idempotency_key = 'alive'")
        .await;
    assert_eq!(numbers(&bench.run("stale-jobs").await), [1, 0, 0, 0, 0]);
    let runnable =
        "job_queue WHERE status = 'pending' AND scheduled_for <= now() AND locked_by IS NULL AND attempts = 1
                    AND idempotency_key = 'dead'";
    assert_eq!(count(&bench, runnable).await, 1);
    assert_eq!(numbers(&bench.run("stale-jobs").await), [0, 0, 0, 0, 0]);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_workers_death_uses_up_no_attempt_and_a_job_that_kills_them_all_ends_all_the_same() {
    // GIVEN a paid intent without order, whose job has one attempt left
    let bench = Bench::fresh().await;
    stuck(&bench, "paid", 3, "finalize_order").await;
    // WHEN its workers die five times THEN it may run again each time, with the attempts that it had
    for death in 0..5 {
        assert_eq!(numbers(&bench.run("stale-jobs").await), [1, 1, 0, 0, 0]);
        let spared = format!(
            "job_queue WHERE status = 'pending' AND attempts = {} AND max_attempts = attempts + 1 AND lost_workers = {}
             AND cause = 'worker_lost'",
            3 + death,
            1 + death
        );
        assert_eq!(count(&bench, &spared).await, 1, "{death}");
        dies_again(&bench, 4 + death).await;
    }
    // WHEN it kills one more THEN it fails, and a person is told
    assert_eq!(numbers(&bench.run("stale-jobs").await), [0, 0, 0, 1, 1]);
    assert_eq!(
        count(
            &bench,
            "job_queue WHERE status = 'failed' AND failed_at IS NOT NULL AND cause = 'worker_lost'"
        )
        .await,
        1
    );
    let case = "payment_cases WHERE kind = 'unfulfillable' AND status = 'open' AND subject = 'paid' AND amount_cents = 500
                AND payment_intent_id = 'paid' AND details ->> 'code' = 'out_of_attempts' AND details ->> 'cause' = 'worker_lost'";
    assert_eq!(count(&bench, case).await, 1);
    // AND running again changes nothing
    assert_eq!(numbers(&bench.run("stale-jobs").await), [0, 0, 0, 0, 0]);
    bench.database.drop().await;
}

#[tokio::test]
async fn what_an_outage_broke_runs_again_with_growing_pauses_and_what_failed_by_itself_does_not() {
    // GIVEN two jobs that failed ten minutes after they were written, one in an outage, and the cases that they left
    let bench = Bench::fresh().await;
    for (key, cause) in [("outage", "outage"), ("own", "own_fault")] {
        stuck(&bench, key, 4, "finalize_order").await;
        bench
            .database
            .run_sql(&format!(
                "UPDATE job_queue SET status = 'failed', failed_at = now() - interval '4 minutes', locked_by = NULL, locked_until = NULL,
                                      created_at = now() - interval '14 minutes', cause = '{cause}' WHERE idempotency_key = '{key}';
                 INSERT INTO payment_cases (kind, subject, payment_intent_id, details)
                 SELECT 'unfulfillable', '{key}', '{key}', jsonb_build_object('jobId', id) FROM job_queue WHERE idempotency_key = '{key}'"
            ))
            .await;
    }
    let healed = async || bench.run("stale-jobs").await["healed"].as_i64().unwrap();
    // THEN it waits five minutes at least, and a quarter of its age when it failed
    assert_eq!(healed().await, 0);
    let an_hour = "UPDATE job_queue SET failed_at = now() - interval '14 minutes', created_at = now() - interval '74 minutes'";
    bench.database.run_sql(an_hour).await;
    assert_eq!(healed().await, 0);
    bench
        .database
        .run_sql("UPDATE job_queue SET failed_at = now() - interval '16 minutes'")
        .await;
    // AND then it runs again with three attempts, once, though its case is open
    assert_eq!(healed().await, 1);
    let runnable = "job_queue WHERE idempotency_key = 'outage' AND status = 'pending' AND failed_at IS NULL AND max_attempts = 7";
    assert_eq!(count(&bench, runnable).await, 1);
    assert_eq!(healed().await, 0);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_job_whose_intent_a_person_has_or_that_failed_for_a_week_is_not_started_again() {
    let bench = Bench::fresh().await;
    for key in ["refund", "resolved", "old"] {
        stuck(&bench, key, 4, "finalize_order").await;
    }
    bench
        .database
        .run_sql(
            "UPDATE job_queue SET status = 'failed', failed_at = now() - interval '1 hour', locked_by = NULL, locked_until = NULL,
                                  created_at = now() - interval '2 hours', cause = 'outage';
             UPDATE job_queue SET created_at = now() - interval '9 days', failed_at = now() - interval '1 day' WHERE idempotency_key = 'old';
             INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('refund_due', 'refund', 'refund');
             INSERT INTO payment_cases (kind, subject, payment_intent_id, status, resolved_at, resolved_by)
             VALUES ('unfulfillable', 'resolved', 'resolved', 'resolved', now(), 'asha')",
        )
        .await;
    assert_eq!(bench.run("stale-jobs").await["healed"], 0);
    bench
        .database
        .run_sql("UPDATE payment_cases SET status = 'resolved', resolved_by = 'finalize-order'")
        .await;
    assert_eq!(bench.run("stale-jobs").await["healed"], 2);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_job_whose_order_is_there_is_completed() {
    let bench = Bench::fresh().await;
    stuck(&bench, "done", 3, "finalize_order").await;
    bench
        .database
        .run_sql(
            "INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
             VALUES ('ORD-1', gen_random_uuid(), 'done', 'esewa', 500, 500)",
        )
        .await;
    assert_eq!(numbers(&bench.run("stale-jobs").await), [0, 0, 1, 0, 0]);
    let completed = "job_queue WHERE status = 'completed' AND completed_at IS NOT NULL AND failed_at IS NULL";
    assert_eq!(count(&bench, completed).await, 1);
    assert_eq!(count(&bench, "payment_cases").await, 0);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_unpaid_intent_leaves_no_case() {
    let bench = Bench::fresh().await;
    stuck(&bench, "unpaid", 3, "finalize_order").await;
    bench
        .database
        .run_sql("DELETE FROM payment_gateway_verifications")
        .await;
    stuck(&bench, "other", 3, "handle_payment_failure").await;
    bench
        .database
        .run_sql("UPDATE job_queue SET lost_workers = 5")
        .await;
    assert_eq!(numbers(&bench.run("stale-jobs").await), [0, 0, 0, 2, 0]);
    bench.database.drop().await;
}

#[tokio::test]
async fn what_no_worker_took_is_woken_and_counted_and_without_a_queue_it_is_reported() {
    // GIVEN a job of a dead worker, one that no worker took, and one that was enqueued just now
    let mut bench = Bench::fresh().await;
    for key in ["stuck", "untaken", "fresh"] {
        stuck(&bench, key, 1, "finalize_order").await;
    }
    bench
        .database
        .run_sql(
            "UPDATE job_queue SET status = 'pending', locked_by = NULL, locked_until = NULL WHERE idempotency_key <> 'stuck';
             UPDATE job_queue SET scheduled_for = now() WHERE idempotency_key = 'fresh'",
        )
        .await;
    let jobs = TestQueue::create("jobs").await;
    bench.sweep.waker = Some(Waker {
        client: jobs.client.clone(),
        queue_url: jobs.url.clone(),
    });
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    // WHEN swept
    let done = bench.run("stale-jobs").await;
    drop(recording);
    // THEN the first two are woken
    assert_eq!((&done["untaken"], &done["woken"]), (&json!(2), &json!(2)));
    let woken = jobs.drain().await;
    assert_eq!(woken.len(), 2);
    for body in woken {
        let body: Value = serde_json::from_str(&body).unwrap();
        let woken = format!(
            "job_queue WHERE id = '{}' AND idempotency_key <> 'fresh'",
            body["jobId"].as_str().unwrap()
        );
        assert_eq!(count(&bench, &woken).await, 1);
    }
    let counted: Vec<(String, DebugValue)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| (key.key().name().to_owned(), value))
        .collect();
    assert!(
        counted.contains(&("JobsRequeued".to_owned(), DebugValue::Counter(1))),
        "{counted:?}"
    );
    assert!(
        counted.contains(&("JobsFailed".to_owned(), DebugValue::Counter(0))),
        "{counted:?}"
    );
    // AND without a queue they are only reported
    bench.sweep.waker = None;
    bench
        .database
        .run_sql("UPDATE job_queue SET scheduled_for = now() - interval '1 hour'")
        .await;
    let done = bench.run("stale-jobs").await;
    assert_eq!((&done["untaken"], &done["woken"]), (&json!(3), &json!(0)));
    bench.database.drop().await;
}

#[tokio::test]
async fn a_job_that_can_not_be_taken_away_holds_up_no_other() {
    // GIVEN jobs of dead workers, of which the database refuses one, and the case of another is being written by another
    // transaction
    let bench = Bench::fresh().await;
    for key in ["a", "refused", "b", "c"] {
        stuck(&bench, key, 1, "finalize_order").await;
    }
    stuck(&bench, "held", 3, "finalize_order").await;
    bench
        .database
        .run_sql(
            "UPDATE job_queue SET lost_workers = 5 WHERE idempotency_key = 'held';
             ALTER TABLE job_queue ADD CONSTRAINT never CHECK (idempotency_key <> 'refused' OR status <> 'pending') NOT VALID",
        )
        .await;
    let mut holder = PgConnection::connect(&bench.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::raw_sql("INSERT INTO payment_cases (kind, subject) VALUES ('unfulfillable', 'held')")
        .execute(&mut *held)
        .await
        .unwrap();
    // WHEN swept THEN the others are requeued, and the two are left and counted
    let run = tokio::time::timeout(Duration::from_secs(20), bench.run("stale-jobs")).await;
    let done = run.expect("it does not wait for the holder");
    assert_eq!((numbers(&done), &done["left"]), ([3, 0, 0, 0, 0], &json!(2)));
    // AND the next run takes what is free by then
    held.rollback().await.unwrap();
    let done = bench.run("stale-jobs").await;
    assert_eq!((numbers(&done), &done["left"]), ([0, 0, 0, 1, 1], &json!(1)));
    bench.database.drop().await;
}
