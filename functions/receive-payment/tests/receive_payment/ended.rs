//! What it ends when all of the money is back, and what it leaves alone.

use crate::returned::{PRICE, Step, Story};
use crate::setting::{COURSE, Setting, capture, signed_webhook};
use makegood::payment::razorpay::derived_payment_id;
use serde_json::json;
use uuid::Uuid;

/// A purchase with its trainer and sessions around the moment of the tests: 01:52 of 8 January 2026 at the school.
pub async fn plant_course(setting: &Setting, student: Uuid, payment: Option<Uuid>) {
    let payment = payment.map_or_else(|| "NULL".to_owned(), |id| format!("'{id}'"));
    setting
        .database
        .run_sql(&format!(
            "INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, payment_id, created_at)
             VALUES ('{student}', '{student}', '{COURSE}', 20, {payment}, '2026-01-02');
             INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status)
             VALUES ('{student}', '{student}', '{COURSE}', '{COURSE}', '{student}', 'active');
             INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
             SELECT '{student}', '{student}', '{COURSE}', '{COURSE}', day::date, slot, status
             FROM (VALUES ('2026-01-07', '4:00 PM', 'scheduled'), ('2026-01-08', '1:00 AM', 'scheduled'), ('2026-01-08', '01:53', 'scheduled'),
                          ('2026-01-09', '4:00 PM', 'scheduled'), ('2026-01-12', '4:00 PM', 'completed')) AS s (day, slot, status)"
        ))
        .await;
}

#[tokio::test]
async fn a_refund_frees_the_trainer_and_cancels_what_is_still_to_come() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    story.take(Step::Captured).await;
    let payment = derived_payment_id("pay_1").0;
    plant_course(&setting, story.student(), Some(payment)).await;
    plant_course(&setting, Uuid::from_u128(7), None).await;
    // WHEN all of it goes back
    story.take(Step::Refund("refund.processed", 1, PRICE)).await;
    // THEN what begins after 01:52 at the school is off, and nothing that was held or is another student's
    let student = story.student();
    let off = setting
        .json("SELECT jsonb_agg(scheduled_date || ' ' || scheduled_time ORDER BY scheduled_date) FROM tutoring_sessions WHERE status = 'cancelled'")
        .await;
    assert_eq!(off, json!(["2026-01-08 01:53", "2026-01-09 4:00 PM"]));
    let free = setting
        .json("SELECT jsonb_object_agg(student_id, status) FROM trainer_allocations")
        .await;
    assert_eq!(
        free,
        json!({student.to_string(): "cancelled", Uuid::from_u128(7).to_string(): "active"})
    );
    let event = setting
        .json("SELECT payload FROM outbox WHERE event_type = 'PURCHASE_ENDED' AND topic = 'purchase-ended'")
        .await;
    assert_eq!(
        (
            &event["purchaseId"],
            &event["reason"],
            &event["cancelledSessions"],
            &event["_metadata"]["correlationId"]
        ),
        (&json!(student), &json!("refunded"), &json!(2), &json!(payment))
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_purchase_from_before_payments_were_noted_is_ended_when_it_is_sure_whose_it_is_and_is_a_case_otherwise()
 {
    for (rivals, running, cases) in [(0, 0, 0), (1, 1, 1)] {
        let setting = Setting::with_no_queue().await;
        let story = Story {
            setting: &setting,
            number: 1,
        };
        plant_course(&setting, story.student(), None).await;
        let student = story.student();
        for (n, provider_id) in (0..=rivals).zip(["pay_1", "pay_0"]) {
            setting
                .database
                .run_sql(&format!(
                    "INSERT INTO payments (student_id, amount_cents, status, provider, provider_payment_id, metadata, created_at)
                     VALUES ('{student}', {PRICE}, 'succeeded', 'razorpay', '{provider_id}', '{{\"courseId\": \"{COURSE}\"}}', '2026-01-01T0{n}:00:00Z')"
                ))
                .await;
        }
        story.take(Step::Refund("refund.processed", 1, PRICE)).await;
        story.take(Step::Refund("refund.processed", 1, PRICE)).await;
        let active = setting
            .count("SELECT count(*) FROM student_course_purchases WHERE is_active")
            .await;
        let open = setting
            .count("SELECT count(*) FROM payment_cases WHERE kind = 'given_back' AND status = 'open'")
            .await;
        assert_eq!((active, open), (running, cases), "{rivals} rivals");
        let refunded =
            "SELECT count(*) FROM payments WHERE status = 'refunded' AND provider_payment_id = 'pay_1'";
        assert_eq!(setting.count(refunded).await, 1);
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_second_charge_of_one_checkout_that_goes_back_closes_its_case_and_ends_nothing_of_the_first() {
    let setting = Setting::with_no_queue().await;
    // GIVEN a checkout that was given back here, and is charged again: a case asks for that money
    let begun = setting.begin_payment("refunded", PRICE).await;
    setting
        .database
        .run_sql("UPDATE payments SET provider_payment_id = 'pay_first'")
        .await;
    plant_course(&setting, Uuid::from_u128(9), Some(begun)).await;
    let mut charge = capture("pay_2");
    charge["payload"]["payment"]["entity"]["notes"]["paymentId"] = json!(begun);
    charge["payload"]["payment"]["entity"]["order_id"] = json!("order_1");
    setting
        .database
        .run_sql("UPDATE payments SET metadata = metadata || '{\"orderId\": \"order_1\"}', provider_payment_id = 'order_1'")
        .await;
    let (_, held) = setting.send(signed_webhook(&charge.to_string())).await;
    assert_eq!(held["case"], "refund_due", "{held}");
    // WHEN that charge goes back
    let story = Story {
        setting: &setting,
        number: 2,
    };
    story.take(Step::Refund("refund.processed", 1, PRICE)).await;
    // THEN its case is closed, by a program
    let open = "SELECT count(*) FROM payment_cases WHERE status = 'open'";
    assert_eq!(setting.count(open).await, 0);
    setting.send(signed_webhook(&charge.to_string())).await;
    assert_eq!(setting.count(open).await, 0, "told again");
    assert_eq!(
        setting
            .count("SELECT count(*) FROM student_course_purchases WHERE is_active")
            .await,
        1
    );
    assert_eq!(
        setting
            .count("SELECT count(*) FROM refunds WHERE payment_id IS NULL")
            .await,
        1
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_refund_of_a_payment_that_extended_a_purchase_ends_nothing_and_asks_a_person() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    story.take(Step::Captured).await;
    let (student, payment) = (story.student(), derived_payment_id("pay_1"));
    // GIVEN the purchase of another payment, which this one extended
    plant_course(&setting, student, Some(Uuid::from_u128(9))).await;
    setting
        .database
        .run_sql(&format!(
            "INSERT INTO purchase_extensions (payment_id, purchase_id, sessions) VALUES ('{}', '{student}', 10)",
            payment.0
        ))
        .await;
    // WHEN the money of the extension goes back, and is told twice
    story.take(Step::Refund("refund.processed", 1, PRICE)).await;
    story.take(Step::Refund("refund.processed", 1, PRICE)).await;
    // THEN the purchase runs on, and one case asks which part of it goes
    let running = "SELECT count(*) FROM student_course_purchases WHERE is_active";
    let asked = "SELECT count(*) FROM payment_cases WHERE kind = 'given_back' AND status = 'open'";
    assert_eq!((setting.count(running).await, setting.count(asked).await), (1, 1));
    setting.finish().await;
}

#[tokio::test]
async fn what_names_no_refund_is_refused_and_stores_nothing() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    let mut body = story
        .body(Step::Refund("refund.processed", 1, PRICE))
        .expect("a message");
    body["payload"]["refund"]["entity"]["amount"] = json!("all");
    let (status, answer) = setting.send(signed_webhook(&body.to_string())).await;
    assert_eq!(
        (status, &answer["error"]["field"]),
        (400, &json!("payload.refund.entity.amount"))
    );
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}
