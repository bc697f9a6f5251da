//! The schema of `metadata`, which is written by forms and payment pages: a known name has each type that is taken.

use crate::chosen;
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

const NOT_JSON: &str =
    "The JSON of such an object. Another text is kept under `unreadText`, and says nothing.";

/// Of a payment: an object, a text that should hold one, or nothing.
pub(super) fn of_payment() -> Schema {
    let mut properties = choices();
    properties["purchaseTier"] = tier("The number of sessions bought; 30 unless said.");
    properties["sessionCount"] = anything("Read in place of `purchaseTier` where that is missing.");
    properties["expiryDate"] = json!({
        "anyOf": [
            {"type": "string", "pattern": chosen::end_pattern()},
            {"type": "integer", "minimum": 1_000_000_000_i64, "maximum": 99_999_999_999_999_i64},
            {"type": "null"},
        ],
        "description": "When the purchase ends: an ISO 8601 day or instant, or seconds or milliseconds since 1970; null or empty: never.",
    });
    let mut object = object("PurchaseMetadata", properties);
    // Code generators leave these three out; validators don't.
    let absent = json!({"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^\\s*$"}]});
    object["if"] = json!({"required": ["purchaseTier"], "properties": {"purchaseTier": {"not": absent}}});
    object["else"] = json!({"properties": {"sessionCount": tier("As `purchaseTier`.")}});
    any_of(object)
}

/// Of a purchase: the same names, but its tier and its end were decided when it was made.
pub(super) fn of_carried() -> Schema {
    const AS_SAID: &str = "As the payment said it; the purchase itself counts.";
    let mut properties = choices();
    for name in ["purchaseTier", "sessionCount", "expiryDate"] {
        properties[name] = anything(AS_SAID);
    }
    any_of(object("CarriedMetadata", properties))
}

fn any_of(object: Value) -> Schema {
    let text = json!({"type": "string", "contentMediaType": "application/json", "description": NOT_JSON});
    json_schema!({"anyOf": [object, text, {"type": "null"}]})
}

fn object(title: &str, properties: Value) -> Value {
    json!({"title": title, "type": "object", "properties": properties, "additionalProperties": true})
}

/// What a buyer chose. A choice that is not understood is none, so nothing is refused.
fn choices() -> Value {
    const START: &str = "The first day on which a session may be, `YYYY-MM-DD`.";
    let mut schedule = anything("What was chosen of the calendar.");
    schedule["anyOf"][0] = json!({
        "title": "Schedule", "type": "object", "properties": {"startDate": anything(START)}, "additionalProperties": true,
    });
    json!({
        "timeSlot": anything("The chosen time of day, a text such as `4:00 PM`."),
        "schedule": schedule,
        "startDate": anything("Read in place of `schedule.startDate` where that is missing."),
    })
}

fn tier(description: &str) -> Value {
    json!({
        "anyOf": [
            {"type": ["integer", "null"], "minimum": 1, "maximum": 500},
            {"type": "string", "pattern": "^\\s*(\\+?0*([1-9]|[1-9][0-9]|[1-4][0-9][0-9]|500))?\\s*$"},
        ],
        "description": description,
    })
}

/// Any value, spelled out: a schema without a type is an object to some generators.
fn anything(description: &str) -> Value {
    let types = ["object", "string", "number", "boolean", "array", "null"];
    let types: Vec<Value> = types.iter().map(|kind| json!({"type": kind})).collect();
    json!({"anyOf": types, "description": description})
}
