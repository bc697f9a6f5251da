//! A trainer who leaves: the service is asked anew, and never gives the same one back.

use crate::school::{Purchase, School};
use makegood_local::admin::Behaviour;
use uuid::Uuid;

/// Cancels what stands for the purchase, as another application does, and tells the service.
async fn trainer_leaves(school: &School, purchase: &Purchase) {
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET status = 'cancelled' WHERE student_id = '{}' AND status = 'approved'",
            purchase.student
        ))
        .await;
    school.service.leave(purchase.student, purchase.course);
}

async fn who_teaches(school: &School, purchase: &Purchase) -> (Uuid, Uuid) {
    sqlx::query_as(
        "SELECT id, trainer_id FROM trainer_allocations WHERE student_id = $1 AND status = 'approved'",
    )
    .bind(purchase.student)
    .fetch_one(&school.database.direct())
    .await
    .unwrap()
}

#[tokio::test]
async fn each_trainer_who_leaves_is_replaced_by_another() {
    // GIVEN
    let school = School::open_without_breaker().await;
    let purchase = school.purchase().await;
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    let mut allocations = vec![who_teaches(&school, &purchase).await];
    for _ in 0..3 {
        // WHEN the trainer leaves, the answer of the service gets lost once, and the event comes twice more
        trainer_leaves(&school, &purchase).await;
        school.service.script([Behaviour::AllocateAndDrop]);
        assert_eq!(school.deliver(&[purchase]).await.len(), 1);
        assert_eq!(school.deliver(&[purchase, purchase]).await, Vec::<String>::new());
        // THEN another one teaches, asked for under one key of its own
        let now = who_teaches(&school, &purchase).await;
        assert!(
            allocations.iter().all(|(id, _)| *id != now.0),
            "the same allocation"
        );
        assert_ne!(allocations.last().unwrap().1, now.1, "the same trainer");
        allocations.push(now);
    }
    let report = school.service.report();
    assert_eq!(
        report.calls_by_key.values().copied().collect::<Vec<_>>(),
        [1, 2, 2, 2]
    );
    let published = "SELECT count(*) FROM outbox WHERE event_type = 'TRAINER_ALLOCATED'";
    assert_eq!(school.count(published).await, 4);
    school.close().await;
}

#[tokio::test]
async fn a_trainer_who_left_and_is_given_back_under_the_same_allocation_does_not_teach() {
    // GIVEN an allocation that was cancelled here, and a service that still says that it stands
    let school = School::open_without_breaker().await;
    let purchase = school.purchase().await;
    let existing = school.service.allocate_for(purchase.student, purchase.course);
    school
        .allocation_with_id(existing.id, &purchase, "cancelled", existing.trainer_id)
        .await;
    // WHEN the event is delivered
    let returned = school.deliver(&[purchase]).await;
    // THEN it comes again, and the allocation stays cancelled
    assert_eq!(returned.len(), 1);
    let cancelled = "SELECT count(*) FROM trainer_allocations WHERE status = 'cancelled'";
    assert_eq!(school.count(cancelled).await, 1);
    // WHEN it is cancelled there, too THEN another one teaches
    school.service.leave(purchase.student, purchase.course);
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    assert_ne!(Some(who_teaches(&school, &purchase).await.1), existing.trainer_id);
    school.close().await;
}

#[tokio::test]
async fn a_trainer_whose_row_is_gone_is_asked_for_under_another_key() {
    // GIVEN an allocation that lost its trainer, twice
    let school = School::open_without_breaker().await;
    let purchase = school.purchase().await;
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    let (id, _) = who_teaches(&school, &purchase).await;
    for _ in 0..2 {
        school
            .database
            .run_sql("UPDATE trainer_allocations SET trainer_id = NULL; DELETE FROM outbox")
            .await;
        school.service.leave(purchase.student, purchase.course);
        // WHEN THEN the same row gets another trainer
        assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
        assert_eq!(who_teaches(&school, &purchase).await.0, id);
    }
    assert_eq!(school.service.report().calls_by_key.len(), 3);
    school.close().await;
}
