//! What a part that went back takes from a course that runs, with `PARTIAL_REFUND=prorate`: the last sessions ahead, never one that was held.

use crate::ended::plant_course;
use crate::returned::{PRICE, Step, Story};
use crate::setting::Setting;
use chrono::Utc;
use makegood::payment::razorpay::derived_payment_id;
use makegood::payment::returned::PartialRefund;
use makegood::purchase::{Prorated, Prorating, prorate};
use serde_json::{Value, json};
use uuid::Uuid;

/// Five sessions bought, all of them planned: two were held, one is completed, two are ahead.
async fn school(payment: Option<Uuid>) -> (Setting, Uuid) {
    let mut setting = Setting::with_no_queue().await;
    setting.function.partial_refund = PartialRefund::Prorate;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    story.take(Step::Captured).await;
    let student = story.student();
    plant_course(&setting, student, payment).await;
    setting
        .database
        .run_sql(
            "UPDATE student_course_purchases SET purchase_tier = 5;
             UPDATE trainer_allocations SET metadata = '{\"sessionCount\": 5}'",
        )
        .await;
    (setting, student)
}

async fn refund(setting: &Setting, number: u8, event: &'static str, amount: i64) {
    let story = Story { setting, number: 1 };
    for _ in 0..2 {
        story.take(Step::Refund(event, number, amount)).await;
    }
}

/// The purchase's sessions, the allocation's number, and what is off.
async fn state(setting: &Setting) -> Value {
    setting
        .json(
            "SELECT jsonb_build_array((SELECT purchase_tier FROM student_course_purchases), (SELECT metadata -> 'sessionCount' FROM trainer_allocations),
               (SELECT coalesce(jsonb_agg(scheduled_date || ' ' || scheduled_time ORDER BY scheduled_date), '[]')
                FROM tutoring_sessions WHERE status = 'cancelled'))",
        )
        .await
}

async fn told(setting: &Setting) -> Value {
    setting
        .json(
            "SELECT coalesce(jsonb_agg(payload ORDER BY id), '[]') FROM outbox WHERE event_type = 'SESSIONS_RESCHEDULED'",
        )
        .await
}

#[tokio::test]
async fn a_part_takes_the_last_sessions_ahead_and_never_one_that_was_held() {
    let payment = derived_payment_id("pay_1").0;
    let (setting, student) = school(Some(payment)).await;
    // WHEN a refund is on its way THEN nothing is off yet
    refund(&setting, 1, "refund.created", PRICE / 5).await;
    assert_eq!(state(&setting).await, json!([5, 5, []]));
    // WHEN a fifth is back THEN the last session is off, and told
    refund(&setting, 1, "refund.processed", PRICE / 5).await;
    assert_eq!(state(&setting).await, json!([4, 4, ["2026-01-09 4:00 PM"]]));
    let event = told(&setting).await;
    let [event] = event.as_array().unwrap().as_slice() else {
        panic!("one event: {event}");
    };
    let [session] = event["sessions"].as_array().unwrap().as_slice() else {
        panic!("one session: {event}");
    };
    assert_eq!(
        (&session["reason"], &session["fromDate"], &session["toDate"]),
        (&json!("money_returned"), &json!("2026-01-09"), &Value::Null)
    );
    assert_eq!(
        (&event["allocationId"], &event["_metadata"]["correlationId"]),
        (&json!(student), &json!(payment))
    );
    // WHEN all but a paisa is back THEN what was held stays
    refund(&setting, 2, "refund.processed", PRICE - PRICE / 5 - 1).await;
    assert_eq!(
        state(&setting).await,
        json!([3, 3, ["2026-01-08 01:53", "2026-01-09 4:00 PM"]])
    );
    assert_eq!(told(&setting).await.as_array().unwrap().len(), 2);
    let beyond = "SELECT count(*) FROM tutoring_sessions WHERE status <> 'cancelled'";
    assert_eq!(setting.count(beyond).await, 3);
    // WHEN a part is not back after all THEN its sessions are owed again
    setting
        .database
        .run_sql("UPDATE refunds SET status = 'failed' WHERE provider_refund_id = 'rfnd_1_2'")
        .await;
    refund(&setting, 3, "refund.created", 1).await;
    assert_eq!(state(&setting).await[0], json!(4));
    assert_eq!(state(&setting).await[1], json!(4));
    setting.finish().await;
}

#[tokio::test]
async fn a_part_that_was_taken_is_not_taken_again() {
    let payment = derived_payment_id("pay_1");
    let (setting, _) = school(Some(payment.0)).await;
    refund(&setting, 1, "refund.processed", PRICE / 5).await;
    let noted = "SELECT to_jsonb(r) FROM purchase_reductions r";
    let before = setting.json(noted).await;
    let prorating = Prorating {
        now: Utc::now(),
        timezone: chrono_tz::Asia::Kolkata,
        source: "test",
    };
    let mut transaction = setting.function.publisher.database.begin().await.unwrap();
    let again = prorate(&mut transaction, payment, &prorating).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((again, setting.json(noted).await), (Prorated::Nothing, before));
    setting.finish().await;
}

#[tokio::test]
async fn a_part_of_what_may_have_been_paid_by_another_payment_is_a_persons() {
    let (setting, student) = school(None).await;
    setting
        .database
        .run_sql(&format!(
            "INSERT INTO payments (student_id, amount_cents, status, provider, provider_payment_id, metadata, created_at)
             SELECT '{student}', {PRICE}, 'succeeded', 'razorpay', 'pay_0', metadata, '2026-01-01' FROM payments LIMIT 1;
             UPDATE payments SET created_at = '2026-01-01'"
        ))
        .await;
    refund(&setting, 1, "refund.processed", PRICE / 5).await;
    assert_eq!(state(&setting).await, json!([5, 5, []]));
    let open = "SELECT count(*) FROM payment_cases WHERE kind = 'given_back' AND status = 'open'";
    assert_eq!(setting.count(open).await, 1);
    setting.finish().await;
}
