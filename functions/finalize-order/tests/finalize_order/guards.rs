//! The interleavings that the model in tests/model finds when a guard is missing, each on the real statements.

use crate::shop::{Shop, run};
use finalize_order::Finished;
use makegood::cause::Cause;
use makegood::job::{self, Completion, FailedJob, JobFailure};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A failover to a host that lacks the claim: the row is as it was before.
const CLAIM_IS_LOST: &str =
    "UPDATE job_queue SET status = 'pending', attempts = attempts - 1, locked_by = NULL, locked_until = NULL";

#[tokio::test]
async fn an_owner_whose_claim_a_failover_lost_does_not_finish_the_job_of_the_next() {
    // GIVEN two workers that were both given attempt 1, as a failover took the first claim back
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    let (first, second) = (shop.function(), shop.function());
    let lost = shop.claim(&first).await;
    shop.sql(CLAIM_IS_LOST).await;
    let held = shop.claim(&second).await;
    assert_eq!(lost.lease.attempts, held.lease.attempts);
    // WHEN the first finishes, either way THEN it is told that it lost
    let mut connection = first.publisher.database.acquire().await.unwrap();
    assert_eq!(
        job::complete_job_if_owned(&mut connection, &lost.lease)
            .await
            .unwrap(),
        Completion::LostRace
    );
    let failure = JobFailure {
        code: "late",
        reason: "too late".to_owned(),
        is_permanent: true,
        cause: Cause::OwnFault,
    };
    assert_eq!(
        job::fail_job_if_owned(&mut connection, &lost, &failure)
            .await
            .unwrap(),
        FailedJob::LostRace
    );
    drop(connection);
    assert_eq!(run(&first, &lost).await, Finished::LostLease);
    // AND the second makes the order
    assert_eq!(run(&second, &held).await, Finished::Completed);
    assert_eq!(shop.orders().await, 1);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_job_has_failed_only_together_with_its_case() {
    // GIVEN a job that fails for good, and a transaction that holds the key of its case, whatever its kind
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    shop.sql("UPDATE products SET is_active = false").await;
    let mut holder = PgConnection::connect(&shop.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    let cases = format!(
        "INSERT INTO payment_cases (kind, subject) VALUES ('unfulfillable', '{0}'), ('refund_due', '{0}')",
        buyer.intent
    );
    sqlx::query(AssertSqlSafe(cases))
        .execute(&mut *held)
        .await
        .unwrap();
    // WHEN the worker waits to open the case
    let (finished, ()) = tokio::join!(shop.run_one(), async {
        shop.until_waiting(1).await;
        // THEN no other session sees the job failed
        assert_eq!(shop.text("SELECT status FROM job_queue").await, "processing");
        held.rollback().await.unwrap();
    });
    // AND in the end both are there
    assert!(matches!(finished, Finished::Failed(_)));
    assert_eq!(shop.count("SELECT count(*) FROM payment_cases").await, 1);
    assert_eq!(shop.text("SELECT status FROM job_queue").await, "failed");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn only_a_job_that_ended_is_requeued() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    let owner = shop.function();
    let job = shop.claim(&owner).await;
    let mut connection = owner.publisher.database.acquire().await.unwrap();
    assert!(
        !job::requeue_ended_job_once(&mut connection, job.lease.id)
            .await
            .unwrap()
    );
    drop(connection);
    assert_eq!(shop.text("SELECT status FROM job_queue").await, "processing");
    assert_eq!(run(&owner, &job).await, Finished::Completed);
    shop.close().await;
}
