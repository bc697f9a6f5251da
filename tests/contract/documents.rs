//! `docs/openapi.json` and `docs/asyncapi.json` say what the code says. `UPDATE_SCHEMAS=1` writes what is made of the types.

use crate::events::sample;
use makegood::event::{EventType, schemas};
use makegood_tests::openapi;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The file says this; with `UPDATE_SCHEMAS` it is made to.
fn assert_published(name: &str, document: &Value) {
    let path = root().join(name);
    let text = serde_json::to_string_pretty(document).expect("JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &text).expect("writable");
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "{name} is not what the types say; look at the change, then write it with \
         `UPDATE_SCHEMAS=1 cargo nextest run -p makegood-tests documents`"
    );
}

/// Who publishes an event, or reads it, seen from Makegood.
fn action(event_type: EventType) -> (&'static str, &'static str) {
    match event_type {
        EventType::PurchaseConfirmed => (
            "receive",
            "Starts the course pipeline. `receive-payment` publishes it too.",
        ),
        EventType::PurchaseCreated => ("send", "The purchase row exists; it needs a trainer."),
        EventType::TrainerAllocated => ("send", "The purchase has its trainer; it needs sessions."),
        EventType::SessionsGenerated => ("send", "The calendar holds new sessions."),
        EventType::OrderConfirmed => ("send", "A shop order exists, with its items."),
        EventType::PurchaseEnded => (
            "send",
            "A purchase has ended, with the reason; nothing more is planned for it.",
        ),
        EventType::SessionsRescheduled => (
            "send",
            "Sessions on the calendar have another day, time or trainer, or were cancelled.",
        ),
        EventType::OrderRefunded => (
            "send",
            "All of an order's money went back before it was shipped; the order is cancelled.",
        ),
    }
}

fn asyncapi() -> Value {
    const DESCRIPTION: &str = "For engineers who send or read events: docs/integrate.md says what to do with them. \
                               An event is the body of an SQS message or the value of a Kafka record. \
                               Each comes at least once, in any order; `_metadata.eventId` is its key of idempotency. \
                               Made of the Rust types.";
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for (event_type, (topic, schema)) in EventType::ALL.into_iter().zip(schemas()) {
        let (action, summary) = action(event_type);
        let name = schema["title"].as_str().expect("a title").to_owned();
        let message = json!({"$ref": format!("#/components/messages/{name}")});
        channels.insert(
            topic.to_owned(),
            json!({"address": topic, "messages": {&name: message}}),
        );
        let operation = json!({
            "action": action, "summary": summary, "channel": {"$ref": format!("#/channels/{topic}")},
            "messages": [{"$ref": format!("#/channels/{topic}/messages/{name}")}],
        });
        operations.insert(format!("{action}{name}"), operation);
        let payload = without_dialect(schema);
        let example = json!({"payload": sample(&format!("{topic}.json"))});
        let message = json!({
            "name": event_type.wire_name(), "title": name, "contentType": "application/json",
            "payload": payload, "examples": [example],
        });
        messages.insert(name, message);
    }
    json!({
        "asyncapi": "3.0.0", "id": "urn:makegood:events", "defaultContentType": "application/json",
        "info": {"title": "Makegood's events", "version": "1.0.0", "description": DESCRIPTION, "license": {"name": "Apache-2.0"}},
        "channels": channels, "operations": operations, "components": {"messages": messages},
    })
}

fn without_dialect(mut schema: Value) -> Value {
    schema.as_object_mut().expect("an object").remove("$schema");
    schema
}

#[test]
fn the_asyncapi_document_is_made_of_the_types_and_the_samples() {
    assert_published("docs/asyncapi.json", &asyncapi());
}

#[test]
fn the_metadata_of_a_confirmation_is_that_of_the_event() {
    let (_, schema) = schemas()
        .into_iter()
        .next()
        .expect("PURCHASE_CONFIRMED is the first");
    let mut document = openapi::document().clone();
    document["components"]["schemas"]["PaymentMetadata"] = schema["properties"]["metadata"].clone();
    assert_published("docs/openapi.json", &document);
}

#[test]
fn every_route_of_the_template_but_the_consoles_is_documented() {
    let template = fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    let routes = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("RouteKey: "));
    let deployed: BTreeSet<String> = routes
        .filter(|route| !route.contains("/admin"))
        .map(str::to_owned)
        .collect();
    let paths = openapi::document()["paths"].as_object().expect("paths");
    let documented = paths.iter().flat_map(|(path, operations)| {
        let methods = operations.as_object().expect("operations").keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    assert_eq!(documented.collect::<BTreeSet<_>>(), deployed);
}

#[test]
fn the_samples_over_http_are_documented_requests() {
    for name in [
        "receive-payment.confirmation.http.json",
        "receive-payment.razorpay.http.json",
        "create-order-intent.http.json",
        "verify-payment.esewa.http.json",
        "verify-payment.khalti.http.json",
    ] {
        let request = sample(name);
        let path = request["rawPath"].as_str().expect("a path");
        let operation = &openapi::document()["paths"][path]["post"];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{name}: {path}");
        let body: Value = serde_json::from_str(request["body"].as_str().expect("a body")).expect("JSON");
        // A sender may say more than we read; the document names what we do.
        let open: Vec<String> = openapi::violations(schema, &body)
            .into_iter()
            .filter(|violation| !violation.contains("Additional properties"))
            .collect();
        assert_eq!(open, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_answer_that_is_not_documented_is_found() {
    let request = json!({"rawPath": "/orders/status", "requestContext": {"http": {"method": "GET"}}});
    let answer =
        |status: u16, body: Value| json!({"statusCode": status, "headers": {}, "body": body.to_string()});
    let good = json!({"exists": false, "state": "failed", "retry_after_ms": 30_000});
    openapi::assert_documented(&request, &answer(200, good.clone()));
    let mut more = good.clone();
    more["secret"] = json!(1);
    let mut other = good.clone();
    other["state"] = json!("asleep");
    for (status, body) in [
        (200, more),
        (200, other),
        (418, good),
        (404, json!({"error": {"code": "gone", "message": ""}})),
    ] {
        let answer = answer(status, body);
        let found = std::panic::catch_unwind(|| openapi::assert_documented(&request, &answer));
        assert!(found.is_err(), "{answer}");
    }
}
