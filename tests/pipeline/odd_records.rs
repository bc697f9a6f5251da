//! Records whose surroundings are odd, through the very binaries: nothing that Makegood does not need can hold up what it does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood::delivery::DeadLetter;
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::Outcome;
use makegood_tests::event_source::drain_all;
use makegood_tests::queues::{kafka_event, sqs_event};
use serde_json::{Value, json};

const PURCHASES: &str = "SELECT count(*) FROM student_course_purchases";

fn all_acknowledged() -> Outcome {
    Outcome::Answered(json!({"batchItemFailures": []}))
}

/// What each of these makes of a record's field, absent where it is none.
fn odd_fields() -> Vec<(&'static str, Option<Value>)> {
    vec![
        ("timestamp", Some(json!(-1))),
        ("timestamp", Some(json!(1_767_817_344_760_000_000_i64))),
        ("timestamp", Some(json!(u64::MAX))),
        ("timestamp", Some(json!("now"))),
        ("timestamp", None),
        ("timestampType", None),
        ("headers", None),
        ("headers", Some(Value::Null)),
        ("headers", Some(json!([{"name": null}]))),
        ("headers", Some(json!([{"name": {}}, {"name": []}]))),
        ("headers", Some(json!([{"name": [195, 169, 255]}]))),
        ("headers", Some(json!([{"name": [-61, -87, -128]}]))),
        ("headers", Some(json!({"name": "text"}))),
        ("key", Some(json!({}))),
        ("key", None),
        ("topic", None),
        ("partition", Some(json!("0"))),
        ("offset", Some(json!(0.5))),
        ("leaderEpoch", Some(json!({"anything": true}))),
    ]
}

#[tokio::test]
async fn a_kafka_record_is_done_whatever_its_metadata_looks_like() {
    // GIVEN a batch in which each record has one odd field, and three that are no records at all
    let course = Course::create().await;
    let odd = odd_fields();
    let payments = Payment::several(odd.len());
    let mut values = Vec::new();
    for payment in &payments {
        payment.record(&course.database).await;
        values.push(Some(payment.event().to_string()));
    }
    let mut event = kafka_event("purchase-confirmed", &values);
    let records = event["records"]["purchase-confirmed-0"].as_array_mut().unwrap();
    for (record, (field, value)) in records.iter_mut().zip(odd) {
        let record = record.as_object_mut().unwrap();
        match value {
            Some(value) => record.insert(field.to_owned(), value),
            None => record.remove(field),
        };
    }
    records.extend([
        json!(null),
        json!("a text"),
        json!({"topic": "purchase-confirmed", "offset": 99, "value": 7}),
    ]);

    // WHEN it is delivered
    let environment = course.environment_of("create-purchase").await;
    let outcome = environment.invoke(event).await;

    // THEN every payment is a purchase, and what is no record is parked as it came
    assert_eq!(outcome, all_acknowledged(), "{}", environment.lines().join("\n"));
    assert_eq!(course.database.count(PURCHASES).await, payments.len() as i64);
    let mut parked: Vec<(String, String)> = Vec::new();
    for body in course.dead_letters.drain().await {
        let dead_letter: DeadLetter = serde_json::from_str(&body).unwrap();
        assert_eq!(dead_letter.original_source, "purchase-confirmed");
        parked.push((dead_letter.error_code, dead_letter.raw.unwrap_or_default()));
    }
    parked.sort();
    let raw: Vec<&str> = parked.iter().map(|(_, raw)| raw.as_str()).collect();
    assert!(
        parked.iter().all(|(code, _)| code == "malformed_record"),
        "{parked:?}"
    );
    assert_eq!((raw[0], raw[1], raw.len()), ("\"a text\"", "null", 3));
    assert_eq!(serde_json::from_str::<Value>(raw[2]).unwrap()["value"], 7);
    course.database.drop().await;
}

#[tokio::test]
async fn an_sqs_message_is_done_whatever_its_metadata_looks_like() {
    // GIVEN a batch in which each message lacks, or has otherwise, one thing that is not needed
    let course = Course::create().await;
    let payments = Payment::several(9);
    let mut bodies = Vec::new();
    for payment in &payments {
        payment.record(&course.database).await;
        bodies.push(payment.event().to_string());
    }
    let mut event = sqs_event("purchase-confirmed", &bodies);
    let odd = [
        ("attributes", json!(null)),
        (
            "attributes",
            json!({"ApproximateReceiveCount": 1, "SentTimestamp": {}}),
        ),
        ("messageAttributes", json!([])),
        ("messageAttributes", json!({"a": null})),
        (
            "messageAttributes",
            json!({"a": {"dataType": 1, "binaryValue": "no base64"}}),
        ),
        ("receiptHandle", json!(null)),
        ("md5OfBody", json!(7)),
        ("eventSourceARN", json!({})),
        ("awsRegion", json!([])),
    ];
    for (index, (field, value)) in odd.into_iter().enumerate() {
        event["Records"][index][field] = value;
    }

    // WHEN it is delivered THEN every payment is a purchase
    let environment = course.environment_of("create-purchase").await;
    let outcome = environment.invoke(event).await;
    assert_eq!(outcome, all_acknowledged(), "{}", environment.lines().join("\n"));
    assert_eq!(course.database.count(PURCHASES).await, payments.len() as i64);
    assert_eq!(course.dead_letters.drain().await, Vec::<String>::new());
    course.database.drop().await;
}

/// A record that can't be read, at offset 0 of partition 0.
fn unreadable(key: &str, value: &str, timestamp: i64) -> Value {
    let mut event = kafka_event("purchase-confirmed", &[Some(value.to_owned())]);
    let record = &mut event["records"]["purchase-confirmed-0"][0];
    record["key"] = json!(STANDARD.encode(key));
    record["timestamp"] = json!(timestamp);
    event
}

#[tokio::test]
async fn the_record_of_a_topic_that_was_created_again_is_filed_beside_the_one_that_lay_there_before() {
    // GIVEN records at the same place that differ in key, value or time only, each delivered twice
    let course = Course::create().await;
    let environment = course.environment_of("create-purchase").await;
    let filing = course.environment_of("park-dead-letters").await;
    let lives = [
        ("a", "no JSON", 1_000),
        ("b", "no JSON", 1_000),
        ("a", "nor this", 1_000),
        ("a", "no JSON", 2_000),
    ];

    // WHEN they are parked and filed
    for _ in 0..2 {
        for (key, value, timestamp) in lives {
            let outcome = environment.invoke(unreadable(key, value, timestamp)).await;
            assert_eq!(outcome, all_acknowledged());
        }
        assert_eq!(drain_all(&course.dead_letters, &filing, 10).await, lives.len());
    }

    // THEN each is one row, at its place
    let rows = "SELECT count(*) FROM dead_letters";
    assert_eq!(course.database.count(rows).await, lives.len() as i64);
    let placed =
        "SELECT count(*) FROM dead_letters WHERE source = 'purchase-confirmed' AND message_id LIKE '0-0-%'
                  AND document @> '{\"originalPartition\": 0, \"originalOffset\": 0}'";
    assert_eq!(course.database.count(placed).await, lives.len() as i64);
    course.database.drop().await;
}

#[tokio::test]
async fn a_payment_in_an_envelope_of_sns_or_event_bridge_is_the_same_payment() {
    // GIVEN payments that arrive through SNS and through EventBridge, and one such that can't be read
    let course = Course::create().await;
    let payments = Payment::several(3);
    for payment in &payments {
        payment.record(&course.database).await;
    }
    let by_sns = |event: &Value| {
        json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:000000000000:payments",
               "Message": event.to_string(), "Timestamp": "2026-11-02T00:54:06.655Z"})
    };
    let by_event_bridge = |event: &Value| {
        json!({"version": "0", "id": "e", "detail-type": "PURCHASE_CONFIRMED", "source": "payment-service",
               "account": "000000000000", "time": "2026-11-22T16:45:29Z", "region": "us-east-1", "resources": [],
               "detail": event})
    };
    let mut unreadable = payments[2].event();
    unreadable["courseId"] = json!("none");
    let bodies = [
        by_sns(&payments[0].event()),
        by_event_bridge(&payments[1].event()),
        by_sns(&unreadable),
    ]
    .map(|body| body.to_string());

    // WHEN they are delivered THEN they are purchases, each once however it comes again
    let environment = course.environment_of("create-purchase").await;
    for _ in 0..2 {
        let outcome = environment.invoke(sqs_event("purchase-confirmed", &bodies)).await;
        assert_eq!(outcome, all_acknowledged());
    }
    let plain = payments[..2].iter().map(|payment| payment.event().to_string());
    let plain: Vec<String> = plain.collect();
    let outcome = environment.invoke(sqs_event("purchase-confirmed", &plain)).await;
    assert_eq!(outcome, all_acknowledged());
    assert_eq!(course.database.count(PURCHASES).await, 2);
    assert_eq!(course.purchase_created.drain().await.len(), 2);

    // AND the one that can't be read is filed with its envelope, under its own ids
    let filing = course.environment_of("park-dead-letters").await;
    assert_eq!(drain_all(&course.dead_letters, &filing, 10).await, 2);
    let rows = format!(
        "SELECT count(*) FROM dead_letters WHERE correlation_id = '{}' AND event_type = 'PURCHASE_CONFIRMED'
         AND event_id = 'payment:{0}:PURCHASE_CONFIRMED' AND raw LIKE '%Notification%'",
        payments[2].id
    );
    assert_eq!(course.database.count(&rows).await, 1);
    course.database.drop().await;
}
