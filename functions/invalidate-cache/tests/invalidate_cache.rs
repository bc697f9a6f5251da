//! `invalidate-cache` against the real Redis, and against servers that are away, slow, or refuse.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod stub;

use invalidate_cache::{Cache, InvalidateCache};
use makegood::clock::Clock;
use makegood::delivery::{Consumer, Deadline};
use makegood_tests::queues::{aws, kafka_event, sqs_event};
use makegood_tests::setting;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use stub::{Behaviour, Link, Stub};
use tracing_subscriber::layer::SubscriberExt;
use uuid::Uuid;

const TOPIC: &str = "purchase-created";

async fn consumer(redis_url: &str) -> Consumer<InvalidateCache> {
    Consumer {
        stage: InvalidateCache {
            cache: Cache::at(redis_url).unwrap(),
        },
        sqs: aws_sdk_sqs::Client::new(&aws().await),
        parking: None,
        kafka_reads_partial: false,
        clock: Clock::System,
    }
}

async fn redis() -> MultiplexedConnection {
    let client = redis::Client::open(setting("MAKEGOOD_TEST_REDIS_URL")).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(25))
}

fn all_acknowledged() -> Value {
    json!({"batchItemFailures": []})
}

fn purchase_created(student: Uuid) -> String {
    json!({"type": "PURCHASE_CREATED", "purchaseId": Uuid::new_v4(), "studentId": student, "courseId": Uuid::new_v4(),
           "purchaseTier": 30, "metadata": {}})
    .to_string()
}

fn trainer_allocated(student: Uuid) -> String {
    json!({"type": "TRAINER_ALLOCATED", "allocationId": Uuid::new_v4(), "trainerId": Uuid::new_v4(), "studentId": student,
           "courseId": Uuid::new_v4(), "sessionCount": 30, "startDate": "2026-01-12", "endDate": "2026-02-20"})
    .to_string()
}

fn sessions_rescheduled(student: Uuid) -> String {
    json!({"type": "SESSIONS_RESCHEDULED", "allocationId": Uuid::new_v4(), "trainerId": Uuid::new_v4(), "studentId": student,
           "courseId": Uuid::new_v4(), "sessions": []})
    .to_string()
}

fn purchase_ended(student: Uuid) -> String {
    json!({"type": "PURCHASE_ENDED", "purchaseId": Uuid::new_v4(), "studentId": student, "courseId": Uuid::new_v4(),
           "reason": "expired", "cancelledSessions": 0})
    .to_string()
}

fn sessions_generated(student: Uuid) -> String {
    json!({"type": "SESSIONS_GENERATED", "allocationId": Uuid::new_v4(), "trainerId": Uuid::new_v4(), "studentId": student,
           "courseId": Uuid::new_v4(), "sessionCount": 1, "sessionIds": [Uuid::new_v4()], "startDate": "2026-01-12"})
    .to_string()
}

fn pages(student: Uuid) -> [String; 2] {
    [
        format!("student:home:{student}"),
        format!("student:learning:{student}"),
    ]
}

async fn cache_pages(redis: &mut MultiplexedConnection, student: Uuid) {
    for page in pages(student) {
        redis.set_ex::<_, _, ()>(page, "cached", 60).await.unwrap();
    }
}

async fn pages_left(redis: &mut MultiplexedConnection, student: Uuid) -> usize {
    redis.exists(&pages(student)[..]).await.unwrap()
}

/// What a batch of three leaves behind when Redis fails it: the answer, the log's lines, the metric, the time taken.
struct Aftermath {
    answer: Value,
    warnings: Vec<String>,
    failed: u64,
    elapsed: Duration,
}

/// Runs on this thread alone, so that log and metrics are this test's own.
async fn aftermath(redis_url: &str, event: Value) -> Aftermath {
    let (lines, metrics) = (stub::Lines::default(), DebuggingRecorder::new());
    let snapshotter = metrics.snapshotter();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let _log = tracing::subscriber::set_default(subscriber);
    let _metrics = metrics::set_default_local_recorder(&metrics);
    let consumer = consumer(redis_url).await;
    let started = Instant::now();
    let answer = consumer.handle(event, deadline()).await.unwrap();
    Aftermath {
        answer,
        warnings: lines.warnings(),
        failed: counter(&snapshotter),
        elapsed: started.elapsed(),
    }
}

fn counter(snapshotter: &Snapshotter) -> u64 {
    let metrics = snapshotter.snapshot().into_vec();
    let failed = metrics
        .iter()
        .find(|(key, ..)| key.key().name() == "CacheInvalidationFailed");
    match failed {
        Some((_, _, _, DebugValue::Counter(count))) => *count,
        _ => 0,
    }
}

fn three_purchases() -> Value {
    sqs_event(
        TOPIC,
        &[Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()].map(purchase_created),
    )
}

fn assert_left_quietly(aftermath: &Aftermath) {
    assert_eq!(aftermath.answer, all_acknowledged());
    assert_eq!(
        aftermath.warnings.len(),
        1,
        "one line for the batch: {:?}",
        aftermath.warnings
    );
    assert!(
        aftermath.warnings[0].contains("cached pages not removed"),
        "{:?}",
        aftermath.warnings
    );
    assert_eq!(aftermath.failed, 1);
}

#[tokio::test]
async fn each_of_the_events_removes_its_students_pages_and_no_others() {
    // GIVEN cached pages of five students and of a neighbour
    let mut redis = redis().await;
    let students = [(); 5].map(|()| Uuid::new_v4());
    let [buyer, taught, scheduled, moved, done] = students;
    let neighbour = Uuid::new_v4();
    for student in students.into_iter().chain([neighbour]) {
        cache_pages(&mut redis, student).await;
    }
    let bodies = [
        purchase_created(buyer),
        trainer_allocated(taught),
        sessions_generated(scheduled),
        sessions_rescheduled(moved),
        purchase_ended(done),
    ];

    // WHEN one event of each type arrives
    let consumer = consumer(&setting("MAKEGOOD_TEST_REDIS_URL")).await;
    let answer = consumer
        .handle(sqs_event(TOPIC, &bodies), deadline())
        .await
        .unwrap();

    // THEN both pages of each are gone, and the neighbour's stay
    assert_eq!(answer, all_acknowledged());
    for student in students {
        assert_eq!(pages_left(&mut redis, student).await, 0);
    }
    assert_eq!(pages_left(&mut redis, neighbour).await, 2);
}

#[tokio::test]
async fn a_kafka_batch_removes_the_same_pages() {
    let mut redis = redis().await;
    let student = Uuid::new_v4();
    cache_pages(&mut redis, student).await;
    let consumer = consumer(&setting("MAKEGOOD_TEST_REDIS_URL")).await;
    let event = kafka_event(TOPIC, &[None, Some(purchase_created(student))]);
    let answer = consumer.handle(event, deadline()).await.unwrap();
    assert_eq!(answer, all_acknowledged());
    assert_eq!(pages_left(&mut redis, student).await, 0);
}

#[tokio::test]
async fn a_batch_of_a_hundred_costs_one_round_trip_and_names_each_student_once() {
    // GIVEN a warm connection over a link that counts
    let link = Link::to(&setting("MAKEGOOD_TEST_REDIS_URL")).await;
    let consumer = consumer(&link.url).await;
    consumer
        .handle(sqs_event(TOPIC, &[purchase_created(Uuid::new_v4())]), deadline())
        .await
        .unwrap();
    let before = link.traffic();

    // WHEN a hundred events about fifty students arrive
    let students: Vec<Uuid> = (0..50).map(|_| Uuid::new_v4()).collect();
    let bodies: Vec<String> = students
        .iter()
        .flat_map(|student| [purchase_created(*student), trainer_allocated(*student)])
        .collect();
    consumer
        .handle(sqs_event(TOPIC, &bodies), deadline())
        .await
        .unwrap();

    // THEN one request went out, one UNLINK a key
    let after = link.traffic();
    assert_eq!(after.round_trips - before.round_trips, 1);
    assert_eq!(after.commands("UNLINK") - before.commands("UNLINK"), 100);
}

#[tokio::test]
async fn redis_away_acknowledges_the_batch_with_one_log_line() {
    let aftermath = aftermath(&stub::closed_port().await, three_purchases()).await;
    assert_left_quietly(&aftermath);
    assert!(
        aftermath.elapsed < Duration::from_secs(2),
        "{:?}",
        aftermath.elapsed
    );
}

#[tokio::test]
async fn redis_that_closes_the_link_is_asked_exactly_three_times() {
    let server = Stub::start(Behaviour::HangUp).await;
    assert_left_quietly(&aftermath(&server.url, three_purchases()).await);
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn redis_too_slow_is_asked_exactly_three_times_in_bounded_time() {
    let server = Stub::start(Behaviour::Silent).await;
    let aftermath = aftermath(&server.url, three_purchases()).await;
    assert_left_quietly(&aftermath);
    assert_eq!(server.connections(), 3);
    assert!(
        aftermath.elapsed < Duration::from_secs(4),
        "{:?}",
        aftermath.elapsed
    );
}

#[tokio::test]
async fn redis_that_stops_answering_later_is_asked_three_times_in_bounded_time() {
    let server = Stub::start(Behaviour::SilentToUnlink).await;
    let aftermath = aftermath(&server.url, three_purchases()).await;
    assert_left_quietly(&aftermath);
    assert_eq!(server.batches(), 3);
    assert!(
        aftermath.elapsed < Duration::from_secs(4),
        "{:?}",
        aftermath.elapsed
    );
}

#[tokio::test]
async fn redis_refusing_is_asked_exactly_three_times() {
    let refusals = [
        "-ERR unknown command",
        "-NOAUTH Authentication required.",
        "-LOADING Redis is loading the dataset in memory",
        "-READONLY You can't write against a read only replica.",
        "-CROSSSLOT Keys in request don't hash to the same slot",
    ];
    for refusal in refusals {
        let server = Stub::start(Behaviour::Refuse(refusal)).await;
        assert_left_quietly(&aftermath(&server.url, three_purchases()).await);
        assert_eq!(server.batches(), 3, "{refusal}");
    }
}

#[tokio::test]
async fn redis_that_recovers_within_the_invocation_is_no_failure() {
    let server = Stub::start(Behaviour::RefuseFirst(2)).await;
    let aftermath = aftermath(&server.url, three_purchases()).await;
    assert_eq!(aftermath.answer, all_acknowledged());
    assert_eq!(
        (server.batches(), aftermath.failed, aftermath.warnings.len()),
        (3, 0, 0)
    );
}

#[tokio::test]
async fn a_link_that_was_closed_while_the_environment_slept_is_made_anew() {
    // GIVEN an environment whose link is closed after each batch
    let server = Stub::start(Behaviour::HangUpAfterBatch).await;
    let consumer = consumer(&server.url).await;

    // WHEN three batches arrive one after the other
    for _ in 0..3 {
        let answer = consumer.handle(three_purchases(), deadline()).await.unwrap();
        assert_eq!(answer, all_acknowledged());
    }

    // THEN each was obeyed, over a link of its own
    assert_eq!((server.batches(), server.connections()), (3, 3));
}

#[tokio::test]
async fn redis_away_acknowledges_a_kafka_batch_too() {
    let event = kafka_event(TOPIC, &[Some(purchase_created(Uuid::new_v4()))]);
    assert_left_quietly(&aftermath(&stub::closed_port().await, event).await);
}

#[tokio::test]
async fn what_cannot_be_read_is_logged_and_acknowledged_and_its_neighbour_served() {
    // GIVEN a readable event among five that are not for us
    let mut redis = redis().await;
    let student = Uuid::new_v4();
    cache_pages(&mut redis, student).await;
    let confirmed = json!({"type": "PURCHASE_CONFIRMED", "paymentId": Uuid::new_v4(), "studentId": Uuid::new_v4(),
                           "courseId": Uuid::new_v4(), "amountCents": 1, "metadata": {}});
    let bodies = [
        "{not json".to_owned(),
        "[]".to_owned(),
        confirmed.to_string(),
        json!({"type": "SOMETHING_ELSE"}).to_string(),
        json!({"type": "PURCHASE_CREATED"}).to_string(),
        purchase_created(student),
    ];

    // WHEN the batch arrives
    let aftermath = aftermath(&setting("MAKEGOOD_TEST_REDIS_URL"), sqs_event(TOPIC, &bodies)).await;

    // THEN all are acknowledged, each refusal has its line, and the neighbour's pages are gone
    assert_eq!(aftermath.answer, all_acknowledged());
    assert_eq!(aftermath.warnings.len(), 5, "{:?}", aftermath.warnings);
    assert_eq!(aftermath.failed, 0);
    assert_eq!(pages_left(&mut redis, student).await, 0);
}
