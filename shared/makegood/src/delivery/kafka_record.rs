//! An MSK event, read loosely. Only topic, partition, offset, key and value are read; a timestamp that is absent or out of
//! range, headers of any shape and whatever else a record holds can't fail it, and one record can't fail another.

use super::{Delivery, Origin};
use crate::ids::derived_uuid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// How many hexadecimal digits of a record's hash go into its message id: 64 bits.
const FINGERPRINT_DIGITS: usize = 16;

/// A record with the place where it is sorted in.
type Placed = ((String, Option<i64>, i64), Delivery);

/// The deliveries of an MSK event's `records`, in partition and offset order, so that a later record of a key never
/// overtakes an earlier one. A record without an offset stays behind the one that it came after.
pub(super) fn deliveries(groups: Map<String, Value>) -> Vec<Delivery> {
    let mut placed: Vec<Placed> = Vec::new();
    for (name, group) in groups {
        let named = Named::of_group(&name);
        let mut place = 0;
        for record in records(group) {
            let delivery = delivery(record, &named);
            if let Origin::Kafka {
                topic,
                partition,
                offset,
                ..
            } = &delivery.origin
            {
                place = offset.unwrap_or(place);
                placed.push(((topic.clone(), *partition, place), delivery));
            }
        }
    }
    placed.sort_by(|left, right| left.0.cmp(&right.0));
    placed.into_iter().map(|(_, delivery)| delivery).collect()
}

/// A group that is no list is one record that can't be read; an empty one has none.
fn records(group: Value) -> Vec<Value> {
    match group {
        Value::Array(records) => records,
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

/// What the name of a group, `topic-partition`, says of its records.
struct Named<'a> {
    topic: &'a str,
    partition: Option<i64>,
}

impl<'a> Named<'a> {
    fn of_group(name: &'a str) -> Self {
        let split = name
            .rsplit_once('-')
            .and_then(|(topic, partition)| Some((topic, partition.parse::<u32>().ok()?)));
        match split {
            Some((topic, partition)) => Self {
                topic,
                partition: Some(partition.into()),
            },
            None => Self {
                topic: name,
                partition: None,
            },
        }
    }
}

fn delivery(mut record: Value, named: &Named<'_>) -> Delivery {
    let topic = record.get("topic").and_then(Value::as_str);
    let topic = topic.filter(|topic| !topic.is_empty()).unwrap_or(named.topic);
    let number = |name: &str| {
        record
            .get(name)
            .and_then(Value::as_i64)
            .filter(|number| *number >= 0)
    };
    let origin = Origin::Kafka {
        topic: topic.to_owned(),
        partition: number("partition").or(named.partition),
        offset: number("offset"),
        fingerprint: fingerprint(&record),
    };
    let (payload, defect) = payload(&mut record);
    Delivery {
        payload,
        defect,
        attempt: 1,
        origin,
        // Dead letters of a topic are not sent back to it: every consumer group would get them (docs/decisions/0012).
        replay: None,
    }
}

/// The body, or the record as it came with what is wrong with it.
fn payload(record: &mut Value) -> (Option<String>, Option<String>) {
    let whole = |record: &Value, defect: &str| (Some(record.to_string()), Some(defect.to_owned()));
    let Some(fields) = record.as_object() else {
        return whole(record, "the Kafka record is no JSON object");
    };
    if !["key", "value", "offset"]
        .iter()
        .any(|name| fields.contains_key(*name))
    {
        return whole(record, "the Kafka record has neither key nor value nor offset");
    }
    match record.get_mut("value").map(Value::take) {
        None | Some(Value::Null) => (None, None),
        Some(Value::String(value)) => decoded(value),
        Some(other) => {
            record["value"] = other;
            whole(record, "the Kafka record's value is no base64 text")
        }
    }
}

/// A value that is no base64 is kept as it came, to be refused and parked by its reader. One that is no UTF-8 is read all the
/// same where only single characters of a JSON text are broken; else it is kept in base64, so that it is kept whole.
fn decoded(value: String) -> (Option<String>, Option<String>) {
    let Ok(bytes) = STANDARD.decode(&value) else {
        return (Some(value), None);
    };
    match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            if serde_json::from_str::<IgnoredAny>(&text).is_ok() {
                return (Some(text), None);
            }
            let defect = "the Kafka record's value is no UTF-8 text; it is kept in base64";
            (Some(value), Some(defect.to_owned()))
        }
    }
}

/// Of what the producer gave: key, value and time, whatever they are. The same on each delivery of a record, and another
/// one when a topic was created again and begins anew at offset zero. Of the whole record when it is no object.
fn fingerprint(record: &Value) -> String {
    let given = match record {
        Value::Object(fields) => json!([fields.get("key"), fields.get("value"), fields.get("timestamp")]),
        other => json!(other),
    };
    let mut digits = derived_uuid(&given.to_string()).simple().to_string();
    digits.truncate(FINGERPRINT_DIGITS);
    digits
}
