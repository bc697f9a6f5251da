//! The queue of jobs: one row a key, claimed in order by one worker at a time, finished by its owner alone.

use crate::shop::{LEASE, Shop};
use makegood::db::Database;
use makegood::job::{self, Completion, Enqueued, FailedJob, Job, JobFailure, JobType, NewJob, Rescue};
use serde_json::json;
use std::time::Duration;

fn new_job(key: &str, priority: i32) -> NewJob {
    NewJob {
        job_type: JobType::ProcessRefund,
        payload: json!({"payment_intent_id": key}),
        priority,
        idempotency_key: key.to_owned(),
        scheduled_for: None,
    }
}

async fn enqueue(database: &Database, job: &NewJob) -> Enqueued {
    job::enqueue(&mut database.acquire().await.unwrap(), job)
        .await
        .unwrap()
}

async fn acquire(database: &Database, worker: &str) -> Option<Job> {
    acquire_up_to(database, worker, 1).await.pop()
}

async fn acquire_up_to(database: &Database, worker: &str, most: i32) -> Vec<Job> {
    job::acquire_next_jobs(&mut database.acquire().await.unwrap(), worker, LEASE, most)
        .await
        .unwrap()
}

fn key(job: Option<Job>) -> String {
    job.map_or_else(String::new, |job| {
        job.payload["payment_intent_id"].as_str().unwrap().to_owned()
    })
}

#[tokio::test]
async fn the_same_key_is_the_same_job_also_at_once() {
    let shop = Shop::open().await;
    let database = shop.database.through_pooler(8);
    let job = new_job("once", 1);
    let all = futures::future::join_all((0..8).map(|_| enqueue(&database, &job))).await;
    assert_eq!(all.iter().filter(|enqueued| enqueued.is_new).count(), 1);
    assert!(all.iter().all(|enqueued| enqueued.id == all[0].id));
    shop.close().await;
}

#[tokio::test]
async fn the_lowest_number_then_the_oldest_runs_first_and_nothing_before_its_time() {
    let shop = Shop::open().await;
    let database = shop.database.through_pooler(2);
    for (key, priority) in [("late", 5), ("old", 5), ("young", 5), ("first", 1)] {
        enqueue(&database, &new_job(key, priority)).await;
    }
    shop.sql(
        "UPDATE job_queue SET scheduled_for = now() + interval '1 minute' WHERE idempotency_key = 'late';
         UPDATE job_queue SET created_at = now() - interval '1 hour' WHERE idempotency_key = 'old'",
    )
    .await;
    let mut order = Vec::new();
    while let Some(job) = acquire(&database, "w").await {
        order.push(key(Some(job)));
    }
    assert_eq!(order, ["first", "old", "young"]);
    shop.close().await;
}

#[tokio::test]
async fn a_job_has_one_worker_and_a_named_one_is_claimed_only_while_it_is_runnable() {
    let shop = Shop::open().await;
    let database = shop.database.through_pooler(8);
    let first = enqueue(&database, &new_job("a", 1)).await.id;
    enqueue(&database, &new_job("b", 1)).await;
    let claims = futures::future::join_all((0..6).map(|_| acquire(&database, "w"))).await;
    let mut keys: Vec<String> = claims
        .into_iter()
        .map(key)
        .filter(|key| !key.is_empty())
        .collect();
    keys.sort();
    assert_eq!(keys, ["a", "b"]);
    let mut connection = database.acquire().await.unwrap();
    assert_eq!(
        job::acquire_job(&mut connection, first, "w", LEASE)
            .await
            .unwrap(),
        None
    );
    let third = enqueue(&database, &new_job("c", 9)).await.id;
    let claimed = job::acquire_job(&mut connection, third, "w", LEASE)
        .await
        .unwrap();
    assert_eq!(key(claimed), "c");
    let later = NewJob {
        scheduled_for: Some(chrono::Utc::now() + chrono::TimeDelta::hours(1)),
        ..new_job("d", 1)
    };
    let later = job::enqueue(&mut connection, &later).await.unwrap().id;
    assert_eq!(
        job::acquire_job(&mut connection, later, "w", LEASE)
            .await
            .unwrap(),
        None
    );
    drop(connection);
    shop.close().await;
}

#[tokio::test]
async fn a_job_that_another_is_claiming_is_passed_over_without_waiting() {
    let shop = Shop::open().await;
    let database = shop.database.through_pooler(4);
    for (key, priority) in [("a", 1), ("b", 2)] {
        enqueue(&database, &new_job(key, priority)).await;
    }
    // GIVEN a worker that is claiming the first and has not committed
    let mut claiming = database.begin().await.unwrap();
    let first = job::acquire_next_jobs(&mut claiming, "w", LEASE, 1)
        .await
        .unwrap()
        .pop();
    // WHEN two others look THEN one has the second, and the last has none
    let others = async { (acquire(&database, "x").await, acquire(&database, "y").await) };
    let others = tokio::time::timeout(Duration::from_secs(20), others).await;
    let (second, third) = others.expect("neither waits for the first");
    assert_eq!(
        (key(first), key(second), third),
        ("a".to_owned(), "b".to_owned(), None)
    );
    claiming.commit().await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn a_rescuer_leaves_the_job_that_its_owner_is_finishing() {
    let shop = Shop::open().await;
    let database = shop.database.through_pooler(4);
    enqueue(&database, &new_job("a", 1)).await;
    let job = acquire(&database, "owner").await.unwrap();
    shop.leases_run_out().await;
    // GIVEN an owner that has completed and not committed
    let mut transaction = database.begin().await.unwrap();
    assert_eq!(
        job::complete_job_if_owned(&mut transaction, &job.lease)
            .await
            .unwrap(),
        Completion::Completed
    );
    // WHEN a rescuer looks THEN it takes nothing, now and later
    let mut rescuer = database.acquire().await.unwrap();
    let rescue = job::rescue_expired_jobs(&mut rescuer, 10);
    let rescued = tokio::time::timeout(Duration::from_secs(20), rescue).await;
    assert_eq!(rescued.expect("it does not wait for the owner").unwrap(), []);
    transaction.commit().await.unwrap();
    assert_eq!(job::rescue_expired_jobs(&mut rescuer, 10).await.unwrap(), []);
    assert_eq!(shop.text("SELECT status FROM job_queue").await, "completed");
    drop(rescuer);
    shop.close().await;
}

#[tokio::test]
async fn an_owner_that_waited_for_its_rescuer_is_told_that_it_lost() {
    let shop = Shop::open().await;
    let database = shop.database.through_pooler(4);
    enqueue(&database, &new_job("a", 1)).await;
    let job = acquire(&database, "owner").await.unwrap();
    shop.leases_run_out().await;
    // GIVEN a rescuer that has requeued and not committed
    let mut transaction = database.begin().await.unwrap();
    let rescued = job::rescue_expired_jobs(&mut transaction, 10).await.unwrap();
    assert_eq!(
        rescued.iter().map(|rescued| rescued.rescue).collect::<Vec<_>>(),
        [Rescue::Requeued]
    );
    // WHEN the owner completes meanwhile
    let mut owner = database.acquire().await.unwrap();
    let (completed, ()) = tokio::join!(job::complete_job_if_owned(&mut owner, &job.lease), async {
        shop.until_waiting(1).await;
        transaction.commit().await.unwrap();
    });
    // THEN it lost, also when the same worker has the job again
    assert_eq!(completed.unwrap(), Completion::LostRace);
    let again = acquire(&database, "owner").await.unwrap();
    assert_eq!(again.lease.attempts, 2);
    assert_eq!(
        job::complete_job_if_owned(&mut owner, &job.lease).await.unwrap(),
        Completion::LostRace
    );
    let failure = JobFailure::permanent("late", "too late");
    assert_eq!(
        job::fail_job_if_owned(&mut owner, &job, &failure).await.unwrap(),
        FailedJob::LostRace
    );
    assert_eq!(
        shop.text("SELECT status || ' ' || locked_by FROM job_queue")
            .await,
        "processing owner"
    );
    drop(owner);
    shop.close().await;
}

#[tokio::test]
async fn jobs_that_are_not_due_hold_up_no_other_and_the_order_stays() {
    // GIVEN more jobs that wait for their time than a claim reads, older and of a better priority than those that are due
    let shop = Shop::open().await;
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, priority, created_at, scheduled_for)
         SELECT 'x', '{}', n % 3, now() - interval '1 day', now() + interval '1 hour' FROM generate_series(1, 300) n;
         INSERT INTO job_queue (job_type, payload, priority, idempotency_key, created_at, scheduled_for)
         SELECT 'x', jsonb_build_object('payment_intent_id', key), priority, key, now() - age, now() - interval '1 minute'
         FROM (VALUES ('young', 2, interval '1 minute'), ('old', 2, interval '2 hours'), ('first', 1, interval '1 second'),
                      ('last', 7, interval '3 days')) AS j (key, priority, age)",
    )
    .await;
    let database = shop.database.through_pooler(4);
    let untaken = {
        let mut connection = database.acquire().await.unwrap();
        job::list_untaken(&mut connection, Duration::from_secs(30), 10)
            .await
            .unwrap()
    };
    // WHEN workers claim THEN they get what is due, the best priority first, then the oldest, and then nothing
    let mut claimed = Vec::new();
    while let Some(job) = acquire(&database, "w").await {
        claimed.push(job.payload["payment_intent_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(claimed, ["first", "old", "young", "last"]);
    // AND the sweep would have woken workers for these alone
    assert_eq!(untaken.len(), 4);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_behind_jobs_that_are_not_due_take_each_due_job_once() {
    let shop = Shop::open().await;
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, scheduled_for)
         SELECT 'x', '{}', now() + interval '1 hour' FROM generate_series(1, 100);
         INSERT INTO job_queue (job_type, payload) SELECT 'y', '{}' FROM generate_series(1, 200)",
    )
    .await;
    let database = shop.database.through_pooler(10);
    let drain = || async {
        let mut claimed = Vec::new();
        while let Some(job) = acquire(&database, "w").await {
            claimed.push(job.lease.id);
        }
        claimed
    };
    let claimed: Vec<_> = futures::future::join_all((0..10).map(|_| drain())).await.concat();
    let once: std::collections::BTreeSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), once.len()), (200, 200));
    shop.close().await;
}

#[tokio::test]
async fn a_claim_takes_as_many_as_it_is_told_in_their_order_and_fewer_with_those_that_failed_before() {
    let shop = Shop::open().await;
    let database = shop.database.through_pooler(2);
    shop.sql(
        "INSERT INTO job_queue (job_type, payload, priority, created_at, spared, lost_workers)
         SELECT 'x', jsonb_build_object('payment_intent_id', n::text), 1, now() - interval '1 hour' + n * interval '1 second',
                CASE n WHEN 7 THEN 2 ELSE 0 END, CASE n WHEN 12 THEN 1 ELSE 0 END
         FROM generate_series(1, 20) n",
    )
    .await;
    let mut claims = Vec::new();
    loop {
        let claimed = acquire_up_to(&database, "w", 8).await;
        if claimed.is_empty() {
            break;
        }
        let keys: Vec<String> = claimed.into_iter().map(|job| key(Some(job))).collect();
        claims.push(keys.join(" "));
    }
    // The seventh was spared twice: no more than two go with it. The twelfth lost its worker: it goes alone.
    assert_eq!(
        claims,
        ["1 2 3 4 5 6", "7 8", "9 10 11", "12", "13 14 15 16 17 18 19 20"]
    );
    shop.close().await;
}
