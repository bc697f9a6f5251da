//! `reconcile` finds what is paid and has no order: it gets a job, a second run, or a person, and then it is left alone.

use crate::counter::{Counter, numbers, reconcile};
use makegood::gateway::Provider;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::queues::TestQueue;
use makegood_tests::setting;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;
use sweep::Pipelines;

const FIXED: [&str; 3] = ["requeued", "casesOpened", "woken"];

#[tokio::test]
async fn a_paid_intent_without_job_gets_one_and_its_order() {
    let counter = Counter::open().await;
    counter.verified(1, "3 minutes", None).await;
    counter.verified(2, "1 minute", None).await;
    let done = counter.reconcile().await;
    assert_eq!(numbers(&done, FIXED), [1, 0, 1], "{done}");
    assert_eq!(counter.jobs.drain().await.len(), 1);
    // AND reconciling again while the job waits changes nothing
    let before = counter.everything().await;
    assert_eq!(numbers(&counter.reconcile().await, FIXED), [0, 0, 0]);
    assert_eq!(counter.everything().await, before);
    counter.work().await;
    assert_eq!(counter.rows("orders").await, 1);
    counter.time_passes("3 minutes").await;
    assert_eq!(numbers(&counter.reconcile().await, FIXED), [1, 0, 1]);
    counter.work().await;
    assert_eq!(counter.rows("orders").await, 2);
    counter.assert_sound().await;
    counter.shop.close().await;
}

#[tokio::test]
async fn a_job_that_ended_without_order_and_without_case_runs_once_more() {
    for status in ["failed", "completed"] {
        let counter = Counter::open().await;
        counter.verified(1, "3 minutes", Some(status)).await;
        // WHEN two reconcile at once THEN one of them requeues it
        let (first, second) = tokio::join!(counter.reconcile(), counter.reconcile());
        assert_eq!(
            numbers(&first, FIXED)[0] + numbers(&second, FIXED)[0],
            1,
            "{first} {second}"
        );
        counter.work().await;
        assert_eq!(counter.rows("orders").await, 1);
        assert_eq!(counter.rows("job_queue WHERE status = 'completed'").await, 1);
        counter.assert_sound().await;
        let before = counter.everything().await;
        counter.reconcile().await;
        assert_eq!(counter.everything().await, before);
        counter.shop.close().await;
    }
}

#[tokio::test]
async fn a_job_that_ended_again_is_a_persons_and_is_never_started_a_third_time() {
    let counter = Counter::open().await;
    counter.verified(1, "3 minutes", Some("failed")).await;
    assert_eq!(numbers(&counter.reconcile().await, FIXED), [1, 0, 1]);
    // GIVEN that it fails once more, and leaves no case
    counter
        .database
        .run_sql("UPDATE job_queue SET status = 'failed', attempts = 2, last_error = 'some: reason'")
        .await;
    assert_eq!(numbers(&counter.reconcile().await, FIXED), [0, 1, 0]);
    let case = "payment_cases WHERE kind = 'unfulfillable' AND status = 'open' AND details ->> 'code' = 'no_order'
                AND details ->> 'reason' LIKE '%some: reason%' AND details ? 'jobId' AND amount_cents = 50000";
    assert_eq!(counter.rows(case).await, 1);
    counter.assert_sound().await;
    // AND from then on it is left alone, also when the person has resolved the case
    for _ in 0..2 {
        let before = counter.everything().await;
        assert_eq!(numbers(&counter.reconcile().await, FIXED), [0, 0, 0]);
        assert_eq!(counter.everything().await, before);
        counter
            .database
            .run_sql("UPDATE payment_cases SET status = 'resolved'")
            .await;
    }
    counter.shop.close().await;
}

#[tokio::test]
async fn a_job_that_waits_for_a_person_runs_or_has_its_order_is_left_alone() {
    let counter = Counter::open().await;
    // GIVEN a failed job with an open case, one that is running, one that waits, and one whose order is there
    let cased = counter.verified(1, "1 hour", Some("failed")).await;
    let intent = &cased.intent;
    counter
        .database
        .run_sql(&format!(
            "INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('refund_due', '{intent}', '{intent}')"
        ))
        .await;
    let running = counter.verified(2, "1 hour", Some("pending")).await;
    counter
        .database
        .run_sql(&format!(
            "UPDATE job_queue SET status = 'processing', locked_by = 'w', locked_until = now() + interval '1 minute'
             WHERE idempotency_key = 'payment_esewa_{}'",
            running.external
        ))
        .await;
    counter.verified(3, "1 hour", Some("pending")).await;
    let made = counter.verified(4, "1 hour", Some("failed")).await;
    counter
        .database
        .run_sql(&format!(
            "INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
             VALUES ('ORD-1', gen_random_uuid(), '{}', 'esewa', 50000, 50000)",
            made.intent
        ))
        .await;
    let before = counter.everything().await;
    let done = counter.reconcile().await;
    assert_eq!(numbers(&done, FIXED), [0, 0, 0], "{done}");
    assert_eq!(done["paidUnfulfilled"], 2, "{done}");
    assert_eq!(counter.everything().await, before);
    counter.shop.close().await;
}

#[tokio::test]
async fn a_job_that_an_operator_cancelled_is_not_started_again_but_shown() {
    let counter = Counter::open().await;
    counter.verified(1, "1 hour", Some("cancelled")).await;
    assert_eq!(numbers(&counter.reconcile().await, FIXED), [0, 1, 0]);
    let case = "payment_cases WHERE details ->> 'reason' LIKE 'its job was cancelled%'";
    assert_eq!(counter.rows(case).await, 1);
    assert_eq!(counter.rows("job_queue WHERE status = 'cancelled'").await, 1);
    counter.assert_sound().await;
    counter.shop.close().await;
}

#[tokio::test]
async fn what_is_paid_and_not_made_shows_in_the_gauges_by_pipeline() {
    let counter = Counter::open().await;
    counter.verified(1, "1 hour", Some("pending")).await;
    counter.verified(2, "10 minutes", None).await;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    let done = counter.reconcile().await;
    drop(recording);
    assert_eq!(done["paidUnfulfilled"], 2);
    let gauges: Vec<(String, bool, DebugValue)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let of_orders = key
                .key()
                .labels()
                .any(|label| (label.key(), label.value()) == ("Pipeline", "order"));
            (key.key().name().to_owned(), of_orders, value)
        })
        .collect();
    assert!(
        gauges.contains(&("PaidUnfulfilled".to_owned(), true, DebugValue::Gauge(2.0.into()))),
        "{gauges:?}"
    );
    let oldest = gauges
        .iter()
        .find(|(name, of_orders, _)| name == "PaidUnfulfilledOldestSeconds" && *of_orders);
    assert!(
        matches!(oldest, Some((_, _, DebugValue::Gauge(age))) if (3_600.0..3_700.0).contains(&age.into_inner())),
        "{gauges:?}"
    );
    counter.shop.close().await;
}

#[tokio::test]
async fn without_gateways_all_is_done_that_needs_none_and_it_says_so() {
    let counter = Counter::open().await;
    counter.verified(1, "3 minutes", None).await;
    let unasked = counter.buyer(2, Provider::Khalti, &[(1, 1)]).await;
    counter.gateway.pay(&unasked.external).unwrap();
    counter.time_passes("10 minutes").await;
    let mut sweeps = counter.sweeps();
    sweeps.gateways = None;
    let done = reconcile(&sweeps).await;
    assert_eq!(done["gatewaysConfigured"], json!(false));
    assert_eq!(numbers(&done, ["asked", "requeued"]), [0, 1], "{done}");
    assert_eq!(counter.gateway.questions(&unasked.external), 0);
    counter.shop.close().await;
}

#[tokio::test]
async fn the_binary_starts_for_courses_for_a_shop_and_for_both() {
    let counter = Counter::open().await;
    let queue = TestQueue::create("any").await;
    let mut variables: Variables = [("DATABASE_URL".to_owned(), counter.database.pooler_url())].into();
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        variables.insert(name.to_owned(), setting(name));
    }
    for (name, pipelines) in [
        ("course", Pipelines::Course),
        ("shop", Pipelines::Shop),
        ("both", Pipelines::Both),
    ] {
        // GIVEN what the template tells a stack of these, and nothing of the other
        let mut told = variables.clone();
        told.insert("PIPELINES".to_owned(), name.to_owned());
        for event_type in pipelines.published() {
            let topic = event_type.topic().to_uppercase().replace('-', "_");
            told.insert(format!("QUEUE_URL_{topic}"), queue.url.clone());
        }
        if pipelines.has_shop() {
            let of_gateways = counter.gateway.variables("https://shop.test/paid").into_iter();
            told.extend(of_gateways.map(|(name, value)| (name.to_owned(), value)));
        }
        // WHEN it reconciles THEN it says what it did of each that is there
        let environment = Environment::start("sweep", &told).await;
        let answer = environment.invoke(json!({"sweep": "reconcile"})).await.answer();
        assert_eq!(answer["course"].is_object(), pipelines.has_course(), "{answer}");
        let configured = answer["order"]["gatewaysConfigured"] == json!(true);
        assert_eq!(configured, pipelines.has_shop(), "{answer}");
        assert_eq!(answer["order"].is_null(), !pipelines.has_shop(), "{answer}");
    }
    counter.database.clone().drop().await;
}
