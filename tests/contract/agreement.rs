//! Schema and reader agree: documents made from each schema, with its bounds, as they are and with a few values changed, are taken
//! by both or refused by both.

use crate::events::{sample, validator};
use makegood::event::{Event, EventType, schemas};
use proptest::strategy::{Strategy, ValueTree};
use proptest::string::{RegexGeneratorStrategy, string_regex};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// How many documents of each event.
const DOCUMENTS: usize = 3_000;
/// What no reader looks at, or replaces: the schema says what is sent, and asks for it. Which spellings of `expiryDate` are read
/// is tried where they are read.
const LEFT_ALONE: [&str; 5] = ["type", "timestamp", "role", "_metadata", "expiryDate"];

/// Makes documents of a schema, the same ones for the same seed.
struct Maker {
    random: StdRng,
    texts: TestRunner,
    /// By pattern: to build one takes longer than to make a text.
    patterns: HashMap<String, RegexGeneratorStrategy<String>>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self {
            random: StdRng::seed_from_u64(seed),
            texts: TestRunner::new_with_rng(Config::default(), rng),
            patterns: HashMap::new(),
        }
    }

    fn of(&mut self, schema: &Value) -> Value {
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        for (name, is_enum) in [("enum", true), ("anyOf", false)] {
            if let Some(choices) = schema.get(name).and_then(Value::as_array) {
                let choice = choices.choose(&mut self.random).expect("a choice");
                return if is_enum {
                    self.spelled(choice.clone())
                } else {
                    self.of(choice)
                };
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.choose(&mut self.random).expect("a type").clone(),
            kind => kind.clone(),
        };
        match kind.as_str().unwrap_or_else(|| panic!("no type: {schema}")) {
            "object" => self.object(schema),
            "array" => {
                let length = self.random.random_range(0..4);
                let items = schema.get("items").cloned().unwrap_or(json!({"type": "null"}));
                (0..length).map(|_| self.of(&items)).collect()
            }
            "string" => json!(self.text(schema)),
            "integer" => self.integer(schema),
            "number" => {
                let number = json!(self.random.random_range(-8..8));
                self.spelled(number)
            }
            "boolean" => json!(self.random.random::<bool>()),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let nothing = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&nothing);
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut object = Map::new();
        for (name, property) in properties {
            if required.contains(&json!(name)) || self.random.random_ratio(2, 3) {
                object.insert(name.clone(), self.of(property));
            }
        }
        if self.random.random_ratio(1, 4) {
            object.insert("unknown".to_owned(), json!({"kept": [1, "two", null]}));
        }
        Value::Object(object)
    }

    fn text(&mut self, schema: &Value) -> String {
        if schema["contentMediaType"] == "application/json" && self.random.random_ratio(1, 2) {
            let texts = [
                "{}",
                "null",
                " ",
                "not json",
                "[1]",
                "{\"purchaseTier\":10.0,\"startDate\":\"2026-01-12\"}",
            ];
            return (*texts.choose(&mut self.random).expect("a text")).to_owned();
        }
        let pattern = match schema.get("pattern").and_then(Value::as_str) {
            Some(pattern) => pattern.trim_start_matches('^').trim_end_matches('$'),
            None if schema["format"] == "date" => "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
            None => "[a-zA-Z0-9 {}:,é\"\\\\-]{1,40}",
        };
        // Rust and ECMAScript agree on these blanks, and not on U+0085 and U+FEFF.
        let pattern = pattern.replace("\\s", "[ \\t\\r\\n\u{a0}]");
        let strategy = self.patterns.entry(pattern).or_insert_with_key(|pattern| {
            string_regex(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"))
        });
        strategy.new_tree(&mut self.texts).expect("a text").current()
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let bound =
            |name: &str, otherwise: i64| schema.get(name).and_then(Value::as_i64).unwrap_or(otherwise);
        let (least, most) = (bound("minimum", -1_000), bound("maximum", 1_000_000));
        let number = match self.random.random_range(0..4) {
            0 => least,
            1 => most,
            _ => self.random.random_range(least..=most),
        };
        self.spelled(json!(number))
    }

    /// A whole number is one too when it is written with a point or an exponent.
    fn spelled(&mut self, value: Value) -> Value {
        let end = ["", ".0", "e0"].choose(&mut self.random).expect("an end");
        match &value {
            Value::Number(_) => serde_json::from_str(&format!("{value}{end}")).expect("a number"),
            _ => value,
        }
    }

    /// Removes or replaces one value of the document, mostly of a known name.
    fn change(&mut self, document: &mut Value, left_alone: &[&str], others: &[Value]) {
        let mut at = document;
        loop {
            let object = at.as_object_mut().expect("an object");
            let open: Vec<String> = object
                .keys()
                .filter(|name| !left_alone.contains(&name.as_str()))
                .cloned()
                .collect();
            let Some(name) = open.choose(&mut self.random) else {
                return;
            };
            if object[name].is_object() && self.random.random_ratio(3, 4) {
                at = object.get_mut(name).expect("the object");
                continue;
            }
            if self.random.random_ratio(1, 6) {
                object.remove(name);
            } else {
                object.insert(
                    name.clone(),
                    others.choose(&mut self.random).expect("a value").clone(),
                );
            }
            return;
        }
    }
}

/// What is put in a value's place.
fn others() -> Vec<Value> {
    const ID: &str = "7B0C6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01";
    let numbers = "0 -1 1 10 20 30 30.0 3e1 30.5 31 15 2147483647 2147483648 9007199254740991 9007199254740991.0 \
                   9007199254740992 9007199254740992.0 9223372036854775807 9223372036854775808 1e300 -0.0 499900.0";
    let texts = [
        "",
        " ",
        "30",
        " 30 ",
        "+30",
        "030",
        "30.0",
        "3 0",
        "-30",
        "not json",
        "{\"purchaseTier\": 20}",
        ID,
        "2026-01-12",
        "2026-1-5",
        "2026-02-30",
        "+2026-01-12",
        " 2026-01-12",
        "12026-01-12",
        "INR",
    ]
    .map(|text| json!(text));
    let id = ID.to_lowercase();
    let ids = [
        format!("urn:uuid:{id}"),
        format!("{{{id}}}"),
        id.replace('-', ""),
        format!(" {id}"),
        format!("{{{}}}", id.replace('-', "")),
        format!("URN:UUID:{id}"),
        id.replace('a', "g"),
    ];
    let rest = [
        json!(null),
        json!(true),
        json!([]),
        json!([ID]),
        json!({}),
        json!([null]),
        json!({"startDate": 7}),
    ];
    numbers
        .split_whitespace()
        .map(|number| serde_json::from_str(number).expect("a number"))
        .chain(texts)
        .chain(ids.map(|id| json!(id)))
        .chain(rest)
        .collect()
}

/// What the consumer of this event says: none, or why it is parked.
fn refusal(document: &Value) -> Option<String> {
    match Event::parse(&document.to_string()) {
        Err(error) => Some(error.to_string()),
        // The tier is of the payment; what a purchase carries on was decided when it was made.
        Ok(Event::PurchaseConfirmed(event)) => event
            .metadata
            .purchase_tier()
            .err()
            .map(|error| error.to_string()),
        Ok(_) => None,
    }
}

fn left_alone(event_type: EventType) -> Vec<&'static str> {
    let copied: &[&str] = match event_type {
        EventType::OrderConfirmed => &[],
        // It is counted from the ids.
        EventType::SessionsGenerated => &["userId", "sessionCount"],
        _ => &["userId"],
    };
    [&LEFT_ALONE, copied].concat()
}

/// A text in place of the metadata may hold what no schema sees.
fn holds_metadata_as_text(document: &Value) -> bool {
    let text = document["metadata"].as_str().unwrap_or_default();
    serde_json::from_str::<Value>(text).is_ok_and(|inner| inner.is_object())
}

fn assert_agreement(event_type: EventType, seed: u64) {
    let (_, schema) = schemas()
        .into_iter()
        .find(|(topic, _)| *topic == event_type.topic())
        .expect("a schema");
    let (validator, others, mut maker) = (validator(event_type), others(), Maker::new(seed));
    let left_alone = left_alone(event_type);
    let (mut taken, mut refused) = (0, 0);
    for number in 0..DOCUMENTS {
        let mut document = maker.of(&schema);
        for _ in 0..number % 3 {
            maker.change(&mut document, &left_alone, &others);
        }
        if holds_metadata_as_text(&document) && refusal(&document).is_some() {
            continue;
        }
        let violation = validator
            .iter_errors(&document)
            .next()
            .map(|error| error.to_string());
        let refusal = refusal(&document);
        assert_eq!(
            violation.is_some(),
            refusal.is_some(),
            "seed {seed}: schema {violation:?}, reader {refusal:?}: {document}"
        );
        *if refusal.is_some() {
            &mut refused
        } else {
            &mut taken
        } += 1;
    }
    // Neither side of the comparison may run empty.
    assert!(
        taken > DOCUMENTS / 3 && refused > DOCUMENTS / 10,
        "{event_type:?}: {taken} taken, {refused} refused"
    );
}

#[test]
fn thousands_of_documents_are_taken_by_schema_and_reader_or_by_neither() {
    for (seed, event_type) in (1..).zip(EventType::ALL) {
        assert_agreement(event_type, seed);
    }
}

#[test]
fn what_producers_were_seen_to_write_is_read_and_valid() {
    let good = sample("purchase-confirmed.json");
    let validator = validator(EventType::PurchaseConfirmed);
    let changed = |path: &str, value: &str| {
        let mut document = good.clone();
        *document.pointer_mut(path).expect("a field") = serde_json::from_str(value).expect("JSON");
        document
    };
    for (path, value) in [
        // PHP and Python write whole numbers with a point.
        ("/amountCents", "499900.0"),
        ("/amountCents", "4.999e5"),
        ("/metadata/purchaseTier", "30.0"),
        ("/metadata/purchaseTier", "\"+30\""),
        ("/metadata/timeSlot", "16"),
        (
            "/metadata/schedule",
            "\"{\\\"startDate\\\": \\\"2026-01-12\\\"}\"",
        ),
        ("/metadata", "\"not json\""),
        ("/_metadata", "null"),
        ("/_metadata/eventId", "null"),
        ("/paymentId", "\"{7B0C6B0E-2F0B-4C5E-9F57-3A6F1D0C9A01}\""),
        ("/studentId", "\"5c0f3c3e6a1b4a559d390a1f6f0f2b11\""),
    ] {
        let document = changed(path, value);
        assert!(validator.is_valid(&document), "{path} {value} is valid");
        assert_eq!(refusal(&document), None, "{path} {value} is read");
    }
    for (path, value) in [
        ("/amountCents", "9223372036854775808"),
        ("/amountCents", "9007199254740992"),
        ("/amountCents", "\"499900\""),
        ("/amountCents", "4999.5"),
        ("/metadata", "[10]"),
    ] {
        let document = changed(path, value);
        assert!(!validator.is_valid(&document), "{path} {value} is not valid");
        assert!(refusal(&document).is_some(), "{path} {value} is refused");
    }
}
