//! `expiryDate`: the schema's pattern and the reader take the same texts. Texts made from the pattern, the calendar's own days, and each of
//! them with one character changed.

use crate::events::{sample, validator};
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use makegood::event::{EventType, PurchaseConfirmed};
use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// What may stand after a day, and what nearly may.
const TIMES: [&str; 30] = [
    "",
    "T00:00:00Z",
    "t10:00:00z",
    " 10:00:00Z",
    "T23:59:59.999Z",
    "T23:59:60Z",
    "T10:00:60",
    "T10:00",
    " 10:00",
    "t10:00",
    "T10:00:00",
    "T10:00:00.5",
    "T10:00:00.",
    "T10:00:00.123456789123Z",
    "T10:00:00+05:30",
    "T10:00:00+0530",
    "T10:00:00-23:59",
    "T10:00:00+24:00",
    "T10:00:00+05",
    "T10:00:00 +05:30",
    "T10:00Z",
    "T10:00+05:30",
    "T24:00:00Z",
    "T10:60:00Z",
    "T9:00:00Z",
    "T10:0:00Z",
    "T10:00:0Z",
    "T",
    "Z",
    "  10:00:00",
];
const CHARACTERS: &str = "0159-+:.TtZz ,/";

/// Each text with one character taken out, put in or replaced.
fn nearby(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.chars().collect();
    (0..=characters.len()).flat_map(move |place| {
        let (before, after) = characters.split_at(place);
        let with = |middle: &str, after: &[char]| -> String {
            before
                .iter()
                .copied()
                .chain(middle.chars())
                .chain(after.iter().copied())
                .collect()
        };
        let rest = after.get(1..).unwrap_or_default();
        let put_in = CHARACTERS
            .chars()
            .map(|character| with(&character.to_string(), after));
        let replaced = CHARACTERS
            .chars()
            .map(|character| with(&character.to_string(), rest));
        put_in.chain(replaced).chain([with("", rest)]).collect::<Vec<_>>()
    })
}

struct Sides {
    validator: jsonschema::Validator,
    document: Value,
    taken: usize,
    refused: usize,
    /// A text, and whether schema and reader take it.
    differences: Vec<(String, bool, bool)>,
}

impl Sides {
    fn compare(&mut self, text: &str) {
        self.document["metadata"]["expiryDate"] = json!(text);
        let by_schema = self.validator.is_valid(&self.document);
        let event = PurchaseConfirmed::parse(&self.document.to_string()).expect("the rest is good");
        let by_reader = event.metadata.expiry(Tz::Asia__Kolkata).is_ok();
        if by_schema != by_reader {
            self.differences.push((text.to_owned(), by_schema, by_reader));
        }
        *if by_reader {
            &mut self.taken
        } else {
            &mut self.refused
        } += 1;
    }
}

/// The pattern of the field, wherever the schema has it.
fn pattern(schema: &Value) -> Option<&str> {
    match schema {
        Value::Object(fields) => match fields.get("expiryDate") {
            Some(field) => field["anyOf"][0]["pattern"].as_str(),
            None => fields.values().find_map(pattern),
        },
        Value::Array(items) => items.iter().find_map(pattern),
        _ => None,
    }
}

#[test]
fn each_spelling_of_an_end_is_taken_by_schema_and_reader_or_by_neither() {
    let mut sides = Sides {
        validator: validator(EventType::PurchaseConfirmed),
        document: sample("purchase-confirmed.json"),
        taken: 0,
        refused: 0,
        differences: Vec::new(),
    };
    // Each day of four years and of the turns of two centuries, and three that are none after each month.
    for (first, days) in [
        ("2023-12-30", 1_500),
        ("1899-12-30", 430),
        ("1999-12-30", 430),
        ("0000-01-01", 60),
    ] {
        let first: NaiveDate = first.parse().expect("a day");
        for day in (0..days).filter_map(|n| first.checked_add_days(Days::new(n))) {
            sides.compare(&day.to_string());
        }
    }
    for (year, month) in ["0000", "1900", "2000", "2023", "2024", "2100", "9996", "9999"]
        .into_iter()
        .flat_map(|year| (0..=13).map(move |month| (year, month)))
    {
        for day in [0, 28, 29, 30, 31, 32] {
            sides.compare(&format!("{year}-{month:02}-{day:02}"));
        }
    }
    // Each time of day and what is near it.
    for time in TIMES {
        let text = format!("2028-02-29{time}");
        sides.compare(&text);
        nearby(&text).for_each(|text| sides.compare(&text));
    }
    // Counts, and blanks.
    for text in [
        "1000000000",
        "999999999",
        "99999999999999",
        "100000000000000",
        "0999999999",
        " 1796990400 ",
        "",
        " ",
        "\t2026-12-31\n",
        "1e9",
    ] {
        sides.compare(text);
        nearby(text).for_each(|text| sides.compare(&text));
    }
    // What the pattern itself makes.
    let schema = makegood::event::schemas()
        .into_iter()
        .find(|(topic, _)| *topic == "purchase-confirmed")
        .expect("a schema")
        .1;
    let shape = pattern(&schema)
        .expect("a pattern")
        .trim_start_matches('^')
        .trim_end_matches('$')
        .replace("\\s", "[ \\t\\r\\n]");
    let (strategy, mut runner) = (
        string_regex(&shape).expect("a pattern"),
        TestRunner::deterministic(),
    );
    for _ in 0..2_000 {
        sides.compare(&strategy.new_tree(&mut runner).expect("a text").current());
    }
    assert_eq!(sides.differences, Vec::new());
    assert!(
        sides.taken > 4_000 && sides.refused > 10_000,
        "{} taken, {} refused",
        sides.taken,
        sides.refused
    );
}
