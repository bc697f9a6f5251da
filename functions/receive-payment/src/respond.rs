//! The answers, as an HTTP API takes them. An error says what to do, and in which field.

use crate::payment::Refusal;
use crate::record::{Receipt, Status};
use crate::request::LONGEST_BODY;
use crate::signature::Forged;
use serde_json::{Value, json};

/// An answer on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    body: Value,
    allow: Option<&'static str>,
}

impl Answer {
    /// 200 with what became of the payment: `{paymentId, status, duplicate}`, and `case` when a person decides.
    #[must_use]
    pub fn receipt(receipt: &Receipt) -> Self {
        let mut body = json!({"paymentId": receipt.payment_id, "duplicate": receipt.duplicate});
        body["status"] = match receipt.status {
            Status::Recorded => json!("recorded"),
            Status::Refunded => json!("refunded"),
            Status::Held(kind) => {
                body["case"] = json!(kind.wire_name());
                json!("held")
            }
        };
        Self::of(200, body)
    }

    /// 200 for an event that is none of ours, so that it is not sent again.
    #[must_use]
    pub fn ignored(event: &str) -> Self {
        Self::of(200, json!({"status": "ignored", "event": event}))
    }

    /// 401: nothing was read, nothing is stored.
    #[must_use]
    pub fn forged(forged: Forged) -> Self {
        Self::error(401, forged.code(), None, &forged.to_string())
    }

    /// 400 naming the field.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        Self::error(400, refusal.code(), refusal.field(), &refusal.to_string())
    }

    /// 400: the transport encoding is broken, so the signed bytes can't be told.
    #[must_use]
    pub fn undecodable() -> Self {
        Self::error(
            400,
            "unreadable_body",
            None,
            "the body is marked as base64 and is none",
        )
    }

    /// 404 for any path that is not served.
    #[must_use]
    pub fn not_found() -> Self {
        Self::error(
            404,
            "not_found",
            None,
            "there is nothing here; see POST /payments/webhooks/razorpay and POST /payments/confirmations",
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

    /// 413 for a body that no payment has.
    #[must_use]
    pub fn too_large() -> Self {
        Self::error(
            413,
            "body_too_large",
            None,
            &format!("the body may have {LONGEST_BODY} bytes"),
        )
    }

    /// 503: send it again; nothing was stored, or it was and the repeat will say so.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::error(
            503,
            "unavailable",
            None,
            "the payment can't be recorded now; send it again",
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
