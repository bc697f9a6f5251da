//! Leases: who lost one changes nothing and emits nothing, at whatever moment it was lost.

use crate::shop::{Shop, run, run_next};
use finalize_order::Finished;
use makegood::db::{Database, Limits};
use makegood::delivery::Deadline;
use makegood::job::Waker;
use makegood_tests::queues::TestQueue;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

#[tokio::test]
async fn a_lease_that_runs_out_while_the_owner_still_works_makes_one_order_and_the_loser_emits_nothing() {
    // GIVEN an owner in the middle of its transaction: it waits for stock that the test holds
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    let mut holder = PgConnection::connect(&shop.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM inventory FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    let owner = shop.function();
    let job = shop.claim(&owner).await;
    let (finished, successor) = tokio::join!(run(&owner, &job), async {
        shop.until_waiting(1).await;
        // WHEN its lease runs out, the sweep rescues the job, and a successor takes it and waits for the same intent
        shop.leases_run_out().await;
        assert_eq!(shop.sweep("stale-jobs").await["requeued"], 1);
        let successor = shop.function();
        let again = shop.claim(&successor).await;
        assert_eq!((again.lease.id, again.lease.attempts), (job.lease.id, 2));
        let (successor, ()) = tokio::join!(run(&successor, &again), async {
            shop.until_waiting(2).await;
            held.commit().await.unwrap();
        });
        successor
    });
    // THEN the owner finds at its end that it owns nothing, and the successor makes the order
    assert_eq!((finished, successor), (Finished::LostLease, Finished::Completed));
    assert_eq!(
        (shop.orders().await, shop.published().await),
        (1, vec![buyer.intent])
    );
    assert_eq!(shop.count("SELECT count(*) FROM outbox").await, 1);
    assert_eq!(
        shop.count("SELECT 40 - sum(quantity_available) FROM inventory")
            .await,
        2
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_rescuer_and_the_owner_finishing_at_once_make_one_order() {
    let shop = Shop::open().await;
    for number in 0..8 {
        shop.paid(number, &[(1 + number % 4, 1)]).await;
        // GIVEN an owner whose lease is over
        let owner = shop.function();
        let job = shop.claim(&owner).await;
        shop.leases_run_out().await;
        // WHEN it finishes while the sweep rescues
        let (finished, swept) = tokio::join!(run(&owner, &job), shop.sweep("stale-jobs"));
        // THEN one of them had it
        let lost = finished == Finished::LostLease;
        assert_eq!(swept["requeued"], i32::from(lost));
        assert_eq!(shop.orders().await, i64::from(number) + i64::from(!lost));
        shop.work().await;
        assert_eq!(shop.orders().await, i64::from(number) + 1);
    }
    assert_eq!(shop.published().await.len(), 8);
    assert_eq!(
        shop.count("SELECT count(*) FROM job_queue WHERE status = 'completed'")
            .await,
        8
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn an_owner_that_lost_its_lease_fails_nothing_and_opens_no_case() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql("UPDATE products SET is_active = false").await;
    let owner = shop.function();
    let job = shop.claim(&owner).await;
    shop.leases_run_out().await;
    shop.sweep("stale-jobs").await;
    assert_eq!(run(&owner, &job).await, Finished::LostLease);
    assert_eq!(shop.text("SELECT status FROM job_queue").await, "pending");
    assert_eq!(shop.count("SELECT count(*) FROM payment_cases").await, 0);
    // The next owner decides.
    assert!(matches!(shop.run_one().await, Finished::Failed(_)));
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn what_is_its_own_fault_is_tried_three_times_with_growing_delays_and_then_leaves_a_case() {
    // GIVEN a rule in the database that refuses this order's items, and a queue for wake-ups
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.order_items_fail("RAISE EXCEPTION 'not these'").await;
    let jobs = TestQueue::create("jobs").await;
    let run = async || {
        let mut function = shop.function();
        function.waker = Some(Waker {
            client: jobs.client.clone(),
            queue_url: jobs.url.clone(),
        });
        run_next(&function).await
    };
    let delay = "SELECT extract(epoch FROM scheduled_for - updated_at)::bigint FROM job_queue WHERE status = 'pending'";
    for range in [1..=2, 2..=4] {
        assert_eq!(run().await, Some(Finished::Requeued));
        let seconds = shop.count(delay).await;
        assert!(range.contains(&seconds), "{seconds} s");
        // Not before its time.
        assert_eq!(run().await, None);
        shop.backoffs_pass().await;
    }
    // WHEN no attempt is left THEN it has failed, and a person is told
    assert!(matches!(run().await, Some(Finished::Failed(_))));
    assert_eq!(shop.text("SELECT kind FROM payment_cases").await, "unfulfillable");
    assert_eq!(shop.text("SELECT cause FROM job_queue").await, "own_fault");
    // AND each retry had its wake-up
    let id = shop.text("SELECT id::text FROM job_queue").await;
    let woken = async {
        let mut bodies = Vec::new();
        while bodies.len() < 2 {
            bodies.extend(jobs.drain().await);
        }
        bodies
    };
    let bodies = tokio::time::timeout(Duration::from_secs(20), woken)
        .await
        .unwrap();
    assert_eq!(bodies, vec![json!({"jobId": id}).to_string(); 2]);
    // WHEN the rule is gone and a person retries THEN the order is made and the case resolved
    shop.order_items_succeed().await;
    shop.sql("UPDATE job_queue SET status = 'pending'").await;
    assert_eq!(shop.run_one().await, Finished::Completed);
    assert_eq!(shop.text("SELECT status FROM payment_cases").await, "resolved");
    shop.assert_sound().await;
    shop.database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_done_when_the_time_is_up_goes_back_without_using_an_attempt() {
    // GIVEN a paid buyer whose stock another transaction holds
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    let mut holder = PgConnection::connect(&shop.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM inventory FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    // WHEN an invocation has three seconds, and would wait for longer, THEN it ends by itself
    let mut function = shop.function();
    let patient = Limits {
        lock: Duration::from_secs(20),
        ..Limits::default()
    };
    let options = shop.database.pooler_url().parse().unwrap();
    function.publisher.database = Database::with_limits(options, 2, patient);
    let work = function.work(Deadline::after(Duration::from_secs(3)));
    let worked = tokio::time::timeout(Duration::from_secs(10), work).await;
    let worked = worked.expect("it does not wait for the stock");
    // AND the job is as if no worker had claimed it
    assert_eq!((worked.returned, worked.time_was_up), (1, true), "{worked:?}");
    let state = "SELECT status || ' ' || max_attempts - attempts || coalesce(locked_by, '') FROM job_queue";
    assert_eq!(shop.text(state).await, "pending 3");
    assert_eq!(shop.orders().await, 0);
    // WHEN the stock is free again THEN the next invocation makes the order
    held.rollback().await.unwrap();
    shop.backoffs_pass().await;
    shop.work().await;
    assert_eq!(shop.published().await, [buyer.intent]);
    shop.assert_sound().await;
    shop.database.drop().await;
}

#[tokio::test]
async fn a_job_whose_failure_can_not_be_written_goes_back_and_does_not_stay_processing() {
    // GIVEN an order that can't be made, and a database that goes away when that is written
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql(
        "UPDATE products SET is_active = false;
         CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'away' USING ERRCODE = 'admin_shutdown'; END $$;
         CREATE TRIGGER away BEFORE INSERT ON payment_cases FOR EACH ROW EXECUTE FUNCTION away()",
    )
    .await;
    let worked = shop
        .function()
        .work(Deadline::after(Duration::from_secs(20)))
        .await;
    assert_eq!(worked.returned, 1, "{worked:?}");
    let state = "SELECT status || ' ' || max_attempts - attempts || coalesce(locked_by, '') FROM job_queue";
    assert_eq!(shop.text(state).await, "pending 3");
    // WHEN it is back THEN the next worker decides
    shop.sql("DROP TRIGGER away ON payment_cases").await;
    shop.backoffs_pass().await;
    assert!(matches!(shop.run_one().await, Finished::Failed(_)));
    shop.assert_sound().await;
    shop.database.drop().await;
}

#[tokio::test]
async fn only_the_own_jobs_are_put_back() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 1)]).await;
    shop.paid(2, &[(2, 1)]).await;
    let (one, other) = (shop.function(), shop.function());
    let (first, _) = (shop.claim(&one).await, shop.claim(&other).await);
    let mut connection = one.publisher.database.acquire().await.unwrap();
    let returned = makegood::job::return_jobs_of(&mut connection, &one.worker)
        .await
        .unwrap();
    assert_eq!(returned, [first.lease.id]);
    // Its guard is void from then on.
    let completed = makegood::job::complete_job_if_owned(&mut connection, &first.lease)
        .await
        .unwrap();
    assert_eq!(completed, makegood::job::Completion::LostRace);
    drop(connection);
    shop.close().await;
}

#[tokio::test]
async fn an_earlier_attempt_of_the_same_worker_owns_nothing() {
    // GIVEN a worker whose lease ran out, and who took the same job again: its name stands in the row, with a later attempt
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    let worker = shop.function();
    let earlier = shop.claim(&worker).await;
    shop.leases_run_out().await;
    assert_eq!(shop.sweep("stale-jobs").await["requeued"], 1);
    let later = shop.claim(&worker).await;
    assert_eq!((later.lease.attempts, earlier.lease.attempts), (2, 1));
    // WHEN the earlier attempt comes to its end THEN nothing is made for it, and the later one makes the order
    assert_eq!(run(&worker, &earlier).await, Finished::LostLease);
    assert_eq!(
        (
            shop.orders().await,
            shop.count("SELECT count(*) FROM outbox").await
        ),
        (0, 0)
    );
    assert_eq!(run(&worker, &later).await, Finished::Completed);
    assert_eq!(shop.orders().await, 1);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn an_earlier_attempt_at_another_kind_of_job_owns_nothing_either() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.sql(
        "DELETE FROM payment_gateway_verifications;
         UPDATE job_queue SET job_type = 'handle_payment_failure'",
    )
    .await;
    // GIVEN a worker that took the job again after its lease had run out
    let worker = shop.function();
    let earlier = shop.claim(&worker).await;
    shop.leases_run_out().await;
    assert_eq!(shop.sweep("stale-jobs").await["requeued"], 1);
    let later = shop.claim(&worker).await;
    // WHEN the earlier attempt comes to its end THEN nothing is done for it
    assert_eq!(run(&worker, &earlier).await, Finished::LostLease);
    assert_eq!(
        shop.text("SELECT status FROM inventory_reservations").await,
        "active"
    );
    assert_eq!(run(&worker, &later).await, Finished::Completed);
    assert_eq!(
        shop.text("SELECT status FROM inventory_reservations").await,
        "released"
    );
    shop.close().await;
}

#[tokio::test]
async fn an_owner_that_lost_its_lease_frees_nothing_of_a_checkout_that_was_bought_already() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    // GIVEN another intent of the same checkout that became the order
    shop.sql(&format!(
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, status, items, metadata)
         VALUES ('first', md5('buyer1')::uuid, 'esewa', 0, 'succeeded', '[]', '{{\"checkout\": \"first\"}}');
         INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
         VALUES ('ORD-20251005-1', md5('buyer1')::uuid, 'first', 'esewa', 0, 0);
         UPDATE payment_intents SET metadata = '{{\"checkout\": \"first\"}}' WHERE payment_intent_id = '{}'",
        buyer.intent
    ))
    .await;
    let owner = shop.function();
    let job = shop.claim(&owner).await;
    shop.leases_run_out().await;
    shop.sweep("stale-jobs").await;
    // WHEN an owner that lost its lease would refuse it THEN the goods stay held until the next owner decides
    assert_eq!(run(&owner, &job).await, Finished::LostLease);
    let held = "SELECT sum(quantity_reserved) FROM inventory";
    assert_eq!(shop.count(held).await, 2);
    assert!(matches!(shop.run_one().await, Finished::Failed(_)));
    assert_eq!(shop.count(held).await, 0);
    shop.close().await;
}
