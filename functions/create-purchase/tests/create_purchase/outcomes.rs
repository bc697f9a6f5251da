//! What becomes of one payment: made, recovered, replayed, surplus.

use crate::school::{Payment, School};
use serde_json::json;

#[tokio::test]
async fn redelivered_purchase_makes_one_purchase_and_one_outbox_event() {
    let school = School::open().await;
    let payment = Payment::number(1);

    for _ in 0..3 {
        assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);
    }

    assert_eq!(school.purchases().await, 1);
    assert_eq!(
        school.published().await.into_values().collect::<Vec<_>>(),
        vec![1]
    );
    school.assert_sound().await;
    school.close().await;
}

#[tokio::test]
async fn a_marked_event_without_purchase_is_recovered_and_counted() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school
        .database
        .run_sql(&format!(
            "INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
             VALUES ('{}', 'PURCHASE_CONFIRMED', '{}', '{{}}', 'payment-service')",
            payment.event_id(),
            payment.payment_id
        ))
        .await;

    school.deliver(&[payment.confirmed()]).await;

    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.published().await.len(), 1);
    assert_eq!(school.counter("PurchasesRecovered"), 1);
    school.deliver(&[payment.confirmed()]).await;
    assert_eq!(
        school.counter("PurchasesRecovered"),
        1,
        "a recovery is counted once"
    );
    school.close().await;
}

#[tokio::test]
async fn a_lost_outbox_event_is_made_good_on_the_next_delivery() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school.deliver(&[payment.confirmed()]).await;
    school.published().await;
    school
        .database
        .run_sql("DELETE FROM outbox; DELETE FROM processed_events")
        .await;

    school.deliver(&[payment.confirmed()]).await;

    assert_eq!(school.published().await.len(), 1, "published again");
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM processed_events")
            .await,
        1,
        "and marked again"
    );
    assert_eq!(school.purchases().await, 1);
    school.assert_sound().await;
    school.close().await;
}

#[tokio::test]
async fn a_lost_outbox_event_that_is_delivered_twice_in_one_batch_is_made_good_once() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school.deliver(&[payment.confirmed()]).await;
    school.published().await;
    school.database.run_sql("DELETE FROM outbox").await;

    school.deliver(&[payment.confirmed(), payment.confirmed()]).await;

    assert_eq!(
        school.published().await.into_values().collect::<Vec<_>>(),
        vec![1]
    );
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.close().await;
}

#[tokio::test]
async fn an_outbox_event_is_not_repeated_once_the_allocation_is_there() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school.deliver(&[payment.confirmed()]).await;
    school.published().await;
    school
        .database
        .run_sql(&format!(
            "DELETE FROM outbox; INSERT INTO trainer_allocations (student_id, course_id, requested_by, status)
             VALUES ('{0}', '{1}', '{0}', 'approved')",
            payment.student_id, payment.course_id
        ))
        .await;

    school.deliver(&[payment.confirmed()]).await;

    assert!(school.published().await.is_empty());
    school.close().await;
}

#[tokio::test]
async fn a_second_payment_for_an_owned_course_opens_one_case_and_no_purchase() {
    let school = School::open().await;
    let first = Payment::number(1);
    school.deliver(&[first.confirmed()]).await;

    for _ in 0..2 {
        school
            .deliver(&[first.again(1).confirmed(), first.confirmed()])
            .await;
    }

    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.cases("surplus_payment").await, 1);
    assert_eq!(school.counter("SurplusPayments"), 1);
    let refundable = format!(
        "SELECT count(*) FROM payment_cases WHERE payment_id = '{}' AND amount_cents = 499900 AND currency = 'INR' AND status = 'open'
         AND details ? 'studentId' AND details ? 'courseId' AND details ? 'ownedPurchaseId'",
        first.again(1).payment_id
    );
    assert_eq!(
        school.database.count(&refundable).await,
        1,
        "the case holds what a refund needs"
    );
    school.close().await;
}

#[tokio::test]
async fn two_payments_for_one_course_in_one_batch_make_one_purchase_and_one_case() {
    let school = School::open().await;
    let first = Payment::number(1);

    school
        .deliver(&[first.confirmed(), first.again(1).confirmed(), first.confirmed()])
        .await;

    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.cases("surplus_payment").await, 1);
    school.assert_sound().await;
    school.close().await;
}

#[tokio::test]
async fn a_replay_after_the_purchase_ended_makes_no_second_one() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school.deliver(&[payment.confirmed()]).await;
    school
        .database
        .run_sql("UPDATE student_course_purchases SET is_active = false")
        .await;

    for index_there in [true, false] {
        if !index_there {
            school.database.run_sql("DROP INDEX unique_active_purchase").await;
        }
        assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);
    }

    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM student_course_purchases")
            .await,
        1
    );
    school.close().await;
}

#[tokio::test]
async fn a_surplus_payment_replayed_after_the_purchase_ended_buys_nothing() {
    let school = School::open().await;
    let first = Payment::number(1);
    school
        .deliver(&[first.confirmed(), first.again(1).confirmed()])
        .await;
    school
        .database
        .run_sql("UPDATE student_course_purchases SET is_active = false; UPDATE payment_cases SET status = 'resolved'")
        .await;

    for index_there in [true, false] {
        if !index_there {
            school.database.run_sql("DROP INDEX unique_active_purchase").await;
        }
        assert_eq!(school.deliver(&[first.again(1).confirmed()]).await, 0);
    }

    assert_eq!(school.purchases().await, 0);
    school.close().await;
}

#[tokio::test]
async fn a_refunded_payment_is_not_fulfilled() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school
        .database
        .run_sql(&payment.recorded(chrono::Utc::now()))
        .await;
    school
        .database
        .run_sql("UPDATE payments SET status = 'refunded'")
        .await;

    assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);

    assert_eq!(school.purchases().await, 0);
    school.close().await;
}

#[tokio::test]
async fn the_payments_metadata_is_merged_under_the_events() {
    let school = School::open().await;
    let payment = Payment::number(1);
    school
        .database
        .run_sql(&payment.recorded(chrono::Utc::now()))
        .await;

    school
        .deliver(&[payment.confirmed_with(json!("{\"timeSlot\": \"4:00 PM\"}"))])
        .await;

    let merged = "SELECT count(*) FROM student_course_purchases
                  WHERE purchase_tier = 20 AND metadata ->> 'timeSlot' = '4:00 PM'";
    assert_eq!(school.database.count(merged).await, 1);
    school.close().await;
}

#[tokio::test]
async fn days_and_times_are_kept_in_one_form_and_what_can_not_be_read_is_named() {
    let school = School::open().await;
    let chosen = json!({"purchaseTier": 7, "timeSlot": "16:00", "schedule": "{\"startDate\": \"2026-12-10T18:30:00.000Z\"}", "expiryDate": ""});
    let unread = json!({"timeSlot": "evening", "schedule": {"startDate": "10/12/2026"}});
    let bodies = [
        Payment::number(1).confirmed_with(chosen),
        Payment::number(2).confirmed_with(unread),
    ];
    assert_eq!(school.deliver(&bodies).await, 0);
    let in_form = "SELECT count(*) FROM student_course_purchases
                   WHERE purchase_tier = 7 AND expiry_date IS NULL AND metadata ->> 'timeSlot' = '4:00 PM'
                     AND metadata -> 'schedule' ->> 'startDate' = '2026-12-11' AND NOT metadata ? 'notUnderstood'";
    assert_eq!(school.database.count(in_form).await, 1);
    let named = "SELECT count(*) FROM student_course_purchases
                 WHERE metadata ->> 'timeSlot' = 'evening' AND metadata -> 'schedule' ->> 'startDate' = '10/12/2026'
                   AND metadata -> 'notUnderstood' = '{\"timeSlot\": \"evening\", \"schedule.startDate\": \"10/12/2026\"}'";
    assert_eq!(school.database.count(named).await, 1);
    let published = "SELECT count(*) FROM outbox WHERE payload -> 'metadata' ? 'notUnderstood'";
    assert_eq!(school.database.count(published).await, 1);
    school.close().await;
}

#[tokio::test]
async fn any_whole_number_of_sessions_from_1_to_500_may_be_bought() {
    let school = School::open().await;
    let tiers = [json!(1), json!("7"), json!(15), json!(500)];
    let bodies: Vec<String> = (1..)
        .zip(tiers)
        .map(|(number, tier)| Payment::number(number).confirmed_with(json!({"purchaseTier": tier})))
        .collect();
    assert_eq!(school.deliver(&bodies).await, 0);
    let bought = "SELECT count(*) FROM student_course_purchases WHERE purchase_tier IN (1, 7, 15, 500)";
    assert_eq!(school.database.count(bought).await, 4);
    school.close().await;
}
