//! A payment is for what its first event says. That a second one names another course changes nothing, in one batch as in two.

use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::Outcome;
use makegood_tests::invariants::{Guarantee, assert_hold};
use makegood_tests::queues::sqs_event;
use serde_json::json;
use uuid::Uuid;

/// Delivers these batches, with the arbiter index or without it; panics unless one purchase is there, of the first course.
async fn only_the_first_is_bought(batches: &[&[Payment]], with_index: bool) {
    let course = Course::create().await;
    let first = batches[0][0];
    first.record(&course.database).await;
    if !with_index {
        course
            .database
            .run_sql("DROP INDEX CONCURRENTLY unique_active_purchase")
            .await;
    }
    let environment = course.environment_of("create-purchase").await;
    for batch in batches {
        let bodies: Vec<String> = batch.iter().map(|payment| payment.event().to_string()).collect();
        let outcome = environment.invoke(sqs_event("purchase-confirmed", &bodies)).await;
        assert_eq!(outcome, Outcome::Answered(json!({"batchItemFailures": []})));
    }
    let of_course = format!(
        "SELECT count(*) FROM student_course_purchases WHERE course_id = '{}' AND payment_id = '{}'",
        first.course_id, first.id
    );
    let all = "SELECT count(*) FROM student_course_purchases";
    assert_eq!(
        (
            course.database.count(all).await,
            course.database.count(&of_course).await
        ),
        (1, 1),
        "purchases, and those of the first course: {} batches, index {with_index}",
        batches.len()
    );
    assert_eq!(course.purchase_created.drain().await.len(), 1);
    assert_hold(
        &course.database,
        &[
            Guarantee::OnePurchase,
            Guarantee::EverythingPublished,
            Guarantee::NoDuplicates,
        ],
    )
    .await;
    course.database.drop().await;
}

#[tokio::test]
async fn a_payment_that_names_two_courses_buys_the_first_in_one_batch_as_in_two() {
    for with_index in [true, false] {
        let mut courses = [Uuid::new_v4(), Uuid::new_v4()];
        courses.sort_unstable();
        for order in [[0, 1], [1, 0]] {
            let payment = Payment::new();
            let [first, second] = order.map(|index| Payment {
                course_id: courses[index],
                ..payment
            });
            only_the_first_is_bought(&[&[first], &[second]], with_index).await;
            // In one, and said again within it and after it.
            only_the_first_is_bought(&[&[first, second, first, second], &[second, first]], with_index).await;
        }
    }
}
