//! What becomes of messages that can't be read or done, through the real `create-purchase` binary, real queues, and both
//! kinds of event source: each is parked alone, with its reason, and its neighbours succeed.

use makegood::delivery::{DeadLetter, unpack_raw};
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::event_source::{self, message_ids};
use makegood_tests::invariants::{Guarantee, assert_hold};
use makegood_tests::queues::kafka_event;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a purchase alone must satisfy.
const PURCHASED: [Guarantee; 3] = [
    Guarantee::OnePurchase,
    Guarantee::EverythingPublished,
    Guarantee::NoDuplicates,
];
/// The largest SQS message, in bytes.
const MEBIBYTE: usize = 1_048_576;

/// A body that is refused, with the code and a part of the reason.
struct Refused {
    body: String,
    code: &'static str,
    reason: &'static str,
}

fn refused(body: impl Into<String>, code: &'static str, reason: &'static str) -> Refused {
    Refused {
        body: body.into(),
        code,
        reason,
    }
}

/// A good event with one field otherwise; a null takes it out.
fn with(field: &str, value: Value) -> String {
    let mut event = Payment::new().event();
    match value {
        Value::Null => event.as_object_mut().unwrap().remove(field),
        value => event.as_object_mut().unwrap().insert(field.to_owned(), value),
    };
    event.to_string()
}

fn one_mebibyte() -> String {
    let mut event = Payment::new().event();
    event["padding"] = json!("");
    event["padding"] = json!("x".repeat(MEBIBYTE - event.to_string().len()));
    event.to_string()
}

fn refused_bodies() -> Vec<Refused> {
    vec![
        refused(
            "{\"type\":\"PURCHASE_CONFIRMED\",",
            "malformed_json",
            "the body is not JSON",
        ),
        refused("no JSON at all", "malformed_json", "the body is not JSON"),
        refused("[1,2]", "not_an_object", "the body is a JSON array"),
        refused(
            with("amountCents", json!("free")),
            "invalid_field",
            "field `amountCents`",
        ),
        refused(
            with("amountCents", json!(4999.5)),
            "invalid_field",
            "field `amountCents`",
        ),
        refused(
            with("studentId", json!("no-uuid")),
            "invalid_field",
            "field `studentId`",
        ),
        refused(with("metadata", json!([])), "invalid_field", "field `metadata`"),
        refused(
            with("courseId", Value::Null),
            "missing_field",
            "field `courseId` is missing",
        ),
        refused(
            with("type", json!("COFFEE_BREWED")),
            "unexpected_event_type",
            "COFFEE_BREWED",
        ),
        refused(one_mebibyte(), "payload_too_large", "1048576 bytes"),
    ]
}

/// Two good neighbours: one as everybody sends it, one whose metadata is a JSON string.
fn good_payments() -> ([Payment; 2], [String; 2]) {
    let payments = [Payment::new(), Payment::new()];
    let mut as_text = payments[1].event();
    as_text["metadata"] = json!("{\"purchaseTier\":10,\"timeSlot\":\"5:30 PM\"}");
    (payments, [payments[0].event().to_string(), as_text.to_string()])
}

async fn parked(course: &Course) -> Vec<DeadLetter> {
    let bodies = course.dead_letters.drain().await;
    bodies
        .iter()
        .map(|body| serde_json::from_str(body).expect("a dead letter document"))
        .collect()
}

/// Both neighbours became purchases, each with what it said, and nothing else did.
async fn assert_neighbours_succeeded(course: &Course, payments: &[Payment; 2]) {
    assert_eq!(
        course
            .database
            .count("SELECT count(*) FROM student_course_purchases")
            .await,
        2
    );
    for (payment, tier) in payments.iter().zip([30, 10]) {
        let query = format!(
            "SELECT count(*) FROM student_course_purchases WHERE payment_id = '{}' AND purchase_tier = {tier}",
            payment.id
        );
        assert_eq!(
            course.database.count(&query).await,
            1,
            "the purchase of {tier} sessions"
        );
    }
    assert_hold(&course.database, &PURCHASED).await;
    assert_eq!(course.purchase_created.drain().await.len(), 2);
}

/// Every field of the document but the time and those of the origin.
fn assert_document(dead_letter: &DeadLetter, refused: &Refused, origin: Value) {
    assert!(
        dead_letter.failure_reason.contains(refused.reason),
        "{:?} in {:?}",
        refused.reason,
        dead_letter.failure_reason
    );
    let event: Option<Value> = serde_json::from_str(&refused.body).ok();
    let read = |name: &str| {
        event
            .as_ref()
            .and_then(|event| event.get("_metadata")?.get(name)?.as_str())
    };
    let mut document = json!({
        "originalEvent": event, "failureReason": dead_letter.failure_reason, "errorCode": refused.code, "permanent": true,
        "failureTimestamp": dead_letter.failure_timestamp, "attempts": 1, "correlationId": read("correlationId"),
        "eventId": read("eventId"), "functionName": "create-purchase", "functionVersion": "$LATEST", "raw": refused.body,
    });
    document
        .as_object_mut()
        .unwrap()
        .extend(origin.as_object().unwrap().clone());
    if refused.body.len() == MEBIBYTE {
        // Whole it would not fit a message.
        assert_eq!(unpack_raw(dead_letter).as_deref(), Some(refused.body.as_str()));
        document["originalEvent"] = Value::Null;
        document["raw"] = json!(dead_letter.raw);
        document["rawEncoding"] = json!("gzip+base64");
    }
    let age = chrono::Utc::now() - dead_letter.failure_timestamp;
    assert!(
        (0..60_000).contains(&age.num_milliseconds()),
        "parked at {}",
        dead_letter.failure_timestamp
    );
    assert_eq!(serde_json::to_value(dead_letter).unwrap(), document);
}

#[tokio::test]
async fn each_unreadable_sqs_message_is_parked_alone_with_its_reason_and_its_neighbours_succeed() {
    // GIVEN a queue with every kind of unreadable message between two good ones
    let course = Course::create().await;
    let (payments, [first, last]) = good_payments();
    for payment in &payments {
        payment.record(&course.database).await;
    }
    course.purchase_confirmed.send(first).await;
    let refused = refused_bodies();
    for message in &refused {
        course.purchase_confirmed.send(&message.body).await;
    }
    course.purchase_confirmed.send(last).await;

    // WHEN they are delivered in one batch
    let environment = Environment::start("create-purchase", &course.variables()).await;
    let batch = event_source::deliver(&course.purchase_confirmed, &environment, 20)
        .await
        .expect("a batch");

    // THEN all are done, the good ones as purchases and the others as dead letters
    assert_eq!(message_ids(&batch.event).len(), refused.len() + 2);
    assert_eq!(batch.outcome, Outcome::Answered(json!({"batchItemFailures": []})));
    assert_neighbours_succeeded(&course, &payments).await;
    let dead_letters = parked(&course).await;
    assert_eq!(dead_letters.len(), refused.len());
    let by_id: BTreeMap<&str, &DeadLetter> = dead_letters
        .iter()
        .map(|dead_letter| (dead_letter.message_id.as_str(), dead_letter))
        .collect();
    let source = course.purchase_confirmed.arn.rsplit(':').next().unwrap();
    for record in batch.event["Records"].as_array().unwrap() {
        if let Some(message) = refused.iter().find(|message| record["body"] == message.body) {
            let dead_letter = by_id[record["messageId"].as_str().unwrap()];
            assert_document(
                dead_letter,
                message,
                json!({"originalSource": source, "messageId": record["messageId"]}),
            );
        }
    }
    assert_eq!(environment.metric("DeadLettered"), 10);
    course.database.drop().await;
}

#[tokio::test]
async fn each_unreadable_kafka_record_is_parked_alone_and_its_partition_goes_on() {
    // GIVEN one partition with every kind of unreadable record, a null and no bytes at all, between two good ones
    let course = Course::create().await;
    let (payments, [first, last]) = good_payments();
    for payment in &payments {
        payment.record(&course.database).await;
    }
    let refused = refused_bodies();
    let mut values = vec![Some(first)];
    values.extend(refused.iter().map(|record| Some(record.body.clone())));
    values.extend([None, Some(String::new()), Some(last)]);

    // WHEN they are delivered
    let environment = Environment::start("create-purchase", &course.variables()).await;
    let outcome = environment
        .invoke(kafka_event("purchase-confirmed", &values))
        .await;

    // THEN the whole batch is acknowledged, and what could not be read is parked with its place
    assert_eq!(outcome, Outcome::Answered(json!({"batchItemFailures": []})));
    assert_neighbours_succeeded(&course, &payments).await;
    let dead_letters = parked(&course).await;
    assert_eq!(dead_letters.len(), refused.len() + 1);
    assert_eq!(environment.metric("TombstonesSkipped"), 1);
    let by_offset: BTreeMap<i64, &DeadLetter> = dead_letters
        .iter()
        .map(|dead_letter| (dead_letter.original_offset.unwrap(), dead_letter))
        .collect();
    for (offset, record) in (1..).zip(&refused) {
        let dead_letter = by_offset[&offset];
        assert!(
            dead_letter.message_id.starts_with(&format!("0-{offset}")),
            "{}",
            dead_letter.message_id
        );
        let origin = json!({"originalSource": "purchase-confirmed", "originalPartition": 0, "originalOffset": offset,
                            "messageId": dead_letter.message_id});
        assert_document(dead_letter, record, origin);
    }
    let empty = by_offset[&12];
    assert_eq!(
        (empty.error_code.as_str(), empty.raw.as_deref()),
        ("empty_body", Some(""))
    );
    assert_eq!(empty.original_event, None);
    course.database.drop().await;
}
