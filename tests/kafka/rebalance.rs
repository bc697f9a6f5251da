//! A rebalance in the middle: records that one member holds are given to another, and leave the same rows.

use crate::scene::Scene;
use makegood_tests::course::Payment;
use makegood_tests::environment::Outcome;
use makegood_tests::kafka_source::KafkaSource;

const PARTITIONS: i32 = 4;

async fn settle(one: &KafkaSource, other: &KafkaSource) {
    // Each waits for its own half while the other takes part too.
    let halved = |member: &KafkaSource| member.partitions().len() == 2;
    tokio::join!(
        one.take_part_until(|_| halved(one) && halved(other)),
        other.take_part_until(|_| halved(one) && halved(other)),
    );
}

#[tokio::test]
async fn records_that_change_hands_before_they_are_committed_leave_one_purchase_each() {
    // GIVEN one member that has read everything, and a function that has done it, but nothing is committed
    let scene = Scene::set(PARTITIONS).await;
    let payments = Payment::several(24);
    scene.pay(&payments).await;
    let first = scene.course.source_of("create-purchase");
    let environment = scene.course.environment_of("create-purchase").await;
    let batch = first.receive(24).await.expect("a batch");
    let outcome = environment.invoke(batch.event.clone()).await;
    assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");

    // WHEN a second member joins, takes two partitions over, and the first commits what is still its own
    let second = scene.course.source_of("create-purchase");
    settle(&first, &second).await;
    first.settle(&batch, &outcome);
    let again = scene.course.environment_of("create-purchase").await;
    let redelivered = second.drain(&again, 5).await;
    first.drain(&environment, 5).await;

    // THEN the second was given records that were done already, nothing is left, and each payment has one purchase
    assert!(redelivered > 0, "no record changed hands");
    assert_eq!((first.uncommitted(), second.uncommitted()), (0, 0));
    let database = &scene.course.course.database;
    let purchases = "SELECT count(*) FROM student_course_purchases";
    assert_eq!(database.count(purchases).await, 24);
    // What came twice is no second payment, and nothing to park.
    assert_eq!(database.count("SELECT count(*) FROM payment_cases").await, 0);
    assert!(scene.course.course.dead_letters.drain().await.is_empty());

    // AND so it is at the end of the pipeline
    drop((first, second));
    scene.make_good(&scene.sources()[1..]).await;
    scene.end().await;
}
