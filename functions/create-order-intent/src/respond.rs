//! The answers, as an HTTP API takes them. An error says what to do, and in which field.

use crate::cart::CartRefusal;
use crate::checkout::BadInput;
use crate::request::LONGEST_BODY;
use crate::stage::Outcome;
use crate::wish::Intent;
use chrono::SecondsFormat;
use makegood::stock::Shortage;
use serde_json::{Value, json};
use uuid::Uuid;

/// An answer on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    body: Value,
    allow: Option<&'static str>,
}

impl Answer {
    /// What became of a wish.
    #[must_use]
    pub fn outcome(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Opened(intent) => Self::of(200, opened(intent)),
            Outcome::Short(short) => Self::short(short),
            Outcome::Refused(refusal) => Self::refused(refusal),
            Outcome::KeyReused => Self::error(
                409,
                "idempotency_key_reused",
                Some("Idempotency-Key"),
                "this Idempotency-Key was used for another checkout; send a new one",
            ),
            Outcome::Ended(intent) => Self::error(
                409,
                "checkout_ended",
                Some("Idempotency-Key"),
                &format!(
                    "the checkout of this Idempotency-Key is {}; send a new key to check out again",
                    intent.status
                ),
            ),
            Outcome::GatewayFailed { .. } => Self::error(
                502,
                "gateway_failed",
                None,
                "the payment could not be opened, and nothing is reserved; try again, or pay another way",
            ),
        }
    }

    /// 400 naming the field.
    #[must_use]
    pub fn bad_input(bad: &BadInput) -> Self {
        Self::error(400, "invalid_request", bad.field(), &bad.to_string())
    }

    /// 400: the key is no key.
    #[must_use]
    pub fn bad_key() -> Self {
        let message = "Idempotency-Key must be 1 to 200 visible ASCII characters";
        Self::error(400, "invalid_request", Some("Idempotency-Key"), message)
    }

    /// 400: the transport encoding is broken.
    #[must_use]
    pub fn undecodable() -> Self {
        Self::error(
            400,
            "unreadable_body",
            None,
            "the body is marked as base64 and is none",
        )
    }

    /// 401: nobody knows who the buyer is.
    #[must_use]
    pub fn unknown_buyer() -> Self {
        Self::error(
            401,
            "unauthorized",
            None,
            "sign in; the token's subject must be a user's id",
        )
    }

    /// 404 for any path that is not served.
    #[must_use]
    pub fn not_found() -> Self {
        Self::error(
            404,
            "not_found",
            None,
            "there is nothing here; see POST /order-intents",
        )
    }

    /// 405 for another method than POST.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let answer = Self::error(405, "method_not_allowed", None, "send it with POST");
        Self {
            allow: Some("POST"),
            ..answer
        }
    }

    /// 413 for a body that no checkout has.
    #[must_use]
    pub fn too_large() -> Self {
        let message = format!("the body may have {LONGEST_BODY} bytes");
        Self::error(413, "body_too_large", None, &message)
    }

    /// 503: send it again, with the same key.
    #[must_use]
    pub fn unavailable() -> Self {
        let message = "the checkout can't be made now; send it again with the same Idempotency-Key";
        Self::error(503, "unavailable", None, message)
    }

    fn short(short: &[Shortage]) -> Self {
        let items = short.iter().map(|shortage| {
            json!({"variant_id": shortage.variant_id, "sku": shortage.sku, "wanted": shortage.wanted,
                   "available": shortage.available})
        });
        let message = "there is not enough in stock; nothing was reserved";
        Self::error(409, "insufficient_stock", None, message).with_items(items.collect())
    }

    fn refused(refusal: &CartRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            CartRefusal::Empty => Self::error(400, "cart_empty", Some("cart"), &message),
            CartRefusal::Amount => Self::error(400, "amount_not_payable", Some("cart"), &message),
            CartRefusal::NotForSale(gone) => {
                let items = gone.iter().map(gone_item).collect();
                Self::error(409, "not_for_sale", Some("cart"), &message).with_items(items)
            }
        }
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

    fn with_items(mut self, items: Vec<Value>) -> Self {
        self.body["error"]["items"] = json!(items);
        self
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

fn opened(intent: &Intent) -> Value {
    let mut body = json!({
        "success": true, "payment_intent_id": intent.id, "provider": intent.provider, "payment_url": intent.payment_url,
        "amount_cents": intent.amount_minor,
        "expires_at": intent.expires_at.map(|instant| instant.to_rfc3339_opts(SecondsFormat::Millis, true)),
    });
    if let Some(fields) = intent.form_fields.as_ref().filter(|fields| !fields.is_null()) {
        body["form_fields"] = fields.clone();
    }
    body
}

fn gone_item((variant_id, sku): &(Uuid, Option<String>)) -> Value {
    json!({"variant_id": variant_id, "sku": sku})
}
