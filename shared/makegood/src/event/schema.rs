//! The JSON Schemas that `events/schema/` publishes: what is sent; of business fields they refuse what the readers refuse, and
//! nothing else. Generators of code read them too (`make contracts`), so each field has a type, and each object a name.

use super::EventType;
use super::schema_metadata::{of_carried, of_payment};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Each spelling of a UUID that `Uuid::parse_str` reads; the first is the one that is sent.
const UUID: &str = "^(([Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\
                    \\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\}|[0-9a-fA-F]{32})$";

/// The schema of one event, whole in one document, beside its topic.
pub(super) fn document<T: JsonSchema>(event_type: EventType) -> (&'static str, Value) {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    require_what_readers_require(&mut schema);
    describe_what_all_events_carry(&mut schema, event_type);
    let mut schema = schema.to_value();
    shorten_descriptions(&mut schema);
    schema["title"] = json!(title(event_type.wire_name()));
    describe_envelope(&mut schema["properties"]["_metadata"], event_type);
    spell_uuids(&mut schema);
    (event_type.topic(), schema)
}

/// The first paragraph of each type's and field's documentation; the examples are for readers of Rust.
fn shorten_descriptions(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description")
                && let Some((first, _)) = text.split_once("\n\n")
            {
                *text = first.to_owned();
            }
            fields.values_mut().for_each(shorten_descriptions);
        }
        Value::Array(parts) => parts.iter_mut().for_each(shorten_descriptions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `PURCHASE_CONFIRMED` as generators name a class: `PurchaseConfirmed`.
fn title(wire_name: &str) -> String {
    let words = wire_name
        .split('_')
        .map(|word| word[..1].to_owned() + &word[1..].to_ascii_lowercase());
    words.collect()
}

/// `type` is required; what readers derive when it is missing is not.
fn require_what_readers_require(schema: &mut Schema) {
    const DERIVED: [&str; 2] = ["metadata", "_metadata"];
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !name.as_str().is_some_and(|name| DERIVED.contains(&name)));
        required.insert(0, json!("type"));
    }
}

/// Adds what goes over the wire beside the event's own fields.
fn describe_what_all_events_carry(schema: &mut Schema, event_type: EventType) {
    const TIMESTAMP: &str = "Milliseconds since the epoch at which the event was published.";
    const USER: &str = "The same as `studentId`; kept for older consumers, and not read.";
    const ROLE: &str = "Always `student`; kept for older consumers, and not read.";
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let name = event_type.wire_name();
    properties.insert("type".to_owned(), json!({"type": "string", "const": name}));
    properties.insert("timestamp".to_owned(), nullable("integer", TIMESTAMP));
    if properties.contains_key("studentId") {
        properties.insert("userId".to_owned(), nullable("string", USER));
        properties.insert("role".to_owned(), nullable("string", ROLE));
    }
}

fn nullable(kind: &str, description: &str) -> Value {
    json!({"type": [kind, "null"], "description": description})
}

/// The envelope may be null. In what others send us it may be empty too; in what we send, consumers rely on its fields.
fn describe_envelope(envelope: &mut Value, event_type: EventType) {
    envelope["title"] = json!("EventMetadata");
    envelope["type"] = json!(["object", "null"]);
    if event_type != EventType::PurchaseConfirmed {
        return;
    }
    let Some(fields) = envelope.as_object_mut() else {
        return;
    };
    fields.remove("required");
    let described = fields.get_mut("properties").and_then(Value::as_object_mut);
    for field in described.into_iter().flat_map(Map::values_mut) {
        if field["type"] == "string" {
            field["type"] = json!(["string", "null"]);
        }
    }
}

/// `format: uuid` allows one spelling; the readers take four.
fn spell_uuids(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("format").is_some_and(|format| format == "uuid") {
                fields.remove("format");
                fields.insert("pattern".to_owned(), json!(UUID));
            }
            fields.values_mut().for_each(spell_uuids);
        }
        Value::Array(items) => items.iter_mut().for_each(spell_uuids),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// The metadata of a payment.
pub(super) fn metadata(schema: &mut Schema) {
    *schema = of_payment();
}

/// The metadata that a purchase carries on, of which only what the buyer chose is read.
pub(super) fn carried_metadata(_: &mut SchemaGenerator) -> Schema {
    of_carried()
}
