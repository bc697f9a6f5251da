//! The answers. An error says what to do, and in which field.

use crate::payment::Refusal;
use crate::record::{Receipt, Status};
use crate::signature::Forged;
use makegood::http::Answer;
use serde_json::json;

/// 200 with what became of the payment: `{paymentId, status, duplicate}`, and `case` when a person decides.
pub(crate) fn receipt(receipt: &Receipt) -> Answer {
    let mut body = json!({"paymentId": receipt.payment_id, "duplicate": receipt.duplicate});
    body["status"] = match receipt.status {
        Status::Recorded => json!("recorded"),
        Status::Refunded => json!("refunded"),
        Status::Held(kind) => {
            body["case"] = json!(kind.wire_name());
            json!("held")
        }
    };
    Answer::of(200, body)
}

/// 200 for an event that is none of ours, so that it is not sent again.
pub(crate) fn ignored(event: &str) -> Answer {
    Answer::of(200, json!({"status": "ignored", "event": event}))
}

/// 401: nothing was read, nothing is stored.
pub(crate) fn forged(forged: Forged) -> Answer {
    Answer::error(401, forged.code(), None, &forged.to_string())
}

/// 400 naming the field.
pub(crate) fn refused(refusal: &Refusal) -> Answer {
    Answer::error(400, refusal.code(), refusal.field(), &refusal.to_string())
}
