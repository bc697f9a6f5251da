//! Every file in `events/` is what its consumer reads, and every schema in `events/schema/` is what the types say.
//! `UPDATE_SCHEMAS=1` writes the schemas anew.

use makegood::delivery::{DeadLetter, Trigger};
use makegood::event::{Event, EventError, EventType, schemas};
use makegood::http::Request;
use makegood::payment::razorpay;
use receive_payment::confirmation;
use receive_payment::signature::Keys;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What the samples over HTTP are signed with; `events/README.md` says so too.
const RAZORPAY_SECRET: &str = "sample-razorpay-secret";
const CONFIRMATION_SECRET: &str = "sample-confirmation-secret-of-40-bytes-00";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// The JSON files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("readable");
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect()
}

pub(crate) fn sample(name: &str) -> Value {
    files(&folder())
        .remove(name)
        .unwrap_or_else(|| panic!("events/{name} is missing"))
}

fn parse(payload: &Value) -> Event {
    Event::parse(&payload.to_string()).unwrap_or_else(|error| panic!("{error}: {payload}"))
}

fn to_json(event: &Event) -> Value {
    match event {
        Event::PurchaseConfirmed(event) => event.to_json(),
        Event::PurchaseCreated(event) => event.to_json(),
        Event::TrainerAllocated(event) => event.to_json(),
        Event::SessionsGenerated(event) => event.to_json(),
        Event::OrderConfirmed(event) => event.to_json(),
        Event::PurchaseEnded(event) => event.to_json(),
        Event::SessionsRescheduled(event) => event.to_json(),
        Event::OrderRefunded(event) => event.to_json(),
    }
}

pub(crate) fn validator(event_type: EventType) -> jsonschema::Validator {
    let (_, schema) = schemas()
        .into_iter()
        .find(|(topic, _)| *topic == event_type.topic())
        .expect("a schema a topic");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a valid schema")
}

/// Which schema violations there are.
fn violations(event_type: EventType, event: &Value) -> Vec<String> {
    validator(event_type)
        .iter_errors(event)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn every_file_has_a_consumer_that_reads_it() {
    for (name, value) in files(&folder()) {
        let (stem, kind) = name
            .trim_end_matches(".json")
            .split_once('.')
            .unwrap_or((name.trim_end_matches(".json"), ""));
        match (stem, kind) {
            // shop_samples.rs hands them to their functions.
            ("finalize-order", "sqs")
            | ("create-order-intent" | "order-status", "http")
            // functions/admin/tests/console/samples.rs.
            | ("admin", "http" | "authorizer")
            | ("verify-payment", "esewa.http" | "khalti.http") => {}
            (_, "sqs" | "msk") => assert_trigger(stem, kind, value),
            ("receive-payment", _) => assert_http(kind, value),
            ("sweep", sweep) => assert_eq!(value, json!({"sweep": sweep})),
            ("top-up-sessions", "schedule") | ("migrate", "") => {
                assert_eq!(value, json!({}), "{name} needs no input")
            }
            (topic, "") => assert_eq!(parse(&value).event_type().topic(), topic),
            _ => panic!(
                "events/{name} has no consumer; say here who reads it, and in events/README.md what it is"
            ),
        }
    }
}

fn assert_trigger(function: &str, kind: &str, value: Value) {
    let (trigger, deliveries) = Trigger::decode(value).expect("one decoder reads both");
    assert_eq!(
        trigger,
        if kind == "sqs" {
            Trigger::Sqs
        } else {
            Trigger::Kafka
        },
        "{function}.{kind}"
    );
    let payloads = deliveries
        .iter()
        .map(|delivery| delivery.payload.as_deref().expect("a body"));
    if function == "park-dead-letters" {
        let dead_letters: Vec<bool> = payloads
            .map(|body| match serde_json::from_str::<DeadLetter>(body) {
                Ok(dead_letter) => dead_letter.raw.is_some_and(|raw| Event::parse(&raw).is_err()),
                Err(_) => Event::parse(body).is_err(),
            })
            .collect();
        assert_eq!(
            dead_letters,
            [true, false],
            "a document about a bad event, and a good event that SQS moved"
        );
        return;
    }
    let types: Vec<EventType> = payloads
        .map(|body| Event::parse(body).expect(body).event_type())
        .collect();
    let expected: &[EventType] = match function {
        "create-purchase" => &[EventType::PurchaseConfirmed],
        "allocate-trainer" => &[EventType::PurchaseCreated],
        "schedule-sessions" => &[EventType::TrainerAllocated],
        "invalidate-cache" => &[
            EventType::PurchaseCreated,
            EventType::SessionsGenerated,
            EventType::TrainerAllocated,
            EventType::PurchaseEnded,
            EventType::SessionsRescheduled,
        ],
        other => panic!("say here which events {other} reads"),
    };
    let found: BTreeSet<_> = types.into_iter().collect();
    assert_eq!(found, expected.iter().copied().collect(), "{function}.{kind}");
}

fn assert_http(kind: &str, value: Value) {
    let signed_at = value["headers"]["x-makegood-timestamp"]
        .as_str()
        .unwrap_or("0")
        .parse()
        .expect("seconds");
    let request = Request::decode(value).expect("an HTTP API request");
    let body = request.body.as_deref().expect("a body");
    match kind {
        "razorpay.http" => {
            let signature = request.header(razorpay::SIGNATURE_HEADER);
            let keys = Keys::read("the sample secret", RAZORPAY_SECRET, 16).expect("a secret");
            assert_eq!(
                keys.verify_body(razorpay::SIGNATURE_HEADER, signature, body),
                Ok(())
            );
            let now = chrono::DateTime::UNIX_EPOCH;
            assert!(matches!(
                razorpay::read(body, now),
                Ok(razorpay::Webhook::Captured(_))
            ));
        }
        "confirmation.http" => {
            let signature = request.header(confirmation::SIGNATURE_HEADER);
            let keys = Keys::read("the sample secret", CONFIRMATION_SECRET, 32).expect("a secret");
            let now = chrono::DateTime::from_timestamp(signed_at, 0).expect("an instant");
            let timestamp = request.header(confirmation::TIMESTAMP_HEADER);
            assert_eq!(keys.verify_timed(signature, timestamp, body, now), Ok(()));
            assert!(confirmation::read(body).is_ok());
        }
        other => panic!("say here who reads receive-payment.{other}"),
    }
}

#[test]
fn every_function_and_every_event_has_its_samples() {
    let there: BTreeSet<String> = files(&folder()).into_keys().collect();
    let events = EventType::ALL
        .iter()
        .map(|event_type| format!("{}.json", event_type.topic()));
    let consumers = [
        "create-purchase",
        "allocate-trainer",
        "schedule-sessions",
        "invalidate-cache",
    ];
    let triggers = consumers
        .iter()
        .flat_map(|name| [format!("{name}.sqs.json"), format!("{name}.msk.json")]);
    let others = [
        "receive-payment.razorpay.http.json",
        "receive-payment.confirmation.http.json",
        "top-up-sessions.schedule.json",
        "create-order-intent.http.json",
        "verify-payment.esewa.http.json",
        "verify-payment.khalti.http.json",
        "finalize-order.sqs.json",
        "order-status.http.json",
        "sweep.outbox.json",
        "sweep.stale-jobs.json",
        "sweep.health.json",
        "sweep.reservations.json",
        "sweep.reconcile.json",
        "sweep.compare.json",
        "sweep.statement.json",
        "park-dead-letters.sqs.json",
        "migrate.json",
    ];
    let wanted: BTreeSet<String> = events.chain(triggers).chain(others.map(str::to_owned)).collect();
    assert_eq!(
        wanted.difference(&there).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    let readme = fs::read_to_string(folder().join("README.md")).expect("events/README.md");
    let unexplained: Vec<_> = there
        .iter()
        .filter(|name| !readme.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(
        unexplained,
        Vec::<&String>::new(),
        "explain each in a line of events/README.md"
    );
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    let folder = folder().join("schema");
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    for (topic, schema) in schemas() {
        let path = folder.join(format!("{topic}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        if update {
            fs::write(&path, &text).expect("writable");
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == text,
            "events/schema/{topic}.schema.json is not what the types say; look at the change, then write it with \
             `UPDATE_SCHEMAS=1 cargo nextest run -p makegood-tests schemas`"
        );
    }
    let published: BTreeSet<String> = files(&folder).into_keys().collect();
    let wanted: BTreeSet<String> = schemas()
        .iter()
        .map(|(topic, _)| format!("{topic}.schema.json"))
        .collect();
    assert_eq!(published, wanted);
}

#[test]
fn what_is_sent_is_what_the_schema_says_and_comes_back_the_same() {
    for event_type in EventType::ALL {
        let sample = sample(&format!("{}.json", event_type.topic()));
        assert_eq!(
            violations(event_type, &sample),
            Vec::<String>::new(),
            "{event_type:?} sample"
        );
        let event = parse(&sample);
        let sent = to_json(&event);
        assert_eq!(
            violations(event_type, &sent),
            Vec::<String>::new(),
            "{event_type:?} as sent"
        );
        assert_eq!(parse(&sent), event, "{event_type:?} comes back the same");
        let properties = &schemas()
            .into_iter()
            .find(|(topic, _)| *topic == event_type.topic())
            .expect("it")
            .1["properties"];
        for name in sent.as_object().expect("an object").keys() {
            assert!(
                properties.get(name).is_some(),
                "{event_type:?}: {name} is sent, and the schema is silent about it"
            );
        }
    }
}

#[test]
fn schema_and_reader_refuse_the_same() {
    for event_type in EventType::ALL {
        let good = sample(&format!("{}.json", event_type.topic()));
        for name in good.as_object().expect("an object").keys() {
            // `sessionCount` of SESSIONS_GENERATED is counted from the ids by the reader, which trusts them more.
            if name == "sessionCount" && event_type == EventType::SessionsGenerated {
                continue;
            }
            let mut without = good.clone();
            without.as_object_mut().expect("an object").remove(name);
            let mut wrong = good.clone();
            wrong[name] = json!([[]]);
            for (changed, how) in [(without, "without"), (wrong, "with a wrong")] {
                let refused = Event::parse(&changed.to_string()).is_err();
                let envelope_or_lenient = ["timestamp", "userId", "role", "_metadata"]
                    .contains(&name.as_str())
                    && !matches!(event_type, EventType::OrderConfirmed | EventType::OrderRefunded);
                if envelope_or_lenient || ["timestamp", "_metadata"].contains(&name.as_str()) {
                    assert!(!refused, "{event_type:?} {how} {name} is read all the same");
                    continue;
                }
                let violated = !violations(event_type, &changed).is_empty();
                assert_eq!(violated, refused, "{event_type:?} {how} {name}");
            }
        }
    }
}

#[test]
fn readers_bear_what_older_producers_send() {
    let plain = sample("purchase-confirmed.json");
    // Unknown fields, at the top and below.
    let mut unknown = plain.clone();
    unknown["discountCode"] = json!("NEWYEAR");
    unknown["_metadata"]["traceId"] = json!(7);
    assert_eq!(parse(&unknown), parse(&plain));
    // Metadata as a JSON string.
    let mut text = plain.clone();
    text["metadata"] = json!(plain["metadata"].to_string());
    assert_eq!(parse(&text), parse(&plain));
    assert_eq!(
        violations(EventType::PurchaseConfirmed, &text),
        Vec::<String>::new()
    );
}

#[test]
fn a_missing_envelope_is_derived_from_the_business_key() {
    for event_type in EventType::ALL {
        let mut sample = sample(&format!("{}.json", event_type.topic()));
        let written = sample["_metadata"].clone();
        sample.as_object_mut().expect("an object").remove("_metadata");
        let event = parse(&sample);
        let first = &event.envelope().event_id;
        // What was generated is named by its first and last day, what was moved by no part of it.
        if !matches!(
            event_type,
            EventType::SessionsGenerated | EventType::SessionsRescheduled
        ) {
            assert_eq!(json!(first), written["eventId"], "{event_type:?}");
        }
        assert_eq!(first, &parse(&sample).envelope().event_id, "the same every time");
        assert!(!event.envelope().correlation_id.is_empty(), "{event_type:?}");
    }
}

#[test]
fn a_wrong_type_is_named() {
    let mut event = sample("purchase-confirmed.json");
    for (name, value) in [
        ("amountCents", json!("499900")),
        ("amountCents", json!(4999.5)),
        ("studentId", json!(7)),
        ("courseId", json!("maths")),
        ("paymentId", Value::Null),
        ("metadata", json!(["purchaseTier"])),
    ] {
        let kept = event[name].take();
        event[name] = value;
        let refusal = Event::parse(&event.to_string()).expect_err(name).to_string();
        assert!(refusal.contains(&format!("`{name}`")), "{refusal}");
        event[name] = kept;
    }
    event["type"] = json!("PURCHASE_UNCONFIRMED");
    let refusal = Event::parse(&event.to_string()).expect_err("an unknown type");
    assert!(
        matches!(&refusal, EventError::UnexpectedType { found, .. } if found == "PURCHASE_UNCONFIRMED"),
        "{refusal}"
    );
}

#[test]
fn a_correlation_id_that_is_no_uuid_becomes_one_for_the_column_and_stays_itself_on_the_wire() {
    let mut event = sample("purchase-confirmed.json");
    event["_metadata"]["correlationId"] = json!("order-17");
    let read = parse(&event);
    assert_eq!(
        read.envelope().correlation(),
        parse(&event).envelope().correlation()
    );
    assert_eq!(read.envelope().correlation().0.get_version_num(), 5);
    assert_eq!(to_json(&read)["_metadata"]["correlationId"], json!("order-17"));
}
