//! An allocation that another hand made while the admin service was asked, and one that is another student's.

use crate::replays::waiting_to_record;
use crate::school::School;
use makegood_local::admin::Behaviour;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trainer_who_is_there_stays_whatever_the_service_answers_later() {
    // GIVEN an environment that got its answer and can't record it yet
    let school = School::open().await;
    let purchase = school.purchase().await;
    let (holder, environment) = waiting_to_record(&school, &purchase).await;
    // WHEN another program gives the student a trainer meanwhile
    let trainer = Uuid::new_v4();
    let id = school.allocation(&purchase, "active", Some(trainer)).await;
    holder.rollback().await.unwrap();
    assert!(environment.await.unwrap());
    // THEN that trainer stays, and is who is told of
    let row = format!(
        "SELECT count(*) FROM trainer_allocations WHERE id = '{id}' AND trainer_id = '{trainer}' AND status = 'active'"
    );
    assert_eq!(school.count(&row).await, 1);
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 1);
    let published = school.published.drain().await;
    assert_eq!(published.len(), 1);
    assert!(published[0].contains(&trainer.to_string()), "{published:?}");
    school.close().await;
}

#[tokio::test]
async fn an_id_that_is_another_students_is_never_taken_over() {
    // GIVEN a service that answers with the id of another student's ended allocation
    let school = School::open_without_breaker().await;
    let [purchase, other] = [school.purchase().await, school.purchase().await];
    school.service.script([Behaviour::AllocateAndDrop]);
    assert_eq!(school.deliver(&[purchase]).await.len(), 1);
    let (id, trainer) = (school.service.report().allocations[0].id, Uuid::new_v4());
    school
        .allocation_with_id(id, &other, "cancelled", Some(trainer))
        .await;
    // WHEN the event is delivered again THEN it is returned, and that row is as it was
    assert_eq!(school.deliver(&[purchase]).await.len(), 1);
    let untouched = format!(
        "SELECT count(*) FROM trainer_allocations WHERE id = '{id}' AND student_id = '{}' AND status = 'cancelled'",
        other.student
    );
    assert_eq!(school.count(&untouched).await, 1);
    assert_eq!(school.published.drain().await, Vec::<String>::new());
    school.close().await;
}
