//! Envelopes in which every field is absent, null, of another type or out of range: good records always arrive, and what is
//! wrong with another is its own failure.

use super::{Answer, Consumer, Deadline, DecodeError, Delivery, Failure, Origin, Record, Stage, Trigger};
use crate::clock::Clock;
use crate::event::{Envelope, EventError};
use aws_sdk_sqs::config::BehaviorVersion;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

const BODY: &str = "{\"type\":\"PURCHASE_CONFIRMED\"}";

#[test]
fn sqs_and_msk_give_the_same_payload() {
    let sqs = json!({"Records": [{"messageId": "m-1", "receiptHandle": "r", "body": BODY,
        "attributes": {"ApproximateReceiveCount": "3"}, "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:purchase-confirmed"}]});
    let record = |offset: u64, value: Value| {
        json!({"topic": "purchase-confirmed", "partition": 0, "offset": offset, "timestamp": 1,
               "timestampType": "CREATE_TIME", "key": null, "value": value, "headers": []})
    };
    let msk = json!({"eventSource": "aws:kafka", "records": {
        "purchase-confirmed-0": [record(15, json!(STANDARD.encode(BODY))), record(14, Value::Null)]}});
    let (_, from_sqs) = Trigger::decode(sqs).unwrap();
    let (_, from_msk) = Trigger::decode(msk).unwrap();
    assert_eq!(from_sqs[0].payload, from_msk[1].payload);
    assert_eq!(from_sqs[0].attempt, 3);
    assert_eq!(from_sqs[0].origin.source(), "purchase-confirmed");
    assert_eq!(from_msk[0].payload, None);
    let message_id = from_msk[1].origin.message_id();
    assert!(message_id.starts_with("0-15"), "{message_id}");
}

#[test]
fn a_missing_message_id_fails_the_whole_batch_on_purpose() {
    for id in [Value::Null, json!(""), json!(7)] {
        let event = json!({"Records": [{"messageId": "m-1", "body": "{}"}, {"messageId": id, "body": "{}"}]});
        assert!(matches!(Trigger::decode(event), Err(DecodeError::NoMessageId)));
    }
    let event = json!({"Records": ["no message"]});
    assert!(matches!(Trigger::decode(event), Err(DecodeError::NoMessageId)));
}

#[test]
fn what_has_no_list_of_records_is_neither_sqs_nor_msk() {
    for event in [
        json!(null),
        json!([]),
        json!({"eventSource": "aws:kafka"}),
        json!({"eventSource": "aws:kafka", "records": [1]}),
        json!({"Records": {"a": 1}}),
    ] {
        assert!(matches!(Trigger::decode(event), Err(DecodeError::UnknownShape)));
    }
}

#[test]
fn a_place_that_the_record_does_not_give_is_that_of_its_group() {
    let event = json!({"records": {"purchase-confirmed-7": [{"value": STANDARD.encode(BODY)}, 5]}});
    let (_, deliveries) = Trigger::decode(event).unwrap();
    for delivery in &deliveries {
        assert_eq!(delivery.origin.source(), "purchase-confirmed");
        let Origin::Kafka {
            partition, offset, ..
        } = &delivery.origin
        else {
            panic!("a Kafka record")
        };
        assert_eq!((*partition, *offset), (Some(7), None));
    }
    assert_eq!(deliveries[0].payload.as_deref(), Some(BODY));
    assert_eq!(deliveries[1].payload.as_deref(), Some("5"));
}

#[test]
fn what_cannot_be_named_in_a_partial_response_comes_again_with_its_batch() {
    let event = json!({"records": {"t-0": [{"offset": -1, "value": null}]}});
    let (trigger, deliveries) = Trigger::decode(event).unwrap();
    let answer = Answer::for_returned(trigger, &[&deliveries[0].origin], true);
    assert!(matches!(answer, Answer::Fail(_)), "{answer:?}");
}

#[test]
fn a_value_that_is_no_utf8_is_read_where_it_is_json_and_kept_whole_where_not() {
    let decode = |bytes: &[u8]| {
        let event = json!({"records": {"t-0": [{"value": STANDARD.encode(bytes)}]}});
        Trigger::decode(event).unwrap().1.remove(0)
    };
    let nearly = decode(b"{\"name\":\"Andr\xe9\"}");
    assert_eq!(
        (nearly.payload.as_deref(), nearly.defect),
        (Some("{\"name\":\"Andr\u{fffd}\"}"), None)
    );
    let avro = decode(b"\x00\x00\x00\x00\x07\xff\xfe");
    assert_eq!(
        avro.payload.map(|text| STANDARD.decode(text).unwrap()),
        Some(b"\x00\x00\x00\x00\x07\xff\xfe".to_vec())
    );
    assert!(avro.defect.is_some());
}

/// Any JSON at all.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        Just(json!(-1)),
        Just(json!(1.0e300)),
        Just(json!(0.5)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,6}", inner, 0..4).prop_map(|fields| json!(fields)),
        ]
    })
}

/// A field as it should be, or absent, or anything.
fn field(good: Value) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![2 => Just(Some(good)), 1 => Just(None), 3 => anything().prop_map(Some)]
}

fn headers() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(Some(json!([{"eventId": [112, -61, -128]}, {"eventId": {}}]))),
        Just(Some(
            json!([{"eventId": [195, 255]}, {"none": []}, {"null": null}])
        )),
        field(json!([])),
    ]
}

/// One record, and the body that must arrive of it; none for a record whose body can't.
fn kafka_record(number: usize) -> impl Strategy<Value = (Value, Option<String>)> {
    let body = format!("good {number}");
    let value = Value::from(STANDARD.encode(&body));
    let around = (
        field(json!("topic")),
        field(json!(3)),
        field(json!(number)),
        field(json!(1_767_817_344_760_i64)),
        field(json!("CREATE_TIME")),
        field(json!("a2V5")),
        headers(),
    );
    let good = around
        .prop_map(move |(topic, partition, offset, timestamp, kind, key, headers)| {
            let fields = [
                ("topic", topic),
                ("partition", partition),
                ("offset", offset),
                ("timestamp", timestamp),
                ("timestampType", kind),
                ("key", key),
                ("headers", headers),
                ("value", Some(value.clone())),
            ];
            let present = fields
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            (Value::Object(present.collect()), Some(body.clone()))
        })
        .boxed();
    let bad = (good.clone(), anything()).prop_map(|((mut record, _), value)| {
        record["value"] = if value.is_string() { json!(7) } else { value };
        (record, None)
    });
    let no_record = anything()
        .prop_filter("no object", |value| !value.is_object())
        .prop_map(|record| (record, None));
    prop_oneof![3 => good, 1 => bad, 1 => no_record]
}

fn sqs_record(number: usize) -> impl Strategy<Value = (Value, Option<String>)> {
    let body = format!("good {number}");
    let around = (
        field(json!("receipt")),
        field(json!({"ApproximateReceiveCount": "2"})),
        field(
            json!({"name": {"stringValue": "x", "dataType": "String", "binaryListValues": [], "stringListValues": []}}),
        ),
        field(json!("098f6bcd4621d373cade4e832627b4f6")),
        field(json!("arn:aws:sqs:eu-west-1:000000000000:q")),
    );
    let good = around
        .prop_map(move |(receipt, attributes, marks, digest, arn)| {
            let fields = [
                ("receiptHandle", receipt),
                ("attributes", attributes),
                ("messageAttributes", marks),
                ("md5OfBody", digest),
                ("eventSourceARN", arn),
                ("messageId", Some(json!(format!("m-{number}")))),
                ("body", Some(json!(body))),
            ];
            let present = fields
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            (Value::Object(present.collect()), Some(body.clone()))
        })
        .boxed();
    let bad = (good.clone(), anything()).prop_map(|((mut record, _), body)| {
        record["body"] = if body.is_string() { Value::Null } else { body };
        (record, None)
    });
    prop_oneof![3 => good, 1 => bad]
}

fn several<S: Strategy>(record: fn(usize) -> S) -> impl Strategy<Value = Vec<S::Value>> {
    (1..8_usize).prop_flat_map(move |count| (0..count).map(record).collect::<Vec<_>>())
}

/// Remembers what reached it.
#[derive(Default)]
struct Arrivals(Mutex<BTreeSet<String>>);

impl Stage for Arrivals {
    const NAME: &'static str = "arrivals";
    const MAX_ATTEMPTS: u32 = 1;
    const PARKS: bool = false;
    type Input = (String, Envelope);

    fn read(&self, payload: &str) -> Result<Self::Input, EventError> {
        if !payload.starts_with("good") {
            return Err(EventError::Empty);
        }
        Ok((payload.to_owned(), Envelope::read(None, "e", "c")))
    }

    fn envelope<'a>(&self, input: &'a Self::Input) -> &'a Envelope {
        &input.1
    }

    async fn process(
        &self,
        records: &[Record<Self::Input>],
        _: Deadline,
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        let mut arrived = self.0.lock().unwrap();
        arrived.extend(records.iter().map(|record| record.input.0.clone()));
        Ok(records.iter().map(|_| Ok(())).collect())
    }
}

/// What reaches a stage of this event; panics unless the invocation is answered, with nothing returned.
fn arrived(event: Value) -> BTreeSet<String> {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .build();
    let consumer = Consumer {
        stage: Arrivals::default(),
        sqs: aws_sdk_sqs::Client::from_conf(config),
        parking: None,
        kafka_reads_partial: true,
        clock: Clock::System,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let handled = consumer.handle(event, Deadline::after(Duration::from_secs(20)));
    let answer = runtime.unwrap().block_on(handled).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    consumer.stage.0.into_inner().unwrap()
}

/// Every record is a delivery of its own; one that doesn't reach the stage says why, or has no body at all.
fn accounted_for(deliveries: &[Delivery], records: &[(Value, Option<String>)]) {
    assert_eq!(deliveries.len(), records.len());
    let unreadable = |delivery: &&Delivery| delivery.defect.is_some() || delivery.payload.is_none();
    let bad = records.iter().filter(|(_, body)| body.is_none()).count();
    assert_eq!(deliveries.iter().filter(unreadable).count(), bad);
}

fn good(records: &[(Value, Option<String>)]) -> BTreeSet<String> {
    records.iter().filter_map(|(_, body)| body.clone()).collect()
}

proptest! {
    #[test]
    fn every_good_msk_record_arrives_whatever_surrounds_it(
        records in several(kafka_record),
        source in field(json!("aws:kafka")),
        servers in field(json!("b-1:9098")),
        extra in anything(),
        name in prop_oneof![Just("topic-3".to_owned()), ".{0,10}"],
        aside in anything().prop_filter("one record", |value| !value.is_array()),
    ) {
        let mut event = Map::new();
        for (name, value) in [("eventSource", source), ("bootstrapServers", servers), ("extra", Some(extra))] {
            event.extend(value.map(|value| (name.to_owned(), value)));
        }
        let list: Vec<&Value> = records.iter().map(|(record, _)| record).collect();
        event.insert("records".to_owned(), json!({name.clone(): list}));
        accounted_for(&Trigger::decode(Value::Object(event.clone())).unwrap().1, &records);

        // A group of another shape beside it changes nothing for them.
        event["records"][format!("{name}x")] = aside;
        prop_assert_eq!(arrived(Value::Object(event)), good(&records));
    }

    #[test]
    fn every_good_sqs_message_arrives_whatever_surrounds_it(records in several(sqs_record), extra in anything()) {
        let list: Vec<&Value> = records.iter().map(|(record, _)| record).collect();
        let event = json!({"Records": list, "extra": extra});
        accounted_for(&Trigger::decode(event.clone()).unwrap().1, &records);
        prop_assert_eq!(arrived(event), good(&records));
    }
}
