//! The answers. The intent's id is in them, since the page goes on to ask `order-status` with it, which wants a login.

use crate::question::BadQuestion;
use makegood::gateway::{ForgedCallback, Provider};
use makegood::http::Answer;
use makegood::verification::{ASK_EVERY, Outcome, VerificationStatus};
use serde_json::{Value, json};

/// 200 with what became of the payment, 202 while that is not decided, 404 for one that we never opened.
pub(crate) fn outcome(outcome: &Outcome, provider: Provider) -> Answer {
    match outcome {
        Outcome::Unknown => Answer::error(404, "not_found", None, "there is no such payment"),
        Outcome::Final {
            payment_intent_id,
            status,
            already_verified,
        } => Answer::of(
            200,
            decided(payment_intent_id, provider, *status, *already_verified),
        ),
        // To the buyer it is over; that it is not final only matters to who pays all the same and asks again.
        Outcome::Lapsed { payment_intent_id } => {
            let status = VerificationStatus::Failed;
            Answer::of(200, decided(payment_intent_id, provider, status, false))
        }
        Outcome::Undecided {
            payment_intent_id, ..
        } => Answer::of(
            202,
            json!({
                "success": false, "status": "pending", "payment_intent_id": payment_intent_id, "provider": provider,
                "retry_after_ms": u64::try_from(ASK_EVERY.as_millis()).unwrap_or(u64::MAX),
            }),
        ),
    }
}

/// 400 naming the field; 401 for a callback that eSewa did not sign, as for an unsigned webhook: nothing is asked or
/// stored on its word.
pub(crate) fn refused(bad: &BadQuestion) -> Answer {
    let status = match bad {
        BadQuestion::Forged(
            ForgedCallback::NotSigned(_) | ForgedCallback::AnotherMerchant | ForgedCallback::Mismatch,
        ) => 401,
        BadQuestion::Forged(ForgedCallback::Unreadable(_) | ForgedCallback::Amount(_))
        | BadQuestion::Unreadable
        | BadQuestion::Field { .. } => 400,
    };
    let message = match bad {
        // Which of our settings would fix it is for the log, not for strangers.
        BadQuestion::Forged(_) if status == 401 => "`data` was not signed by eSewa for this shop".to_owned(),
        bad => bad.to_string(),
    };
    Answer::error(status, bad.code(), bad.field(), &message)
}

fn decided(
    payment_intent_id: &str,
    provider: Provider,
    status: VerificationStatus,
    already_verified: bool,
) -> Value {
    json!({
        "success": status == VerificationStatus::Success, "status": status.wire_name(),
        "payment_intent_id": payment_intent_id, "provider": provider, "already_verified": already_verified,
    })
}
