//! Payments as the Kafka clients of other languages write them, each with its defaults, over a broker that is no part of any of them.

use crate::order::{row_for, transport_to};
use makegood::delivery::DeadLetter;
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::Environment;
use makegood_tests::kafka_clients::{Batch, Bytes, Given, Outcome, Stored, read, write};
use makegood_tests::kafka_server::KafkaServer;
use makegood_tests::msk_event::{MskRecord, msk_event};
use makegood_tests::tried::note;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const PAYMENTS: &str = "purchase-confirmed";
const PURCHASES: &str = "purchase-created";
const KEYS: &str = "keys";
const PARTITIONS: i32 = 6;
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// Payments in each batch; a tombstone follows them.
const IN_A_BATCH: usize = 4;
/// What a producer may say of the time: no milliseconds since the epoch, none known, a day in 2020, nanoseconds.
const TIMES: [i64; 4] = [0, -1, 1_600_000_000_000, 1_795_992_585_000_000_000];

/// A client, and how it differs from the others.
struct Client {
    name: &'static str,
    program: &'static str,
    /// The setting that gives a key the partition that it has with us; none when it has it by default.
    to_place_as_we_do: Option<(&'static str, &'static str)>,
    /// Whether it writes a header without a value. If not, it does not take the record.
    writes_null_headers: bool,
    /// Whether zero means to it that it is to choose the time.
    zero_is_now: bool,
}

/// The headers of a client's records: one twice, one of bytes from 128 on whose name is no ASCII, one that is empty.
fn headers() -> Vec<(String, Option<Bytes>)> {
    let header = |name: &str, value: &[u8]| (name.to_owned(), Some(Bytes(value.to_vec())));
    vec![
        header("source", "café".as_bytes()),
        header("trace", b"1"),
        header("trace", b"2"),
        header("clé", &[128, 255]),
        header("empty", b""),
    ]
}

fn paid(payment: &Payment) -> Given {
    let mut event = payment.event();
    event["metadata"]["note"] = json!("Café ".repeat(60));
    Given {
        key: Some(payment.id.to_string().as_str().into()),
        value: Some(event.to_string().as_str().into()),
        headers: headers(),
        timestamp: None,
    }
}

fn batch(topic: &str, codec: &str, records: Vec<Given>) -> Batch {
    Batch {
        topic: topic.to_owned(),
        codec: codec.to_owned(),
        settings: json!({}),
        records,
    }
}

/// A batch for each codec, which ends with a tombstone; one for each time; one with a header that has no value.
fn batches_of(payments: &[Payment]) -> Vec<Batch> {
    let mut left = payments.iter();
    let mut batches: Vec<Batch> = CODECS
        .iter()
        .map(|codec| {
            let mut records: Vec<Given> = left.by_ref().take(IN_A_BATCH).map(paid).collect();
            let tombstone = Given {
                value: None,
                ..records[0].clone()
            };
            records.push(tombstone);
            batch(PAYMENTS, codec, records)
        })
        .collect();
    // Each alone: the times of one batch are stored as differences from its first, where not every client counts right.
    batches.extend(TIMES.into_iter().zip(left.by_ref()).map(|(time, payment)| {
        let timed = Given {
            timestamp: Some(time),
            ..paid(payment)
        };
        batch(PAYMENTS, "none", vec![timed])
    }));
    let null_header = left.map(|payment| Given {
        headers: vec![("note".to_owned(), None)],
        ..paid(payment)
    });
    batches.push(batch(PAYMENTS, "none", null_header.collect()));
    batches
}

/// Ids as payments have them, names as gateways make them, one in each length up to nine bytes, and some that are no ASCII.
fn keys() -> Vec<String> {
    let ids = (0..40).map(|_| Payment::new().id.to_string());
    let short = (1..10).map(|length| "pi_esewa_1"[..length].to_owned());
    let others = ["नमस्ते", "é", "支付-1", "\u{10ffff}"].map(str::to_owned);
    ids.chain(short)
        .chain(others)
        .chain(["long-".repeat(50)])
        .collect()
}

/// The partition of each key, by whoever wrote it: `us`, `by default`, `told`.
type Places = BTreeMap<String, BTreeMap<Vec<u8>, i32>>;

/// Writes the same keys by our producer, by the client with its defaults, and as it is to be told.
async fn places(server: &KafkaServer, client: &Client) -> Places {
    let keys = keys();
    let rows: Vec<_> = (1_i64..)
        .zip(&keys)
        .map(|(id, key)| row_for(KEYS, id, key))
        .collect();
    let ours = transport_to(server.address()).await.send(&rows).await;
    assert_eq!(ours, vec![Ok(()); keys.len()]);
    let given = |who: &str| {
        let record = |key: &String| Given {
            key: Some(key.as_str().into()),
            value: Some(who.into()),
            headers: Vec::new(),
            timestamp: None,
        };
        batch(KEYS, "none", keys.iter().map(record).collect())
    };
    let mut batches = vec![given("by default")];
    if let Some((name, value)) = client.to_place_as_we_do {
        batches.push(Batch {
            settings: json!({name: value}),
            ..given("told")
        });
    }
    write(client.program, &server.address(), &batches).await;
    let (records, _) = read(&server.address(), KEYS, keys.len() * (1 + batches.len())).await;
    let mut places = Places::new();
    for record in records {
        let who = String::from_utf8(record.value.expect("a value")).expect("text");
        let who = if who.starts_with('{') {
            "us".to_owned()
        } else {
            who
        };
        let earlier = places
            .entry(who)
            .or_default()
            .insert(record.key.expect("a key"), record.partition);
        assert_eq!(earlier, None, "each wrote each key once");
    }
    places
}

/// Looks whether a client's keys lie where ours do, as it is said of it. Gives back what to say of it.
fn judge_places(client: &Client, places: &Places) -> String {
    let ours = &places["us"];
    let elsewhere = |who: &str| {
        ours.iter()
            .filter(|(key, place)| places[who][*key] != **place)
            .count()
    };
    let used: BTreeSet<_> = ours.values().collect();
    assert_eq!(used.len(), 6, "the keys are on all partitions");
    let Some((name, value)) = client.to_place_as_we_do else {
        assert_eq!(elsewhere("by default"), 0, "{}", client.name);
        return "yes".to_owned();
    };
    assert_eq!(elsewhere("told"), 0, "{} with {name}={value}", client.name);
    let lost = elsewhere("by default");
    assert!(
        lost > ours.len() / 2,
        "{lost} of {} keys lie elsewhere",
        ours.len()
    );
    format!(
        "no: {lost} of {} keys elsewhere; with `{name}={value}` yes",
        ours.len()
    )
}

/// Looks at what the client refused: a record with a header that has no value, when it can't write one. Gives back its words.
fn judge_refusals(client: &Client, outcomes: &[Outcome]) -> String {
    let (last, others) = outcomes.split_last().expect("a batch with such a header");
    for outcome in others {
        assert!(outcome.refused.is_empty(), "{}: {outcome:?}", client.name);
    }
    assert_eq!(last.refused.is_empty(), client.writes_null_headers, "{last:?}");
    match last.refused.get(&0) {
        None => "written".to_owned(),
        Some(words) => format!("not taken: {words}"),
    }
}

/// Every batch of a codec is stored in it.
fn judge_codecs(stored: &[Stored]) {
    for codec in &CODECS[1..] {
        let in_it = stored.iter().filter(|batch| batch.codec == *codec);
        let records: usize = in_it.map(|batch| batch.records).sum();
        assert_eq!(records, IN_A_BATCH + 1, "{codec}");
    }
}

/// Each record has the headers and the time that it was given; one that was given none has that of its writing.
fn judge_records(client: &Client, batches: &[Batch], records: &[MskRecord], began: i64) {
    let written: BTreeMap<_, _> = records
        .iter()
        .map(|record| ((record.key.clone(), record.value.clone()), record))
        .collect();
    let bytes = |bytes: &Option<Bytes>| bytes.clone().map(|Bytes(bytes)| bytes);
    let given = batches.iter().flat_map(|batch| &batch.records);
    let mut found = 0;
    for given in given {
        let Some(record) = written.get(&(bytes(&given.key), bytes(&given.value))) else {
            continue;
        };
        found += 1;
        let headers: Vec<_> = given
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), bytes(value)))
            .collect();
        assert_eq!(record.headers, headers);
        assert_eq!(record.timestamp_type, "CREATE_TIME");
        match given.timestamp {
            Some(time) if time != 0 || !client.zero_is_now => assert_eq!(record.timestamp, time),
            _ => assert!(
                (began..=chrono::Utc::now().timestamp_millis()).contains(&record.timestamp),
                "{record:?}"
            ),
        }
    }
    assert_eq!(found, records.len());
}

/// Gives the records to the function, ten at a time, as an event source does.
async fn deliver(course: &Course, server: &KafkaServer, records: &[MskRecord]) -> Environment {
    let mut variables = course.variables_with(&[
        ("TRANSPORT", "kafka".to_owned()),
        ("KAFKA_BROKERS", server.address()),
        ("KAFKA_AUTH", "none".to_owned()),
    ]);
    variables.retain(|name, _| !name.starts_with("QUEUE_URL_"));
    let environment = Environment::start("create-purchase", &variables).await;
    for records in records.chunks(10) {
        let answer = environment.invoke(msk_event(records)).await.answer();
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    environment
}

/// Everything of one client: what it writes, how it lies there, and what becomes of it.
async fn try_out(client: &Client) {
    let server = KafkaServer::start(&[PAYMENTS, PURCHASES, KEYS], PARTITIONS).await;
    let course = Course::create().await;
    let payments = Payment::several(CODECS.len() * IN_A_BATCH + TIMES.len() + 1);
    Payment::record_all(&payments, &course.database).await;
    let batches = batches_of(&payments);

    // WHEN it writes payments THEN they lie there in each codec, with the headers and times that they were given
    let began = chrono::Utc::now().timestamp_millis();
    let written = write(client.program, &server.address(), &batches).await;
    let null_headers = judge_refusals(client, &written.batches);
    let number = written.batches.iter().map(|outcome| outcome.written).sum();
    let (records, stored) = read(&server.address(), PAYMENTS, number).await;
    assert_eq!(records.len(), number);
    judge_codecs(&stored);
    judge_records(client, &batches, &records, began);

    // AND each is a purchase, which is published; each tombstone is acknowledged and counted, and nothing is parked
    let environment = deliver(&course, &server, &records).await;
    let made = number - CODECS.len();
    let purchases = "SELECT count(DISTINCT payment_id) FROM student_course_purchases";
    assert_eq!(usize::try_from(course.database.count(purchases).await), Ok(made));
    let skipped = environment.metric("TombstonesSkipped");
    assert_eq!(usize::try_from(skipped), Ok(CODECS.len()));
    let parked: Vec<DeadLetter> = course
        .dead_letters
        .drain()
        .await
        .iter()
        .map(|body| serde_json::from_str(body).expect("a dead letter"))
        .collect();
    assert!(parked.is_empty(), "{parked:?}");
    let (events, _) = read(&server.address(), PURCHASES, made).await;
    assert_eq!(events.len(), made);
    let keys = |records: &[MskRecord]| {
        records
            .iter()
            .map(|record| record.key.clone())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        keys(&events),
        keys(&records),
        "each payment's event is under its key"
    );

    // AND its keys lie where ours do, by default or as it is told
    let placed = judge_places(client, &places(&server, client).await);
    let result = format!("{made} payments, {made} purchases; {skipped} tombstones skipped");
    let zero = if client.zero_is_now {
        "time of sending"
    } else {
        "1970"
    };
    note(
        "kafka-clients",
        client.name,
        &[
            ("client", client.name),
            ("version", &written.version),
            ("same key, same partition as ours", &placed),
            ("codecs", &CODECS.join(", ")),
            ("a header without value", &null_headers),
            ("time 0 becomes", zero),
            ("result", &result),
        ],
    );
    course.database.drop().await;
}

#[tokio::test]
async fn payments_that_librdkafka_writes_become_purchases() {
    try_out(&Client {
        name: "confluent-kafka",
        program: "write_confluent.py",
        to_place_as_we_do: Some(("partitioner", "murmur2_random")),
        writes_null_headers: true,
        zero_is_now: true,
    })
    .await;
}

#[tokio::test]
async fn payments_that_kafkajs_writes_become_purchases() {
    try_out(&Client {
        name: "kafkajs",
        program: "write_kafkajs.js",
        to_place_as_we_do: None,
        writes_null_headers: false,
        zero_is_now: false,
    })
    .await;
}

#[tokio::test]
async fn payments_that_kafka_python_writes_become_purchases() {
    try_out(&Client {
        name: "kafka-python",
        program: "write_kafka_python.py",
        to_place_as_we_do: None,
        writes_null_headers: false,
        zero_is_now: false,
    })
    .await;
}

#[tokio::test]
async fn payments_that_aiokafka_writes_become_purchases() {
    try_out(&Client {
        name: "aiokafka",
        program: "write_aiokafka.py",
        to_place_as_we_do: None,
        writes_null_headers: true,
        zero_is_now: false,
    })
    .await;
}
