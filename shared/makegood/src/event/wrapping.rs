//! The envelopes in which SNS and EventBridge deliver a message to a queue, and what is inside.

use serde_json::{Map, Value};

/// An event may pass through both, one after the other.
const DEEPEST: usize = 3;

/// The event inside the envelopes of SNS (without raw message delivery) and EventBridge around it. An object stays as it is
/// unless it is surely such an envelope and what it holds is surely an event: one with a `type` of its own is never opened.
pub(super) fn unwrapped(mut object: Map<String, Value>) -> Map<String, Value> {
    for _ in 0..DEEPEST {
        match of_sns(&object).or_else(|| of_event_bridge(&object)) {
            Some(inner) => object = inner,
            None => break,
        }
    }
    object
}

/// The JSON of a body out of its envelopes, whatever it says; none when it is no object.
///
/// ```
/// use makegood::event::out_of_envelopes;
/// use serde_json::json;
///
/// let by_sns = json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:paid",
///                     "Message": "{\"type\": \"PURCHASE_ENDED\"}"});
/// assert_eq!(out_of_envelopes(&by_sns.to_string()), Some(json!({"type": "PURCHASE_ENDED"})));
/// assert_eq!(out_of_envelopes("{\"note\": \"none of ours\"}"), Some(json!({"note": "none of ours"})));
/// assert_eq!(out_of_envelopes("a text"), None);
/// ```
#[must_use]
pub fn out_of_envelopes(body: &str) -> Option<Value> {
    match serde_json::from_str(body) {
        Ok(Value::Object(object)) => Some(Value::Object(unwrapped(object))),
        _ => None,
    }
}

/// `Type` is `Notification`, a topic sent it, and the message is a JSON object in a text.
fn of_sns(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let is_envelope = !object.contains_key("type")
        && text("Type") == Some("Notification")
        && text("TopicArn").is_some_and(|arn| arn.starts_with("arn:"));
    let message = text("Message").filter(|_| is_envelope)?;
    serde_json::from_str(message).ok().filter(may_be_event)
}

/// A `detail-type`, a source, and a detail that is an object.
fn of_event_bridge(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let is_text = |name: &str| object.get(name).is_some_and(Value::is_string);
    let is_envelope = !object.contains_key("type") && is_text("detail-type") && is_text("source");
    let detail = object.get("detail").and_then(Value::as_object);
    detail
        .filter(|detail| is_envelope && may_be_event(detail))
        .cloned()
}

/// An event of ours, or the other envelope.
fn may_be_event(inner: &Map<String, Value>) -> bool {
    ["type", "Type", "detail-type"]
        .iter()
        .any(|name| inner.get(*name).is_some_and(Value::is_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventError};
    use serde_json::json;

    fn event() -> Value {
        let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
        json!({"type": "PURCHASE_CONFIRMED", "paymentId": id, "studentId": id, "courseId": id, "amountCents": 1,
               "_metadata": {"eventId": "e-1", "correlationId": id}})
    }

    fn by_sns(inner: &Value) -> Value {
        json!({"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
               "TopicArn": "arn:aws:sns:us-east-1:000000000000:purchase-confirmed", "Subject": "My subject",
               "Message": inner.to_string(), "Timestamp": "2026-11-02T00:54:06.655Z", "SignatureVersion": "1",
               "Signature": "EXAMPLEw6JRN", "SigningCertURL": "https://sns.example/cert.pem",
               "UnsubscribeURL": "https://sns.example/unsubscribe",
               "MessageAttributes": {"type": {"Type": "String", "Value": "PURCHASE_CONFIRMED"}}})
    }

    fn by_event_bridge(inner: &Value) -> Value {
        json!({"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "PURCHASE_CONFIRMED",
               "source": "payment-service", "account": "000000000000", "time": "2026-11-22T16:45:29Z",
               "region": "us-east-1", "resources": [], "detail": inner})
    }

    #[test]
    fn an_event_is_the_same_in_every_envelope() {
        let plain = Event::parse(&event().to_string()).unwrap();
        for wrapped in [
            by_sns(&event()),
            by_event_bridge(&event()),
            by_sns(&by_event_bridge(&event())),
            by_event_bridge(&by_sns(&event())),
        ] {
            assert_eq!(Event::parse(&wrapped.to_string()), Ok(plain.clone()), "{wrapped}");
        }
    }

    #[test]
    fn what_is_not_surely_an_envelope_around_an_event_stays_as_it_is() {
        let with = |mut whole: Value, field: &str, value: Value| {
            whole[field] = value;
            whole
        };
        let inside_a_list = json!([event()]);
        for whole in [
            with(by_sns(&event()), "Type", json!("SubscriptionConfirmation")),
            with(by_sns(&event()), "TopicArn", json!("a topic")),
            with(by_sns(&event()), "Message", event()),
            with(by_sns(&event()), "Message", json!("a text")),
            by_sns(&inside_a_list),
            by_sns(&json!({"paymentId": 1})),
            with(by_event_bridge(&event()), "source", json!(null)),
            with(by_event_bridge(&event()), "detail", json!(event().to_string())),
            by_event_bridge(&json!({"paymentId": 1})),
            (0..4).fold(event(), |inner, _| by_sns(&inner)),
        ] {
            let read = Event::parse(&whole.to_string());
            assert!(
                matches!(&read, Err(EventError::Missing { field, .. }) if field == "type"),
                "{whole}: {read:?}"
            );
        }
        // One that has a type of its own is read by it.
        for whole in [by_sns(&event()), by_event_bridge(&event())] {
            let read = Event::parse(&with(whole, "type", json!("COFFEE_BREWED")).to_string());
            assert!(matches!(read, Err(EventError::UnexpectedType { .. })), "{read:?}");
        }
    }
}
