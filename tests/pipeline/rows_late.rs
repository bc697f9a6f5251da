//! A row that comes late, and a differing event beside the good one.

use crate::rows::{GOODS, Stage, recorded, with};
use makegood_tests::course::Payment;
use makegood_tests::environment::Outcome;
use makegood_tests::queues::sqs_event;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_producer_that_publishes_before_it_commits_is_waited_for() {
    let stage = Stage::open("create-purchase", "purchase-confirmed").await;
    let payment = Payment::new();
    for row in [String::new(), recorded(&payment, "initiated")] {
        stage.course.database.run_sql(&row).await;
        for attempt in ["1", "2"] {
            assert!(stage.comes_again(&payment.event(), attempt).await, "{row}");
        }
    }
    assert_eq!(stage.goods().await, [0; GOODS.len()]);
    assert_eq!(
        stage
            .course
            .database
            .count("SELECT count(*) FROM payment_cases")
            .await,
        0
    );

    let committed = recorded(&payment, "succeeded");
    stage.course.database.run_sql(&committed).await;
    assert!(!stage.comes_again(&payment.event(), "3").await);

    let made = "SELECT count(*) FROM student_course_purchases";
    assert_eq!(stage.course.database.count(made).await, 1);
    assert_eq!(
        stage
            .course
            .database
            .count("SELECT count(*) FROM payment_cases")
            .await,
        0
    );
    assert_eq!(stage.parked_codes().await, Vec::<String>::new());
    stage.close().await;
}

#[tokio::test]
async fn a_differing_event_beside_its_good_one_costs_it_nothing() {
    let stage = Stage::open("create-purchase", "purchase-confirmed").await;
    let payment = Payment::new();
    stage
        .course
        .database
        .run_sql(&recorded(&payment, "succeeded"))
        .await;
    let good = payment.event();
    let bad = with(&good, "/amountCents", json!(1));
    let other = with(&good, "/studentId", json!(Uuid::new_v4()));
    let bodies = [bad, other, good].map(|event| event.to_string());
    let outcome = stage.environment.invoke(sqs_event(stage.queue, &bodies)).await;
    assert_eq!(outcome, Outcome::Answered(json!({"batchItemFailures": []})));
    let made = format!(
        "SELECT count(*) FROM student_course_purchases WHERE payment_id = '{}' AND student_id = '{}'",
        payment.id, payment.student_id
    );
    assert_eq!(stage.course.database.count(&made).await, 1);
    let all = "SELECT count(*) FROM student_course_purchases";
    assert_eq!(stage.course.database.count(all).await, 1);
    stage.close().await;
}
