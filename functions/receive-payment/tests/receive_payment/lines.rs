//! One payment for several courses or children: each line is recorded and published once, and never called a duplicate of another.

use crate::setting::{
    COURSE, NOW, PAYMENT, STUDENT, Setting, capture, confirmation, signed_confirmation, signed_webhook,
};
use makegood::payment::returned::PartialRefund;
use serde_json::{Value, json};
use uuid::Uuid;

const PURCHASES: &str =
    "INSERT INTO student_course_purchases (student_id, course_id, payment_id, purchase_tier)
    SELECT student_id, (metadata ->> 'courseId')::uuid, id, 20 FROM payments";

async fn confirm(setting: &Setting, student: &str, course: &str) -> Value {
    let mut told = confirmation();
    (told["studentId"], told["courseId"]) = (json!(student), json!(course));
    let (status, answer) = setting.send(signed_confirmation(&told.to_string(), NOW)).await;
    assert_eq!((status, &answer["status"]), (200, &json!("recorded")), "{answer}");
    answer
}

#[tokio::test]
async fn every_student_and_course_of_one_payment_is_a_line_in_any_order_and_once() {
    let (second_course, second_student) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let said = [
        (STUDENT, COURSE),
        (STUDENT, second_course.as_str()),
        (second_student.as_str(), COURSE),
        (second_student.as_str(), second_course.as_str()),
    ];
    for first in 0..said.len() {
        let setting = Setting::with_no_queue().await;
        let mut ids = Vec::new();
        for at in 0..said.len() {
            let (student, course) = said[(first + at) % said.len()];
            let answer = confirm(&setting, student, course).await;
            assert_eq!(answer["duplicate"], json!(false), "{answer}");
            ids.push(answer["paymentId"].clone());
        }
        assert_eq!(ids[0], json!(PAYMENT));
        // A repeat is the first result of its own line, whoever came first.
        for at in 0..said.len() {
            let (student, course) = said[(first + at) % said.len()];
            let again = confirm(&setting, student, course).await;
            assert_eq!(
                (&again["duplicate"], &again["paymentId"]),
                (&json!(true), &ids[at])
            );
        }
        assert_eq!(setting.payments_and_events().await, (4, 4));
        // Each event says what its own row says, which is what every later stage compares.
        let alike = "SELECT count(DISTINCT (y.student_id, y.metadata ->> 'courseId')) FROM payments y
                     JOIN outbox o ON o.correlation_id = y.id
                      AND o.payload ->> 'paymentId' = y.id::text AND o.payload ->> 'studentId' = y.student_id::text
                      AND o.payload ->> 'courseId' = y.metadata ->> 'courseId'
                      AND (o.payload ->> 'amountCents')::bigint = y.amount_cents";
        assert_eq!(setting.count(alike).await, 4);
        let noted = format!("SELECT count(*) FROM payment_lines WHERE payment_id = '{PAYMENT}'");
        assert_eq!(setting.count(&noted).await, 3);
        assert_eq!(setting.count("SELECT count(*) FROM payment_cases").await, 0);
        setting.finish().await;
    }
}

/// The provider's notes are the buyer's word: they buy no second course with money that bought one.
#[tokio::test]
async fn notes_that_name_another_student_or_course_for_a_recorded_payment_are_a_case() {
    for (field, note) in [("courseId", Uuid::new_v4()), ("studentId", Uuid::new_v4())] {
        let setting = Setting::with_no_queue().await;
        setting.send(signed_webhook(&capture("pay_1").to_string())).await;
        let mut other = capture("pay_1");
        other["payload"]["payment"]["entity"]["notes"][field] = json!(note);
        for duplicate in [false, true] {
            let (status, answer) = setting.send(signed_webhook(&other.to_string())).await;
            assert_eq!(
                (status, &answer["status"], &answer["case"], &answer["duplicate"]),
                (200, &json!("held"), &json!("unknown_payment"), &json!(duplicate)),
                "{answer}"
            );
        }
        assert_eq!(setting.payments_and_events().await, (1, 1));
        let code = setting.json("SELECT details -> 'code' FROM payment_cases").await;
        assert_eq!(code, json!("payment_buys_something_else"));
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_payment_that_was_given_back_in_full_takes_its_lines_with_it() {
    let setting = Setting::with_no_queue().await;
    let second = Uuid::new_v4().to_string();
    confirm(&setting, STUDENT, COURSE).await;
    let line = confirm(&setting, STUDENT, &second).await["paymentId"].clone();
    setting.database.run_sql(PURCHASES).await;
    let refund = json!({"entity": "event", "event": "refund.processed", "payload": {
        "refund": {"entity": {"id": "rfnd_1", "payment_id": "pay_1", "amount": 499_900, "currency": "INR", "status": "processed"}},
        "payment": {"entity": {"id": "pay_1", "amount": 499_900, "currency": "INR", "status": "refunded", "amount_refunded": 499_900}}}});
    let (status, answer) = setting.send(signed_webhook(&refund.to_string())).await;
    assert_eq!(status, 200, "{answer}");
    for (left, query) in [
        (2, "payments WHERE status = 'refunded'"),
        (
            2,
            "student_course_purchases WHERE NOT is_active AND end_reason = 'refunded'",
        ),
        (2, "outbox WHERE event_type = 'PURCHASE_ENDED'"),
    ] {
        assert_eq!(
            setting.count(&format!("SELECT count(*) FROM {query}")).await,
            left,
            "{query}"
        );
    }
    // What comes late for the line is the first result.
    let mut told = confirmation();
    told["courseId"] = json!(second);
    let (_, late) = setting.send(signed_confirmation(&told.to_string(), NOW)).await;
    assert_eq!(late["status"], json!("refunded"), "{late}; the line was {line}");
    setting.finish().await;
}

/// Of which line a part went back is not said: no sessions are taken, and a person is asked.
#[tokio::test]
async fn a_part_that_goes_back_of_a_payment_with_lines_is_a_case_and_takes_no_sessions() {
    for lines in [1, 2] {
        let mut setting = Setting::with_no_queue().await;
        setting.function.partial_refund = PartialRefund::Prorate;
        for course in [COURSE.to_owned(), Uuid::new_v4().to_string()].iter().take(lines) {
            confirm(&setting, STUDENT, course).await;
        }
        setting.database.run_sql(PURCHASES).await;
        let refund = json!({"entity": "event", "event": "refund.processed", "payload": {"refund": {"entity": {
            "id": "rfnd_1", "payment_id": "pay_1", "amount": 249_950, "currency": "INR", "status": "processed"}}}});
        setting.send(signed_webhook(&refund.to_string())).await;
        let asked = "SELECT count(*) FROM payment_cases WHERE kind = 'given_back' AND status = 'open'";
        let taken = "SELECT count(*) FROM student_course_purchases WHERE purchase_tier < 20";
        let has_lines = lines == 2;
        assert_eq!(
            (setting.count(asked).await, setting.count(taken).await),
            (i64::from(has_lines), i64::from(!has_lines)),
            "{lines} lines"
        );
        setting.finish().await;
    }
}

/// The ids of two providers may be alike: the second payment is no duplicate, and no line of the first.
#[tokio::test]
async fn equal_ids_at_two_providers_are_two_payments() {
    let setting = Setting::with_no_queue().await;
    confirm(&setting, STUDENT, COURSE).await;
    let mut other = confirmation();
    let (id, student) = (Uuid::new_v4(), Uuid::new_v4());
    (other["paymentId"], other["studentId"], other["provider"]) =
        (json!(id), json!(student), json!("khalti"));
    for duplicate in [false, true] {
        let (_, answer) = setting.send(signed_confirmation(&other.to_string(), NOW)).await;
        assert_eq!(
            (&answer["status"], &answer["paymentId"], &answer["duplicate"]),
            (&json!("recorded"), &json!(id), &json!(duplicate)),
            "{answer}"
        );
    }
    assert_eq!(setting.payments_and_events().await, (2, 2));
    assert_eq!(setting.count("SELECT count(*) FROM payment_lines").await, 0);
    // WHEN the first one's money goes back THEN the second stays
    let refund = json!({"entity": "event", "event": "refund.processed", "payload": {"refund": {"entity": {
        "id": "rfnd_1", "payment_id": "pay_1", "amount": 499_900, "currency": "INR", "status": "processed"}}}});
    setting.send(signed_webhook(&refund.to_string())).await;
    let states = "SELECT jsonb_object_agg(coalesce(provider, ''), status) FROM payments";
    assert_eq!(
        setting.json(states).await,
        json!({"razorpay": "refunded", "khalti": "succeeded"})
    );
    setting.finish().await;
}

/// A payment of this provider with the id that both have, as its own sender tells it.
fn told_by(provider: &str, student: Uuid) -> Value {
    if provider == "webhook" {
        let mut webhook = capture("pay_1");
        webhook["payload"]["payment"]["entity"]["notes"]["studentId"] = json!(student);
        return signed_webhook(&webhook.to_string());
    }
    let mut told = confirmation();
    (told["paymentId"], told["studentId"], told["provider"]) =
        (json!(Uuid::new_v4()), json!(student), json!(provider));
    signed_confirmation(&told.to_string(), NOW)
}

#[tokio::test]
async fn equal_ids_at_any_two_providers_are_two_payments_or_a_case_in_any_order_and_by_any_sender() {
    let providers = ["razorpay", "webhook", "khalti", "esewa", "stripe"];
    let pairs = providers
        .iter()
        .flat_map(|first| providers.iter().map(move |second| (*first, *second)));
    let of = |provider: &str| {
        if provider == "webhook" {
            "razorpay"
        } else {
            provider
        }
        .to_owned()
    };
    for (first, second) in pairs.filter(|(first, second)| of(first) != of(second)) {
        // GIVEN one id at two providers, for two students
        let setting = Setting::with_no_queue().await;
        let [one, other] = [Uuid::new_v4(), Uuid::new_v4()];
        setting.send(told_by(first, one)).await;
        // WHEN the second is told, twice
        let request = told_by(second, other);
        // THEN the payment service's word makes it a payment of its own; what a browser may have written into notes does not, but is never
        // called a duplicate
        let (status, case) = if second == "webhook" {
            ("held", json!("unknown_payment"))
        } else {
            ("recorded", Value::Null)
        };
        for duplicate in [false, true] {
            let (code, answer) = setting.send(request.clone()).await;
            assert_eq!(
                (code, &answer["status"], &answer["case"], &answer["duplicate"]),
                (200, &json!(status), &case, &json!(duplicate)),
                "{first} {second}: {answer}"
            );
        }
        let made = if second == "webhook" { 1 } else { 2 };
        assert_eq!(
            setting.payments_and_events().await,
            (made, made),
            "{first} {second}"
        );
        let of_both = format!(
            "SELECT count(DISTINCT student_id) FROM payments WHERE student_id IN ('{one}', '{other}')"
        );
        assert_eq!(setting.count(&of_both).await, made, "{first} {second}");
        assert_eq!(
            setting.count("SELECT count(*) FROM payment_cases").await,
            2 - made,
            "{first} {second}"
        );
        assert_eq!(setting.count("SELECT count(*) FROM payment_lines").await, 0);
        setting.finish().await;
    }
}
