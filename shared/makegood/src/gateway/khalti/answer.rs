//! What Khalti's answers mean. Pure: a reply in, an answer out.

use crate::gateway::amount::paisa_of_paisa;
use crate::gateway::fields::Fields;
use crate::gateway::http::Reply;
use crate::gateway::{GatewayAnswer, GatewayError, GatewayReply, OpenedPayment};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;

const RECORDED: [&str; 6] = [
    "pidx",
    "total_amount",
    "status",
    "transaction_id",
    "fee",
    "refunded",
];

/// Reads the answer to `initiate`.
pub(super) fn read_opened(reply: &Reply, now: DateTime<Utc>) -> Result<OpenedPayment, GatewayError> {
    if !matches!(reply.status, 200 | 201) {
        return Err(reply.failure());
    }
    let fields = Fields::parse(&reply.body).map_err(|reason| reply.unreadable(reason))?;
    let required = |name: &str| {
        let text = fields.text(name).filter(|text| !text.is_empty());
        text.ok_or_else(|| reply.unreadable(format!("it has no {name}")))
    };
    let payment_url = required("payment_url")?;
    if !Url::parse(&payment_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(reply.unreadable("its payment_url is no address".to_owned()));
    }
    let expires_at = expiry(&fields, now);
    Ok(OpenedPayment {
        external_transaction_id: required("pidx")?,
        payment_url,
        form_fields: None,
        expires_at: expires_at
            .ok_or_else(|| reply.unreadable("it does not say when the link ends".to_owned()))?,
    })
}

/// `expires_at`, or `expires_in` seconds from now.
fn expiry(fields: &Fields, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let instant = fields
        .text("expires_at")
        .and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let seconds = || fields.text("expires_in").and_then(|text| text.parse().ok());
    match instant {
        Some(instant) => Some(instant.with_timezone(&Utc)),
        None => now.checked_add_signed(TimeDelta::try_seconds(seconds()?)?),
    }
}

/// Reads the answer to `lookup`. `Expired` and `User canceled` come with HTTP 400, and are answers all the same.
pub(super) fn read_lookup(reply: &Reply, pidx: &str) -> Result<GatewayReply, GatewayError> {
    let fields = match (reply.status, Fields::parse(&reply.body)) {
        (200, Err(reason)) => return Err(reply.unreadable(reason)),
        (200 | 400, Ok(fields)) => fields,
        _ => return Err(reply.failure()),
    };
    let Some(status) = fields.text("status") else {
        return Err(match reply.status {
            200 => reply.unreadable("it has no status".to_owned()),
            _ => reply.failure(),
        });
    };
    if fields.text("pidx").is_some_and(|theirs| theirs != pidx) {
        return Err(reply.unreadable("its pidx is that of another payment".to_owned()));
    }
    let answer = match (reply.status, status.to_ascii_lowercase().as_str()) {
        (_, "expired") => GatewayAnswer::Expired,
        (_, "user canceled" | "user cancelled") => GatewayAnswer::Cancelled,
        (200, "completed") => paid(reply, &fields)?,
        (200, "pending" | "initiated") => GatewayAnswer::Pending,
        (200, "refunded") => GatewayAnswer::Refunded { partially: false },
        (200, "partially refunded") => GatewayAnswer::Refunded { partially: true },
        _ => return Err(reply.unreadable(format!("its status {status:?} is not in the protocol"))),
    };
    Ok(GatewayReply {
        answer,
        record: fields.record(&RECORDED),
    })
}

/// A payment is believed only in full, and not once its money went back.
fn paid(reply: &Reply, fields: &Fields) -> Result<GatewayAnswer, GatewayError> {
    if fields.text("refunded").as_deref() == Some("true") {
        return Ok(GatewayAnswer::Refunded { partially: false });
    }
    let required = |name: &str| {
        fields
            .text(name)
            .ok_or_else(|| reply.unreadable(format!("it says Completed without {name}")))
    };
    required("pidx")?;
    let amount_minor =
        paisa_of_paisa(&required("total_amount")?).map_err(|error| reply.unreadable(error.to_string()))?;
    Ok(GatewayAnswer::Paid {
        amount_minor,
        reference: fields.text("transaction_id"),
    })
}
