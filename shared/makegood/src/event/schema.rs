//! The JSON Schemas that `events/schema/` publishes: what is sent; of business fields they refuse what the readers refuse.

use super::EventType;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};

/// The schema of one event, whole in one document, beside its topic.
pub(super) fn document<T: JsonSchema>(event_type: EventType) -> (&'static str, Value) {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    require_what_readers_require(&mut schema);
    describe_what_all_events_carry(&mut schema, event_type);
    (event_type.topic(), schema.to_value())
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
    const USER: &str = "The same as `studentId`; kept for older consumers.";
    const ROLE: &str = "Always `student`; kept for older consumers.";
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    properties.insert("type".to_owned(), json!({"const": event_type.wire_name()}));
    properties.insert(
        "timestamp".to_owned(),
        json!({"type": ["integer", "null"], "description": TIMESTAMP}),
    );
    if properties.contains_key("studentId") {
        properties.insert(
            "userId".to_owned(),
            json!({"type": "string", "format": "uuid", "description": USER}),
        );
        properties.insert("role".to_owned(), json!({"type": "string", "description": ROLE}));
    }
}

/// The metadata: an object, a JSON string that holds one, or nothing.
pub(super) fn metadata(schema: &mut Schema) {
    let tier = json!({
        "anyOf": [{"type": ["integer", "null"], "minimum": 1, "maximum": 500}, {"type": "string", "pattern": "^\\s*([1-9]|[1-9][0-9]|[1-4][0-9][0-9]|500)?\\s*$"}],
        "description": "The number of sessions bought; 30 unless said.",
    });
    let object = json!({
        "type": "object",
        "properties": {
            "purchaseTier": tier,
            "sessionCount": {"description": "Read in place of `purchaseTier` where that is missing."},
            "timeSlot": {"description": "The chosen time of day, such as `4:00 PM`."},
            "schedule": {"description": "`startDate`: the first day on which a session may be, `YYYY-MM-DD`."},
            "expiryDate": {"type": ["string", "null"], "description": "An ISO 8601 instant or day; null: never."},
        },
    });
    let text = json!({"type": "string", "contentMediaType": "application/json"});
    *schema = json_schema!({"anyOf": [object, text, {"type": "null"}]});
}
