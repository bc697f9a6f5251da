//! How much of a payment is back: what counts towards it, and what a late message, or one about something else, does not change.

use crate::ended::plant_course;
use crate::returned::{PRICE, Step, Story};
use crate::setting::{Setting, signed_webhook};
use makegood::payment::razorpay::derived_payment_id;
use serde_json::{Value, json};

const RUNNING: &str = "SELECT count(*) FROM student_course_purchases WHERE is_active";
const OPEN: &str = "SELECT count(*) FROM payment_cases WHERE status = 'open'";

/// A school in which the story's payment was captured and has bought a course.
async fn bought(story: &Story<'_>) {
    story.take(Step::Captured).await;
    plant_course(
        story.setting,
        story.student(),
        Some(derived_payment_id("pay_1").0),
    )
    .await;
}

async fn told(story: &Story<'_>, step: Step, change: impl FnOnce(&mut Value)) {
    let mut body = story.body(step).expect("a message");
    change(&mut body);
    let (status, answer) = story.setting.send(signed_webhook(&body.to_string())).await;
    assert_eq!(status, 200, "{step:?}: {answer}");
}

#[tokio::test]
async fn a_refund_that_is_through_stays_so_whatever_an_older_message_says_later() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    bought(&story).await;
    story.take(Step::Refund("refund.processed", 1, PRICE / 2)).await;
    // WHEN messages that say less carry a later time
    for (event, second) in [
        ("refund.created", 1_767_817_345),
        ("refund.failed", 1_767_817_346),
    ] {
        told(&story, Step::Refund(event, 1, PRICE / 2), |body| {
            body["created_at"] = json!(second);
        })
        .await;
        let status = setting.json("SELECT to_jsonb(status) FROM refunds").await;
        assert_eq!(status, "processed", "{event}");
    }
    // THEN the money counts as back, and with the rest the purchase ends
    story
        .take(Step::Refund("refund.processed", 2, PRICE - PRICE / 2))
        .await;
    assert_eq!(setting.count(RUNNING).await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn a_refund_in_another_currency_gives_nothing_back() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    bought(&story).await;
    told(&story, Step::Refund("refund.processed", 1, PRICE), |body| {
        body["payload"]["refund"]["entity"]["currency"] = json!("USD");
    })
    .await;
    let status = setting.json("SELECT to_jsonb(status) FROM payments").await;
    assert_eq!(
        (status, setting.count(RUNNING).await),
        (json!("succeeded"), 1),
        "four thousand dollars are not as many rupees"
    );
    setting.finish().await;
}

#[tokio::test]
async fn a_case_about_more_than_what_went_back_stays_open() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    // GIVEN a charge that no row here is about, and a case that asks for all of it
    setting
        .database
        .run_sql(&format!(
            "INSERT INTO payment_cases (kind, subject, amount_cents, currency, details)
             VALUES ('refund_due', 'pay_1', {PRICE}, 'INR', '{{}}')"
        ))
        .await;
    story.take(Step::Refund("refund.processed", 1, PRICE - 1)).await;
    assert_eq!(setting.count(OPEN).await, 1, "a paisa is owed");
    story.take(Step::Refund("refund.processed", 2, 1)).await;
    assert_eq!(setting.count(OPEN).await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn a_refund_that_fails_after_all_was_said_to_be_back_is_a_case() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    // GIVEN a capture that says that all of it was given back already
    told(&story, Step::Captured, |body| {
        body["payload"]["payment"]["entity"]["amount_refunded"] = json!(PRICE);
    })
    .await;
    let status = setting.json("SELECT to_jsonb(status) FROM payments").await;
    assert_eq!((status, setting.count(OPEN).await), (json!("refunded"), 0));
    // WHEN the refund turns out to have failed
    story.take(Step::Refund("refund.failed", 1, PRICE)).await;
    // THEN a person is asked to refund it again
    let cases = setting
        .json("SELECT coalesce(jsonb_agg(jsonb_build_array(kind, status, details -> 'givenBackMinor')), '[]') FROM payment_cases")
        .await;
    assert_eq!(cases, json!([["given_back", "open", 0]]));
    setting.finish().await;
}

#[tokio::test]
async fn a_payment_of_nothing_of_which_nothing_went_back_was_not_given_back() {
    let setting = Setting::with_no_queue().await;
    let story = Story {
        setting: &setting,
        number: 1,
    };
    told(&story, Step::Captured, |body| {
        let entity = &mut body["payload"]["payment"]["entity"];
        (entity["amount"], entity["amount_refunded"]) = (json!(0), json!(0));
    })
    .await;
    let status = setting.json("SELECT to_jsonb(status) FROM payments").await;
    assert_eq!(status, "succeeded");
    setting.finish().await;
}
