//! One bad record never fails its neighbours, and nothing vanishes.

use crate::school::{Payment, School, close};
use makegood::delivery::{DeadLetter, Deadline};
use makegood_tests::queues::{kafka_event, sqs_event};
use serde_json::json;
use std::time::Duration;

async fn dead_letters(school: &School) -> Vec<DeadLetter> {
    let bodies = school.dead_letters.drain().await;
    bodies
        .iter()
        .map(|body| serde_json::from_str(body).expect("a dead letter's document"))
        .collect()
}

#[tokio::test]
async fn a_tier_that_is_not_sold_is_parked_by_name_and_leaves_a_case() {
    let school = School::open().await;
    let (bad, good) = (Payment::number(1), Payment::number(2));

    let returned = school
        .deliver(&[bad.confirmed_with(json!({"purchaseTier": 501})), good.confirmed()])
        .await;

    assert_eq!(returned, 0);
    assert_eq!(school.purchases().await, 1);
    let dead_letters = dead_letters(&school).await;
    assert_eq!(dead_letters.len(), 1);
    assert!(
        dead_letters[0].failure_reason.contains("metadata.purchaseTier"),
        "{}",
        dead_letters[0].failure_reason
    );
    assert!(dead_letters[0].permanent);
    assert_eq!(school.cases("unfulfillable").await, 1);
    school.close().await;
}

#[tokio::test]
async fn a_row_that_the_database_refuses_is_found_by_splitting_the_batch() {
    let school = School::open().await;
    let bad = Payment::number(37);
    school
        .database
        .run_sql(&format!(
            "ALTER TABLE student_course_purchases ADD CONSTRAINT no_such_student CHECK (student_id <> '{}')",
            bad.student_id
        ))
        .await;
    let bodies: Vec<String> = (0..100)
        .map(|number| Payment::number(number).confirmed())
        .collect();

    assert_eq!(school.deliver(&bodies).await, 0);

    assert_eq!(school.purchases().await, 99);
    let dead_letters = dead_letters(&school).await;
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(dead_letters[0].event_id.as_deref(), Some(bad.event_id().as_str()));
    assert_eq!(dead_letters[0].error_code, "database_bad_data");
    assert_eq!(school.cases("unfulfillable").await, 1);
    school.assert_sound().await;
    school.close().await;
}

#[tokio::test]
async fn once_fixed_a_parked_payment_is_fulfilled_by_its_replay() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school
        .deliver(&[payment.confirmed_with(json!({"purchaseTier": 501}))])
        .await;

    school
        .deliver(&[payment.confirmed_with(json!({"purchaseTier": 10}))])
        .await;

    assert_eq!(school.purchases().await, 1);
    school.close().await;
}

#[tokio::test]
async fn sqs_and_kafka_deliveries_leave_the_same_rows() {
    let school = School::open().await;
    let environment = school.environment().await;
    let deadline = Deadline::after(Duration::from_secs(30));
    let (first, second) = (Payment::number(1).confirmed(), Payment::number(2).confirmed());

    school.record(&[first.clone(), second.clone()]).await;
    let by_queue = sqs_event("purchase-confirmed", std::slice::from_ref(&first));
    environment.handle(by_queue, deadline).await.unwrap();
    let by_topic = kafka_event("purchase-confirmed", &[Some(first), Some(second), None]);
    environment.handle(by_topic, deadline).await.unwrap();

    assert_eq!(school.purchases().await, 2);
    let dead_letters = dead_letters(&school).await;
    assert_eq!(dead_letters.len(), 0, "the tombstone is acknowledged");
    assert_eq!(school.counter("TombstonesSkipped"), 1);
    close(&environment).await;
    school.assert_sound().await;
    school.close().await;
}
