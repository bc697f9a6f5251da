//! The answers: the order, why there is none yet, or what is wrong with the question.

use crate::checkout::{OrderSeen, Seen};
use crate::decide::State;
use chrono::SecondsFormat;
use makegood::http::Answer;
use serde_json::{Value, json};

/// 200 with the order, or with why there is none yet.
pub(crate) fn seen(seen: &Seen) -> Answer {
    let body = match seen {
        Seen::Order(order) => order_body(order),
        Seen::NoOrder(state) => no_order_body(*state),
    };
    Answer::of(200, body)
}

/// 400 naming the parameter.
pub(crate) fn bad_parameter(name: &str, expected: &str) -> Answer {
    let message = format!("{name} must be {expected}");
    Answer::error(400, "invalid_request", Some(name), &message)
}

/// 404 for an intent that is not there or not the buyer's: the same, so that the answer does not say which.
pub(crate) fn no_such_intent() -> Answer {
    let field = Some("payment_intent_id");
    Answer::error(404, "not_found", field, "you have no such payment")
}

fn order_body(order: &OrderSeen) -> Value {
    json!({
        "exists": true, "order_id": order.id, "order_number": order.number, "status": order.status,
        "items_count": order.items_count,
        "created_at": order.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
    })
}

fn no_order_body(state: State) -> Value {
    json!({"exists": false, "state": state.wire_name(), "retry_after_ms": state.retry_after_millis()})
}
