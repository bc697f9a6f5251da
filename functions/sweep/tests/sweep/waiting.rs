//! Who waits for a trainer is asked for again.

use crate::bench::Bench;
use allocate_trainer::{AdminService, AllocateTrainer, Breaker};
use makegood::clock::Clock;
use makegood::delivery::{Consumer, Deadline};
use makegood::outbox::Publisher;
use makegood::school_days::TeachingDays;
use makegood_local::admin;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn who_waits_for_a_trainer_is_asked_for_again_until_one_is_free() {
    // GIVEN a purchase for which no trainer was free
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let payment = bench.payment(student, course).await;
    let purchase = bench.purchase(student, course, Some(payment), "3 minutes").await;
    let service = Arc::new(admin::AdminService::with_trainer_count(1));
    service.no_trainers_until_call(3);
    let consumer = allocating(&bench, &service).await;
    assert_eq!(bench.reconcile().await["purchasesAnnounced"], 1);
    assert_eq!(allocate(&bench, &consumer).await, 1);
    // WHEN swept at once THEN it is too early to ask again
    assert_eq!(bench.reconcile().await["pendingAskedAgain"], 0);
    // WHEN swept every five minutes THEN the service is asked again each time, and the request waits in snapshot
    for call in 2..=3 {
        bench.five_minutes_pass().await;
        bench
            .database
            .run_sql("UPDATE trainer_allocations SET updated_at = now() - interval '5 minutes'")
            .await;
        let done = bench.reconcile().await;
        assert_eq!(
            (
                done["pendingAskedAgain"].as_i64(),
                done["allocationsPending"].as_i64()
            ),
            (Some(1), Some(1))
        );
        assert_eq!(allocate(&bench, &consumer).await, 1);
        assert_eq!(service.report().calls, call);
    }
    // THEN a trainer was free in the end: one allocation, published once, and the sweep asks no more
    let allocated = format!(
        "SELECT count(*) FROM trainer_allocations WHERE status = 'approved' AND metadata ->> 'purchaseId' = '{purchase}'"
    );
    assert_eq!(bench.database.count(&allocated).await, 1);
    assert_eq!(
        bench
            .database
            .count("SELECT count(*) FROM trainer_allocations")
            .await,
        1
    );
    assert_eq!(bench.published("trainer-allocated").await.len(), 1);
    bench.five_minutes_pass().await;
    let done = bench.reconcile().await;
    assert_eq!(
        (
            done["pendingAskedAgain"].as_i64(),
            done["allocationsPending"].as_i64()
        ),
        (Some(0), Some(0))
    );
    bench.database.drop().await;
}

/// `allocate-trainer` over the same database and queues.
async fn allocating(bench: &Bench, service: &Arc<admin::AdminService>) -> Consumer<AllocateTrainer> {
    let (url, _) = admin::spawn(Arc::clone(service)).await.unwrap();
    Consumer {
        stage: AllocateTrainer {
            publisher: Publisher {
                database: bench.database.through_pooler(2),
                transport: bench.transport.clone(),
            },
            service: AdminService::at(&url, Duration::from_secs(5)).unwrap(),
            breaker: Breaker::default(),
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
        },
        sqs: bench.queues["purchase-created"].client.clone(),
        parking: None,
        kafka_reads_partial: true,
        clock: Clock::System,
    }
}

/// Works off the queue; gives back how many messages there were.
async fn allocate(bench: &Bench, consumer: &Consumer<AllocateTrainer>) -> usize {
    let queue = &bench.queues["purchase-created"];
    let event = queue.receive_event(10).await;
    let answer = consumer
        .handle(event.clone(), Deadline::after(Duration::from_secs(30)))
        .await
        .unwrap();
    assert_eq!(answer["batchItemFailures"], serde_json::json!([]));
    let records = event["Records"].as_array().unwrap();
    for record in records {
        queue.delete(record["receiptHandle"].as_str().unwrap()).await;
    }
    records.len()
}
