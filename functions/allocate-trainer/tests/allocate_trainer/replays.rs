//! Any number of deliveries, at any moment, at once: one allocation, one event.

use crate::school::{Purchase, School, event};
use futures::future::join_all;
use makegood::delivery::Deadline;
use makegood_local::admin::Behaviour;
use makegood_tests::queues::sqs_event;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

async fn deliver_eight_times_at_once_and_once_more(school: &School) {
    // GIVEN ten purchases
    let mut purchases = Vec::new();
    for _ in 0..10 {
        purchases.push(school.purchase().await);
    }
    // WHEN eight environments get all of them at the same time, in different orders, and once more later
    let deliveries = (0..8).map(|turn| {
        let mut batch = purchases.clone();
        batch.rotate_left(turn);
        if turn % 2 == 0 {
            batch.reverse();
        }
        async move { school.deliver(&batch).await }
    });
    for returned in join_all(deliveries).await {
        assert_eq!(returned, Vec::<String>::new());
    }
    assert_eq!(school.deliver(&purchases).await, Vec::<String>::new());
    // THEN each has one allocation, published once
    for purchase in &purchases {
        school.assert_allocated_once(purchase).await;
    }
    let published = school.published.drain().await;
    assert_eq!(published.len(), 10);
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_deliveries_make_one_allocation() {
    let school = School::open().await;
    deliver_eight_times_at_once_and_once_more(&school).await;
    school.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_deliveries_make_one_allocation_without_the_index() {
    let school = School::open().await;
    school
        .database
        .run_sql("DROP INDEX unique_active_allocation")
        .await;
    deliver_eight_times_at_once_and_once_more(&school).await;
    school.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_services_answers_for_one_pair_make_one_allocation_without_the_index() {
    // GIVEN two purchases of the same student and course (the index that forbids it is gone), and a service without memory
    let school = School::open().await;
    school
        .database
        .run_sql("DROP INDEX unique_active_allocation; DROP INDEX unique_active_purchase")
        .await;
    let first = school.purchase().await;
    let second = crate::school::Purchase {
        id: Uuid::new_v4(),
        payment: Uuid::new_v4(),
        ..first
    };
    school.plant(&second, true).await;
    school.service.forget_pairs();
    school.service.set_latency(Duration::from_millis(100));
    // WHEN both are delivered at once, and get an allocation each from the service
    let batches = [[first], [second]];
    let (first_back, second_back) = tokio::join!(school.deliver(&batches[0]), school.deliver(&batches[1]));
    assert_eq!((first_back.len(), second_back.len()), (0, 0));
    // THEN the first that was recorded counts for both
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 1);
    assert_eq!(school.published.drain().await.len(), 1);
    school.close().await;
}

#[tokio::test]
async fn a_record_that_comes_twice_in_one_batch_is_asked_for_once() {
    let school = School::open().await;
    let purchase = school.purchase().await;
    assert_eq!(school.deliver(&[purchase, purchase]).await, Vec::<String>::new());
    assert_eq!(school.service.report().calls, 1);
    school.assert_allocated_once(&purchase).await;
    school.close().await;
}

#[tokio::test]
async fn an_answer_that_got_lost_is_given_again_under_the_same_key() {
    // GIVEN a service that allocates and loses the connection
    let school = School::open().await;
    let purchase = school.purchase().await;
    school.service.script([Behaviour::AllocateAndDrop]);
    assert_eq!(school.deliver(&[purchase]).await.len(), 1);
    // WHEN the event is delivered again
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    // THEN it is the same allocation, asked for under the same key
    school.assert_allocated_once(&purchase).await;
    let report = school.service.report();
    assert_eq!(report.allocations.len(), 1);
    assert_eq!(
        report.calls_by_key[&format!("purchase-created-{}", purchase.id)],
        2
    );
    let same = format!(
        "SELECT count(*) FROM trainer_allocations WHERE id = '{}'",
        report.allocations[0].id
    );
    assert_eq!(school.count(&same).await, 1);
    school.close().await;
}

/// An environment that got the service's answer and can't record it yet, since another session holds the pair's lock.
pub async fn waiting_to_record(
    school: &School,
    purchase: &Purchase,
) -> (sqlx::Transaction<'static, sqlx::Postgres>, JoinHandle<bool>) {
    let mut holder = school.database.direct().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('makegood.allocation'), hashtext($1))")
        .bind(format!("{}:{}", purchase.student, purchase.course))
        .execute(&mut *holder)
        .await
        .unwrap();
    let consumer = Arc::clone(&school.consumer);
    let invocation = sqs_event("purchase-created", &[event(purchase)]);
    let environment = tokio::spawn(async move {
        let deadline = Deadline::after(Duration::from_secs(30));
        consumer.handle(invocation, deadline).await.is_ok()
    });
    school.wait_for_an_advisory_lock().await;
    (holder, environment)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_answer_and_record_keeps_the_same_allocation() {
    // GIVEN an environment that got its answer and can't record it yet, since another session holds the pair's lock
    let school = School::open().await;
    let purchase = school.purchase().await;
    let (holder, environment) = waiting_to_record(&school, &purchase).await;
    assert!(!environment.is_finished(), "it recorded in spite of the lock");
    // WHEN it dies there, and the event is delivered again
    environment.abort();
    assert!(environment.await.unwrap_err().is_cancelled());
    holder.rollback().await.unwrap();
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    // THEN the allocation is the one that the service made for the first delivery
    school.assert_allocated_once(&purchase).await;
    let report = school.service.report();
    assert_eq!((report.calls, report.allocations.len()), (2, 1));
    assert_eq!(school.published.drain().await.len(), 1);
    school.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_that_ends_while_the_service_is_asked_gets_no_trainer() {
    // GIVEN an environment that got its answer and can't record it yet
    let school = School::open().await;
    let purchase = school.purchase().await;
    let (holder, environment) = waiting_to_record(&school, &purchase).await;
    // WHEN the purchase ends meanwhile, and the event is delivered again
    school
        .database
        .run_sql("UPDATE student_course_purchases SET is_active = false, ended_at = now(), end_reason = 'refunded'")
        .await;
    holder.rollback().await.unwrap();
    assert!(environment.await.unwrap());
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    // THEN there is no allocation, and nothing says so
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 0);
    assert_eq!(school.published.drain().await, Vec::<String>::new());
    school.close().await;
}

#[tokio::test]
async fn an_allocation_that_was_never_published_is_published_without_asking() {
    // GIVEN an allocation without event and without sessions
    let school = School::open().await;
    let purchase = school.purchase().await;
    let id = school.allocation(&purchase, "active", Some(Uuid::new_v4())).await;
    // WHEN the purchase is delivered, twice
    for _ in 0..2 {
        assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    }
    // THEN it is published once, and the service was left alone
    let bodies = school.published.drain().await;
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].contains(&format!("trainer-allocated-{id}")));
    assert_eq!(school.service.report().calls, 0);
    school.close().await;
}

#[tokio::test]
async fn a_course_held_to_its_end_and_an_ended_purchase_get_no_second_trainer() {
    let school = School::open().await;
    let held = school.purchase().await;
    school.allocation(&held, "completed", Some(Uuid::new_v4())).await;
    let ended = crate::school::Purchase {
        id: Uuid::new_v4(),
        student: Uuid::new_v4(),
        ..held
    };
    school.plant(&ended, false).await;
    assert_eq!(school.deliver(&[held, ended]).await, Vec::<String>::new());
    assert_eq!(school.service.report().calls, 0);
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 1);
    assert_eq!(school.published.drain().await, Vec::<String>::new());
    school.close().await;
}

#[tokio::test]
async fn an_event_without_its_purchase_comes_again() {
    let school = School::open().await;
    let unknown = crate::school::Purchase {
        id: Uuid::new_v4(),
        student: Uuid::new_v4(),
        course: Uuid::new_v4(),
        payment: Uuid::new_v4(),
    };
    assert_eq!(school.deliver(&[unknown]).await.len(), 1);
    assert_eq!(
        school.deliver_on_attempt(&[unknown], 5).await,
        Vec::<String>::new()
    );
    assert!(school.parked.drain().await[0].contains("purchase_not_found"));
    assert_eq!(school.service.report().calls, 0);
    school.close().await;
}

#[tokio::test]
async fn a_row_that_the_service_wrote_itself_is_completed() {
    // GIVEN a service that shares the database: it wrote the row, in several states, and its answer got lost
    let school = School::open_without_breaker().await;
    for (status, trainer) in [
        ("pending", None),
        ("rejected", Some(Uuid::new_v4())),
        ("rejected", None),
        ("approved", None),
    ] {
        let purchase = school.purchase().await;
        school.service.script([Behaviour::AllocateAndDrop]);
        assert_eq!(school.deliver(&[purchase]).await.len(), 1);
        let given = school.service.report().allocations;
        let given = given
            .iter()
            .find(|given| given.student_id == purchase.student)
            .unwrap();
        school
            .allocation_with_id(given.id, &purchase, status, trainer)
            .await;
        // WHEN the event is delivered again
        assert_eq!(
            school.deliver(&[purchase]).await,
            Vec::<String>::new(),
            "{status}"
        );
        // THEN that row stands with the trainer
        school.assert_allocated_once(&purchase).await;
        let completed = format!(
            "SELECT count(*) FROM trainer_allocations WHERE id = '{}' AND trainer_id = '{}'",
            given.id,
            given.trainer_id.unwrap()
        );
        assert_eq!(school.count(&completed).await, 1, "{status}");
    }
    school.close().await;
}

#[tokio::test]
async fn a_renewal_that_is_answered_with_the_old_allocation_gets_a_row_of_its_own() {
    // GIVEN a purchase that renews one whose allocation is completed, and a service that still knows that allocation only
    let school = School::open().await;
    let purchase = school.purchase().await;
    let existing = school.service.allocate_for(purchase.student, purchase.course);
    school
        .allocation_with_id(existing.id, &purchase, "completed", existing.trainer_id)
        .await;
    school
        .database
        .run_sql("UPDATE trainer_allocations SET created_at = now() - interval '60 days'")
        .await;
    school.service.script([Behaviour::Exists, Behaviour::Exists]);
    // WHEN the renewal's event is delivered, twice
    for _ in 0..2 {
        assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    }
    // THEN the old row stays completed, and a new one stands that knows the service's id
    let old = format!(
        "SELECT count(*) FROM trainer_allocations WHERE id = '{}' AND status = 'completed'",
        existing.id
    );
    assert_eq!(school.count(&old).await, 1);
    let new = format!(
        "SELECT count(*) FROM trainer_allocations WHERE status = 'approved' AND metadata ->> 'adminAllocationId' = '{}'",
        existing.id
    );
    assert_eq!(school.count(&new).await, 1);
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 2);
    assert_eq!(school.published.drain().await.len(), 1);
    school.close().await;
}

#[tokio::test]
async fn an_event_from_before_an_extension_is_no_stranger() {
    // GIVEN a purchase of 20 sessions to which 7 and 3 were added before its event came
    let school = School::open().await;
    let purchase = school.purchase().await;
    let extend = format!(
        "UPDATE student_course_purchases SET purchase_tier = 30;
         INSERT INTO purchase_extensions (payment_id, purchase_id, sessions)
         SELECT gen_random_uuid(), '{}', n FROM unnest(ARRAY[7, 3]) n",
        purchase.id
    );
    school.database.run_sql(&extend).await;
    // WHEN
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    // THEN the allocation is of all of them
    school.assert_allocated_once(&purchase).await;
    let all = "SELECT count(*) FROM trainer_allocations WHERE metadata ->> 'sessionCount' = '30'";
    assert_eq!(school.count(all).await, 1);
    assert!(school.parked.drain().await.is_empty());
    school.close().await;
}

#[tokio::test]
async fn times_in_any_spelling_are_asked_for_and_recorded_in_one_form() {
    // GIVEN an event as an operator may edit it: 24 hours, an instant of the evening before, a schedule in JSON text
    let school = School::open().await;
    let purchase = school.purchase().await;
    let mut body: serde_json::Value = serde_json::from_str(&event(&purchase)).unwrap();
    body["metadata"] =
        json!({"timeSlot": "18:00", "schedule": "{\"startDate\": \"2026-01-14T18:30:00.000Z\"}"});
    // WHEN
    let invocation = sqs_event("purchase-created", &[body.to_string()]);
    assert_eq!(school.invoke(invocation).await, Vec::<String>::new());
    // THEN
    let recorded = "SELECT count(*) FROM trainer_allocations
                    WHERE metadata ->> 'timeSlot' = '6:00 PM' AND metadata ->> 'startDate' = '2026-01-15'";
    assert_eq!(school.count(recorded).await, 1);
    school.close().await;
}

#[tokio::test]
async fn an_event_from_before_a_part_went_back_is_no_stranger_and_the_rest_is_allocated() {
    // GIVEN a purchase of 20 sessions whose event is on its way
    let school = School::open().await;
    let purchase = school.purchase().await;
    let (holder, environment) = waiting_to_record(&school, &purchase).await;
    // WHEN a part takes five of them while the admin service's answer is recorded
    let reduce = format!(
        "UPDATE student_course_purchases SET purchase_tier = 15;
         INSERT INTO purchase_reductions (payment_id, purchase_id, sessions) VALUES ('{}', '{}', 5)",
        purchase.payment, purchase.id
    );
    school.database.run_sql(&reduce).await;
    holder.rollback().await.unwrap();
    assert!(environment.await.unwrap());
    // THEN the allocation and its event are of what is left
    school.assert_allocated_once(&purchase).await;
    let rest = "SELECT count(*) FROM trainer_allocations a JOIN outbox o ON o.event_id = 'trainer-allocated-' || a.id
                WHERE a.metadata ->> 'sessionCount' = '15' AND o.payload ->> 'sessionCount' = '15'";
    assert_eq!(school.count(rest).await, 1);
    // AND the event, delivered when nothing is there of it any more, is none of a stranger
    school
        .database
        .run_sql("DELETE FROM trainer_allocations; DELETE FROM outbox; DELETE FROM processed_events")
        .await;
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    school.assert_allocated_once(&purchase).await;
    assert!(school.parked.drain().await.is_empty());
    school.close().await;
}
