//! The types in the published schemas, as validators and generators of other languages read them.

use makegood::event::schemas;
use serde_json::Value;

/// ajv's strict mode, which many services run, refuses a list of types, but for one type and null; generators make little of one.
#[test]
fn no_type_of_a_schema_is_a_list_of_two_kinds() {
    fn lists<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
        match schema {
            Value::Object(fields) => {
                found.extend(fields.get("type").filter(|kind| kind.is_array()));
                fields.values().for_each(|field| lists(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| lists(item, found)),
            _ => {}
        }
    }
    for (topic, schema) in schemas() {
        let mut found = Vec::new();
        lists(&schema, &mut found);
        for kinds in found {
            let kinds: Vec<_> = kinds
                .as_array()
                .expect("a list")
                .iter()
                .filter(|kind| *kind != "null")
                .collect();
            assert!(kinds.len() == 1, "{topic}: write {kinds:?} as an anyOf");
        }
    }
}
