//! What the status endpoint's answers mean. Pure: a reply in, an answer out.

use crate::gateway::amount::paisa_of_rupees;
use crate::gateway::fields::Fields;
use crate::gateway::http::Reply;
use crate::gateway::{GatewayAnswer, GatewayError, GatewayReply};

const RECORDED: [&str; 5] = [
    "product_code",
    "transaction_uuid",
    "total_amount",
    "status",
    "ref_id",
];

/// Reads the answer about this payment.
pub(super) fn read(
    reply: &Reply,
    transaction_uuid: &str,
    product_code: &str,
) -> Result<GatewayReply, GatewayError> {
    let fields = match reply.status {
        200 => Fields::parse(&reply.body).map_err(|reason| reply.unreadable(reason))?,
        _ => return Err(reply.failure()),
    };
    let Some(status) = fields.text("status") else {
        return Err(unavailable_or_unreadable(reply, &fields));
    };
    for (name, ours) in [
        ("transaction_uuid", transaction_uuid),
        ("product_code", product_code),
    ] {
        if fields.text(name).is_some_and(|theirs| theirs != ours) {
            return Err(reply.unreadable(format!("its {name} is that of another payment")));
        }
    }
    let answer = match status.as_str() {
        "COMPLETE" => paid(reply, &fields)?,
        "PENDING" => GatewayAnswer::Pending,
        "AMBIGUOUS" => GatewayAnswer::Ambiguous,
        "NOT_FOUND" => GatewayAnswer::NotFound,
        "CANCELED" | "CANCELLED" => GatewayAnswer::Cancelled,
        "FULL_REFUND" => GatewayAnswer::Refunded { partially: false },
        "PARTIAL_REFUND" => GatewayAnswer::Refunded { partially: true },
        other => return Err(reply.unreadable(format!("its status {other:?} is not in the protocol"))),
    };
    Ok(GatewayReply {
        answer,
        record: fields.record(&RECORDED),
    })
}

/// A payment is believed only in full: with whose it is and how much it was.
fn paid(reply: &Reply, fields: &Fields) -> Result<GatewayAnswer, GatewayError> {
    let required = |name: &str| {
        fields
            .text(name)
            .ok_or_else(|| reply.unreadable(format!("it says COMPLETE without {name}")))
    };
    required("transaction_uuid")?;
    required("product_code")?;
    let amount_minor =
        paisa_of_rupees(&required("total_amount")?).map_err(|error| reply.unreadable(error.to_string()))?;
    Ok(GatewayAnswer::Paid {
        amount_minor,
        reference: fields.text("ref_id"),
    })
}

/// `{"code": 0, "error_message": …}` is how eSewa says that it is not available.
fn unavailable_or_unreadable(reply: &Reply, fields: &Fields) -> GatewayError {
    match fields.text("code").as_deref() {
        Some("0") => GatewayError::Unavailable { status: reply.status },
        _ => reply.unreadable("it has no status".to_owned()),
    }
}
