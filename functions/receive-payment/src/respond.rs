//! The answers. An error says what to do, and in which field.

use crate::signature::Forged;
use makegood::case::CaseKind;
use makegood::http::Answer;
use makegood::payment::record::{Receipt, Status};
use makegood::payment::returned::{Noted, Returned};
use makegood::payment::webhook::Ignored;
use makegood::payment::{Refusal, StrandedPayment};
use serde_json::json;

/// 200 with what became of the payment: `{paymentId, status, duplicate}`, and `case` and `reason` when a person decides.
pub(crate) fn receipt(receipt: &Receipt) -> Answer {
    let mut body = json!({"paymentId": receipt.payment_id, "duplicate": receipt.duplicate});
    body["status"] = match receipt.status {
        Status::Recorded => json!("recorded"),
        Status::Refunded => json!("refunded"),
        Status::Held(hold) => {
            body["case"] = json!(hold.kind().wire_name());
            body["reason"] = json!(hold.reason());
            json!("held")
        }
    };
    Answer::of(200, body)
}

/// 200 with what is known of a refund or dispute: `{refundId | disputeId, paymentId, status, duplicate}`; `paymentId` is null while its
/// payment is not known here.
pub(crate) fn returned(returned: &Returned, noted: &Noted) -> Answer {
    let mut body = json!({"paymentId": noted.payment, "status": "recorded", "duplicate": noted.duplicate});
    let name = match returned {
        Returned::Refund(_) => "refundId",
        Returned::Dispute(_) => "disputeId",
    };
    body[name] = json!(returned.id());
    Answer::of(200, body)
}

/// 200 for an event that is none of ours, so that it is not sent again.
pub(crate) fn ignored(ignored: &Ignored) -> Answer {
    let mut body = json!({"status": "ignored", "event": ignored.event});
    if let Some(reason) = ignored.reason {
        body["reason"] = json!(reason);
    }
    Answer::of(200, body)
}

/// 200 for a payment of another site of the same merchant: nothing in it is ours.
pub(crate) fn not_ours(event: &str) -> Answer {
    let reason = "its notes name nothing of ours, and no payment was begun for it here";
    Answer::of(
        200,
        json!({"status": "ignored", "event": event, "reason": reason}),
    )
}

/// 200 for a payment that can't be made out and is filed as a case, so that the provider does not call the webhook broken.
pub(crate) fn filed(stranded: &StrandedPayment, refusal: &Refusal, duplicate: bool) -> Answer {
    let case = CaseKind::Unfulfillable.wire_name();
    Answer::of(
        200,
        json!({"paymentId": stranded.payment_id, "duplicate": duplicate, "status": "held", "case": case,
               "code": refusal.code(), "field": refusal.field(), "reason": refusal.to_string()}),
    )
}

/// 400 in place of 200 where the payment is held, for who is setting up the notes: it is filed all the same.
pub(crate) fn strictly(answer: Answer) -> Answer {
    let text = |field: &str| answer.body[field].as_str();
    if answer.status != 200 || text("status") != Some("held") {
        return answer;
    }
    let code = text("code").or_else(|| text("case")).unwrap_or_default();
    Answer::error(400, code, text("field"), text("reason").unwrap_or_default())
}

/// 401: nothing was read, nothing is stored.
pub(crate) fn forged(forged: Forged) -> Answer {
    Answer::error(401, forged.code(), None, &forged.to_string())
}

/// 400 naming the field.
pub(crate) fn refused(refusal: &Refusal) -> Answer {
    Answer::error(400, refusal.code(), refusal.field(), &refusal.to_string())
}
