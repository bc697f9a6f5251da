//! A stack with one pipeline: the sweeps look at nothing of the other, and lose nothing of it.

use crate::bench::Bench;
use makegood::config::Environment;
use makegood::event::EventType;
use makegood::outbox::read_routes;
use makegood_tests::queues::transport;
use metrics_util::debugging::DebuggingRecorder;
use serde_json::Value;
use sweep::Pipelines;
use uuid::Uuid;

/// What `reconcile` answers with these pipelines, and for which of them it set a gauge.
async fn reconciled(bench: &mut Bench, pipelines: Pipelines) -> (Value, Vec<String>) {
    bench.sweep.pipelines = pipelines;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    let done = bench.run("reconcile").await;
    drop(recording);
    let keys = snapshotter.snapshot().into_vec().into_iter().map(|(key, ..)| key);
    let mut of: Vec<String> = keys
        .flat_map(|key| {
            let labels = key.key().labels().filter(|label| label.key() == "Pipeline");
            labels.map(|label| label.value().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    of.sort();
    of.dedup();
    (done, of)
}

#[tokio::test]
async fn what_is_not_in_the_stack_is_neither_repaired_nor_told_of() {
    // GIVEN a payment of a day ago without a purchase
    let mut bench = Bench::fresh().await;
    bench.payment(Uuid::new_v4(), Uuid::new_v4()).await;
    // WHEN a shop alone reconciles THEN it says nothing of courses, and writes no event that no queue takes away
    let (done, told) = reconciled(&mut bench, Pipelines::Shop).await;
    assert!(
        done.get("course").is_none() && done["order"].is_object(),
        "{done}"
    );
    assert_eq!(told, ["order"]);
    assert_eq!(bench.database.count("SELECT count(*) FROM outbox").await, 0);
    // WHEN courses alone reconcile THEN the payment's event is there again, and nothing is said of orders
    let (done, told) = reconciled(&mut bench, Pipelines::Course).await;
    assert!(done.get("order").is_none(), "{done}");
    assert_eq!(done["course"]["paidUnfulfilled"], 1, "{done}");
    assert_eq!(told, ["course"]);
    assert_eq!(bench.published("purchase-confirmed").await.len(), 1);
    // WHEN both are there THEN both are told of
    let (done, told) = reconciled(&mut bench, Pipelines::Both).await;
    assert!(done["course"].is_object() && done["order"].is_object(), "{done}");
    assert_eq!(told, ["course", "order"]);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_event_of_a_pipeline_that_is_not_there_waits_with_its_reason_until_it_is() {
    // GIVEN an event of a shop and one of a course, and the queues of courses alone
    let mut bench = Bench::fresh().await;
    bench.sweep.pipelines = Pipelines::Course;
    bench
        .database
        .run_sql(
            "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, created_at, claimed_until)
             SELECT 'event:' || topic, upper(replace(topic, '-', '_')), topic, '{}', gen_random_uuid(), now() - interval '1 hour',
                    now() - interval '59 minutes'
             FROM (VALUES ('order-confirmed'), ('purchase-confirmed')) AS topics (topic)",
        )
        .await;
    // WHEN the outbox is swept THEN the course's goes out; the shop's waits, is counted, and says why
    let done = bench.run("outbox").await;
    assert_eq!(
        (&done["published"], &done["failed"], &done["backlog"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert!(done["oldest_seconds"].as_i64().unwrap() >= 3_600, "{done}");
    let waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND topic = 'order-confirmed'
                   AND last_error = 'no queue is configured for topic order-confirmed'";
    assert_eq!(bench.database.count(waiting).await, 1);
    // WHEN the shop is deployed THEN it goes out
    let (with_shop, queues) = transport(&[EventType::OrderConfirmed]).await;
    bench.sweep.publisher.transport = with_shop;
    bench
        .database
        .run_sql("UPDATE outbox SET claimed_until = NULL")
        .await;
    assert_eq!(bench.run("outbox").await["backlog"], 0);
    assert_eq!(queues["order-confirmed"].drain().await.len(), 1);
    bench.database.drop().await;
}

/// The variables of queues that are named as missing with this `PIPELINES`.
fn missing(pipelines: &str) -> Vec<String> {
    let mut environment = Environment::of(&[("PIPELINES", pipelines)]);
    let read = environment.parsed("PIPELINES", Pipelines::Both, Pipelines::EXPECTED);
    read_routes(&mut environment, &read.published());
    environment.finish().unwrap_err().problems
}

#[test]
fn queues_are_wanted_of_what_is_there_and_no_other() {
    let of_shop = [
        "QUEUE_URL_ORDER_CONFIRMED is missing",
        "QUEUE_URL_ORDER_REFUNDED is missing",
    ];
    assert_eq!(missing("shop"), of_shop);
    let of_course = missing("course");
    assert_eq!(of_course.len(), EventType::ALL.len() - of_shop.len());
    assert!(of_course.contains(&"QUEUE_URL_PURCHASE_CREATED is missing".to_owned()));
    assert!(
        of_shop
            .iter()
            .all(|problem| !of_course.contains(&(*problem).to_owned()))
    );
    assert_eq!(missing("both").len(), EventType::ALL.len());
    assert_eq!(
        missing(""),
        missing("both"),
        "what is not said is nothing left out"
    );
}

#[test]
fn another_word_is_refused_by_name() {
    let said = missing("school").join("; ");
    assert!(
        said.contains("PIPELINES is \"school\", it must be course, shop or both"),
        "{said}"
    );
}
