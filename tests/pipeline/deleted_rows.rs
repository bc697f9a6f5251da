//! Another hand deleted the rows of a student, and the queue delivers the student's events once more: each is acknowledged at its
//! stage, on any attempt, and nothing is made.

use crate::rows::{GOODS, Stage, recorded, with};
use makegood_tests::course::Payment;
use serde_json::{Value, json};
use uuid::Uuid;

const DELETE: &str =
    "DELETE FROM tutoring_sessions; DELETE FROM trainer_allocations; DELETE FROM student_course_purchases;
                      DELETE FROM payments; DELETE FROM outbox";
const ROW_GONE: &str = "SELECT count(*) FROM payment_cases WHERE kind = 'unknown_payment' AND status = 'open'
                        AND details ->> 'code' = 'payment_row_gone'";

/// What is told before the rows are deleted makes something; the same event again makes nothing, and is settled at once. An event that
/// only bears its id is not taken for it.
async fn settled_after_deletion(stage: &Stage, rows: &str, event: &Value, subject: &str, unknown: &str) {
    let database = &stage.course.database;
    database.run_sql(rows).await;
    assert!(!stage.comes_again(event, "1").await);
    assert!(
        stage.goods().await.iter().sum::<i64>() > 0,
        "nothing was made before"
    );
    database.run_sql(DELETE).await;
    for attempt in ["1", "2", "9"] {
        assert!(
            !stage.comes_again(event, attempt).await,
            "attempt {attempt} comes again"
        );
        assert_eq!(stage.goods().await, [0; GOODS.len()], "attempt {attempt}");
        assert_eq!(
            stage.parked_codes().await,
            Vec::<String>::new(),
            "attempt {attempt}"
        );
    }
    let of_another_row = with(event, &format!("/{subject}"), json!(Uuid::new_v4()));
    assert!(stage.comes_again(&of_another_row, "1").await);
    assert!(!stage.comes_again(&of_another_row, "9").await);
    assert_eq!(stage.parked_codes().await, [unknown]);
    // Where no mark tells that the row was there, it may still come.
    database.run_sql("DELETE FROM processed_events").await;
    assert!(stage.comes_again(event, "1").await);
}

#[tokio::test]
async fn a_payment_that_was_deleted_is_bought_no_second_time_and_is_one_case() {
    let stage = Stage::open("create-purchase", "purchase-confirmed").await;
    let payment = Payment::new();
    let rows = recorded(&payment, "succeeded");
    settled_after_deletion(
        &stage,
        &rows,
        &payment.event(),
        "paymentId",
        "payment_not_recorded",
    )
    .await;
    assert_eq!(stage.course.database.count(ROW_GONE).await, 1);
    stage.close().await;
}

#[tokio::test]
async fn a_purchase_that_was_deleted_gets_no_trainer() {
    let stage = Stage::open("allocate-trainer", "purchase-created").await;
    let (rows, event) = crate::rows::bought();
    settled_after_deletion(&stage, &rows, &event, "purchaseId", "purchase_not_found").await;
    assert_eq!(stage.calls(), 1, "no other trainer was asked for");
    stage.close().await;
}

#[tokio::test]
async fn an_allocation_that_was_deleted_gets_no_sessions() {
    let stage = Stage::open("schedule-sessions", "trainer-allocated").await;
    let (rows, event) = crate::rows::allocated();
    settled_after_deletion(&stage, &rows, &event, "allocationId", "allocation_missing").await;
    stage.close().await;
}
