//! The answers, as an HTTP API takes them.

use crate::decide::State;
use crate::look::{OrderSeen, Seen};
use chrono::SecondsFormat;
use serde_json::{Value, json};

/// An answer on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    body: Value,
    allow: Option<&'static str>,
}

impl Answer {
    /// 200 with the order, or with why there is none yet.
    #[must_use]
    pub fn seen(seen: &Seen) -> Self {
        Self::of(
            200,
            match seen {
                Seen::Order(order) => order_body(order),
                Seen::NoOrder(state) => no_order_body(*state),
            },
        )
    }

    /// 400 naming the parameter.
    #[must_use]
    pub fn bad_parameter(name: &str, expected: &str) -> Self {
        Self::error(
            400,
            "invalid_request",
            Some(name),
            &format!("{name} must be {expected}"),
        )
    }

    /// 401: nobody knows who asks.
    #[must_use]
    pub fn unknown_buyer() -> Self {
        Self::error(
            401,
            "unauthorized",
            None,
            "sign in; the token's subject must be a user's id",
        )
    }

    /// 404 for an intent that is not there or not the buyer's: the same, so that nobody learns which.
    #[must_use]
    pub fn no_such_intent() -> Self {
        Self::error(
            404,
            "not_found",
            Some("payment_intent_id"),
            "you have no such payment",
        )
    }

    /// 404 for any path that is not served.
    #[must_use]
    pub fn not_found() -> Self {
        let message = "there is nothing here; see GET /orders/status?payment_intent_id=";
        Self::error(404, "not_found", None, message)
    }

    /// 405 for another method than GET.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let answer = Self::error(405, "method_not_allowed", None, "ask with GET");
        Self {
            allow: Some("GET"),
            ..answer
        }
    }

    /// 503: ask again.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::error(
            503,
            "unavailable",
            None,
            "the status can't be read now; ask again",
        )
    }

    fn of(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            allow: None,
        }
    }

    fn error(status: u16, code: &str, field: Option<&str>, message: &str) -> Self {
        let mut error = json!({"code": code, "message": message});
        if let Some(field) = field {
            error["field"] = json!(field);
        }
        Self::of(status, json!({"error": error}))
    }

    /// As an HTTP API takes it (payload 2.0).
    #[must_use]
    pub fn to_http_api(&self) -> Value {
        let mut headers = json!({"content-type": "application/json", "cache-control": "no-store"});
        if let Some(allow) = self.allow {
            headers["allow"] = json!(allow);
        }
        json!({"statusCode": self.status, "headers": headers, "body": self.body.to_string(), "isBase64Encoded": false})
    }
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
