//! What an edit changes. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Fields of an event's own level that say neither who gets something, nor what, nor how much.
const NEUTRAL: [&str; 3] = ["timestamp", "role", "traceparent"];
/// How a change of the body as a whole is called: the body before it can't be read, or is no object.
pub const WHOLE_BODY: &str = "the whole body";

/// A field that an edit changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its path, such as `metadata.courseId`, or [`WHOLE_BODY`].
    pub field: String,
    /// What it was; none when it was not there, or can't be read.
    pub from: Option<Value>,
    /// What it is to be; none when it is taken away.
    pub to: Option<Value>,
}

/// The fields by which `after` differs in who, what or how much: every field but those that say none of it. A value spelled in another
/// way (`30`, `30.0` and `"30"`; a UUID in capitals; a field that is null, or not there) is the same value. Without a
/// readable body before, everything is new. Empty when nothing of that is changed.
#[must_use]
pub fn changes(before: Option<&str>, after: &str) -> Vec<Change> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (Some(Value::Object(before)), Some(Value::Object(after))) = (before.and_then(read), read(after))
    else {
        return vec![Change {
            field: WHOLE_BODY.to_owned(),
            from: None,
            to: None,
        }];
    };
    let (before, after) = (leaves(before), leaves(after));
    let fields = before
        .keys()
        .chain(after.keys().filter(|field| !before.contains_key(*field)));
    let mut changes: Vec<Change> = fields
        .filter(|field| before.get(*field).map(spelled) != after.get(*field).map(spelled))
        .map(|field| Change {
            field: field.clone(),
            from: before.get(field).cloned(),
            to: after.get(field).cloned(),
        })
        .collect();
    changes.sort_by(|one, other| one.field.cmp(&other.field));
    changes
}

fn leaves(object: serde_json::Map<String, Value>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (field, value) in object {
        if !NEUTRAL.contains(&field.as_str()) {
            collect(field, value, &mut found);
        }
    }
    found
}

/// An empty list or object is a leaf; null is nothing.
fn collect(path: String, value: Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(fields) if !fields.is_empty() => {
            for (field, value) in fields {
                collect(format!("{path}.{field}"), value, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.into_iter().enumerate() {
                collect(format!("{path}[{index}]"), item, found);
            }
        }
        leaf => {
            found.insert(path, leaf);
        }
    }
}

/// The value in one spelling.
fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) => match (Uuid::parse_str(text), text.parse::<Number>()) {
            (Ok(id), _) => id.to_string(),
            (Err(_), Ok(number)) => spelled_number(&number),
            (Err(_), Err(_)) => text.clone(),
        },
        Value::Number(number) => spelled_number(number),
        other => other.to_string(),
    }
}

/// A whole number without its decimals, by its digits and not by a float: two amounts that a float can't tell apart are two.
fn spelled_number(number: &Number) -> String {
    let text = number.to_string();
    match text.split_once('.') {
        Some((whole, decimals)) if decimals.chars().all(|digit| digit == '0') => whole.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(before: &Value, after: &Value) -> Vec<String> {
        let found = changes(Some(&before.to_string()), &after.to_string());
        found.into_iter().map(|change| change.field).collect()
    }

    fn event() -> Value {
        json!({"type": "PURCHASE_CONFIRMED", "timestamp": 1, "role": "student", "studentId": "6F1C2A6E-0000-4000-8000-000000000001",
               "amountCents": 499_900, "purchaseTier": 30, "metadata": {"courseId": "c", "sessions": [1, 2], "note": null}})
    }

    #[test]
    fn every_field_that_says_who_what_or_how_much_is_a_change_by_its_path() {
        for (path, value, name) in [
            ("/type", json!("ORDER_CREATED"), "type"),
            (
                "/studentId",
                json!("6f1c2a6e-0000-4000-8000-000000000002"),
                "studentId",
            ),
            ("/amountCents", json!(499_901), "amountCents"),
            ("/metadata/courseId", json!("d"), "metadata.courseId"),
            ("/metadata/sessions/1", json!(3), "metadata.sessions[1]"),
            ("/metadata/note", json!("new"), "metadata.note"),
            ("/metadata", json!({}), "metadata"),
        ] {
            let mut after = event();
            *after.pointer_mut(path).unwrap() = value;
            assert!(fields(&event(), &after).contains(&name.to_owned()), "{path}");
        }
        let mut without = event();
        without.as_object_mut().unwrap().remove("studentId");
        assert_eq!(fields(&event(), &without), ["studentId"]);
        assert_eq!(fields(&without, &event()), ["studentId"]);
    }

    #[test]
    fn another_spelling_and_another_time_are_no_change() {
        let mut after = event();
        after["studentId"] = json!("6f1c2a6e000040008000000000000001");
        after["amountCents"] = json!("499900");
        after["purchaseTier"] = json!(30.0);
        after["timestamp"] = json!("2026-01-01T00:00:00Z");
        after["role"] = json!("parent");
        after["metadata"].as_object_mut().unwrap().remove("note");
        assert_eq!(fields(&event(), &after), Vec::<String>::new());
    }

    #[test]
    fn amounts_that_a_float_cannot_tell_apart_are_two() {
        let before = json!({"amountCents": 9_007_199_254_740_992_u64});
        let after = json!({"amountCents": 9_007_199_254_740_993_u64});
        assert_eq!(fields(&before, &after), ["amountCents"]);
    }

    #[test]
    fn a_body_that_cannot_be_compared_is_a_change_as_a_whole() {
        for before in [None, Some("{"), Some("[]"), Some("\"text\"")] {
            assert_eq!(changes(before, "{}")[0].field, WHOLE_BODY, "{before:?}");
        }
        assert_eq!(changes(Some("{}"), "[]")[0].field, WHOLE_BODY);
    }
}
