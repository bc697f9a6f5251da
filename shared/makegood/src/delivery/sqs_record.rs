//! An SQS event, read loosely: only what Makegood uses must be there, and of that only the message id can fail a batch.

use super::decode_error::DecodeError;
use super::{Delivery, Origin, ReplayMark};
use serde_json::Value;

/// The deliveries of an SQS event's `Records`, in order.
///
/// # Errors
/// When a record has no message id: a partial response could then not name it.
pub(super) fn deliveries(records: Vec<Value>) -> Result<Vec<Delivery>, DecodeError> {
    records.into_iter().map(delivery).collect()
}

fn delivery(mut record: Value) -> Result<Delivery, DecodeError> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    let message_id = text("messageId")
        .filter(|id| !id.is_empty())
        .ok_or(DecodeError::NoMessageId)?;
    let origin = Origin::Sqs {
        message_id,
        receipt_handle: text("receiptHandle").unwrap_or_default(),
        queue_arn: text("eventSourceARN").unwrap_or_default(),
    };
    let attempt = record.pointer("/attributes/ApproximateReceiveCount");
    let attempt = attempt.and_then(count).unwrap_or(1);
    let replay = record
        .pointer("/messageAttributes")
        .and_then(|attributes| {
            attributes
                .get(ReplayMark::ATTRIBUTE)?
                .get("stringValue")?
                .as_str()
        })
        .and_then(|mark| mark.parse().ok());
    let (payload, defect) = match record.get_mut("body").map(Value::take) {
        None | Some(Value::Null) => (None, None),
        Some(Value::String(body)) => (Some(body), None),
        Some(other) => (
            Some(other.to_string()),
            Some("the message's body is no text".to_owned()),
        ),
    };
    Ok(Delivery {
        payload,
        defect,
        attempt,
        origin,
        replay,
    })
}

/// A count from 1, as the text that SQS sends or as a number.
fn count(value: &Value) -> Option<u32> {
    let count = match value {
        Value::String(text) => text.parse().ok()?,
        other => u32::try_from(other.as_u64()?).ok()?,
    };
    (count > 0).then_some(count)
}
