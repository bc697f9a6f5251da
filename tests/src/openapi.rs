//! `docs/openapi.json` as the tests of each function over HTTP use it: every real answer is one that is documented there.

use serde_json::{Value, json};
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/openapi.json")).expect("JSON"));

/// The document.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Panics unless the answer, as a function gives it to API Gateway, is documented for this request with its status and its body,
/// and nothing in it is left unsaid. What no operation takes may be answered 404 or 405.
pub fn assert_documented(request: &Value, answer: &Value) {
    let method = request["requestContext"]["http"]["method"]
        .as_str()
        .expect("a method")
        .to_lowercase();
    let path = request["rawPath"].as_str().expect("a path");
    let stage = request["requestContext"]["stage"].as_str().unwrap_or("$default");
    let path = path.strip_prefix(&format!("/{stage}")).unwrap_or(path);
    let status = answer["statusCode"].as_u64().expect("a status");
    let operation = &DOCUMENT["paths"][path][&method];
    if operation.is_null() {
        assert!(
            [404, 405].contains(&status),
            "{method} {path} is not documented, and answers {status}"
        );
        return;
    }
    let documented = &operation["responses"][status.to_string()];
    assert!(
        documented.is_object(),
        "{method} {path} answers {status}, which docs/openapi.json does not say"
    );
    let body = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    let violations = violations(&documented["content"]["application/json"]["schema"], &body);
    assert_eq!(
        violations,
        Vec::<String>::new(),
        "{method} {path} {status}: {body}"
    );
    if let Some(seconds) = answer["headers"].get("retry-after") {
        assert!(
            documented["headers"]["Retry-After"].is_object(),
            "{method} {path} {status} has Retry-After {seconds}"
        );
    }
}

/// In what the value is not what this schema of the document says; a field that is not named counts.
#[must_use]
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut whole = schema.clone();
    whole["components"] = DOCUMENT["components"].clone();
    close(&mut whole);
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&whole)
        .expect("a valid schema");
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Every object has the named fields and no other, unless it says so itself.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let is_open = fields.contains_key("additionalProperties") || !fields.contains_key("type");
            if fields.get("properties").is_some_and(Value::is_object) && !is_open {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}
