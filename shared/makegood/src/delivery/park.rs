//! Dead letters: what can't be processed is sent to the dead-letter queue with its whole context.

use super::{Delivery, Failure, Origin, ReplayMark};
use crate::event::{Envelope, out_of_envelopes};
use crate::message::{self, LARGEST as LARGEST_MESSAGE};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{Read, Write};

const GZIP_BASE64: &str = "gzip+base64";
/// The largest body that is unpacked, in bytes: the largest invocation of Lambda, so that nothing that a function parked is larger.
pub const LONGEST_UNPACKED: usize = 6 * 1_048_576;

/// The document of SPEC section 5.
///
/// ```
/// use makegood::delivery::DeadLetter;
/// use serde_json::json;
///
/// let body = json!({"originalSource": "purchase-confirmed", "messageId": "m-1", "failureReason": "field `type` is missing",
///     "errorCode": "missing_field", "permanent": true, "failureTimestamp": "2026-11-29T06:00:00Z", "attempts": 1,
///     "functionName": "create-purchase", "functionVersion": "7", "raw": "{}"});
/// let dead_letter: DeadLetter = serde_json::from_value(body)?;
/// assert!(dead_letter.permanent && dead_letter.raw_encoding.is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The event as JSON, when it is JSON and the document stays small enough.
    pub original_event: Option<Value>,
    /// The queue or topic.
    pub original_source: String,
    /// Kafka only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_partition: Option<i64>,
    /// Kafka only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_offset: Option<i64>,
    /// Names the message at its source.
    pub message_id: String,
    /// For a person.
    pub failure_reason: String,
    /// For filters.
    pub error_code: String,
    /// Whether it was parked at once, since no retry could help.
    pub permanent: bool,
    /// When it was parked.
    pub failure_timestamp: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// The payment's id, where it could be read.
    pub correlation_id: Option<String>,
    /// The event's id, where it could be read.
    pub event_id: Option<String>,
    /// The function that parked it.
    pub function_name: String,
    /// Its version.
    pub function_version: String,
    /// The body, byte for byte; see `raw_encoding`.
    pub raw: Option<String>,
    /// `gzip+base64` when the plain body would not fit a message; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_encoding: Option<String>,
    /// The dead letter that this message already was; absent when it was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<ReplayMark>,
}

/// Why a record could not be parked. It is then returned, and the queue's own redrive policy keeps it.
///
/// ```
/// use makegood::delivery::ParkError;
///
/// let error = ParkError::TooLarge(1_048_577);
/// assert!(error.to_string().starts_with("the dead letter has 1048577 bytes"));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ParkError {
    /// Even compressed it is larger than an SQS message.
    #[error(
        "the dead letter has {0} bytes and does not fit an SQS message; the queue's redrive policy keeps it"
    )]
    TooLarge(usize),
    /// SQS did not take it, or did not say that it did.
    #[error("the dead-letter queue did not take it: {0}")]
    Queue(String),
    /// It can't be written as JSON.
    #[error("the dead letter can't be written: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// The dead-letter queue of a function.
///
/// ```
/// use aws_sdk_sqs::{Client, Config, config::BehaviorVersion};
/// use makegood::delivery::Parking;
///
/// let parking = Parking {
///     client: Client::from_conf(Config::builder().behavior_version(BehaviorVersion::latest()).build()),
///     queue_url: "https://sqs.eu-west-1.amazonaws.com/123456789012/create-purchase-dead-letters".to_owned(),
///     function_name: "create-purchase".to_owned(),
///     function_version: "7".to_owned(),
/// };
/// assert!(parking.queue_url.ends_with("-dead-letters"));
/// ```
#[derive(Debug, Clone)]
pub struct Parking {
    /// SQS.
    pub client: Client,
    /// `DEAD_LETTER_QUEUE_URL`.
    pub queue_url: String,
    /// Who parks.
    pub function_name: String,
    /// Which version of it.
    pub function_version: String,
}

impl Parking {
    /// Sends one record to the dead-letter queue, with why.
    ///
    /// `attempts` says how often the record was tried; `now` is when it was parked, in UTC.
    ///
    /// ```no_run
    /// use makegood::delivery::{Failure, Parking, Trigger};
    /// # async fn park(parking: Parking, event: serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
    ///
    /// let (_, deliveries) = Trigger::decode(event)?;
    /// let failure = Failure::park("unknown_course", "course 7 is not sold");
    /// parking.park(&deliveries[0], None, &failure, 1, chrono::Utc::now()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When it does not fit or SQS does not take it; the record must then be returned.
    pub async fn park(
        &self,
        delivery: &Delivery,
        envelope: Option<&Envelope>,
        failure: &Failure,
        attempts: u32,
        now: DateTime<Utc>,
    ) -> Result<(), ParkError> {
        let document = self.document(delivery, envelope, failure, attempts, now);
        let body = serialize_to_fit(document)?;
        let sent = self
            .client
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(body)
            .send()
            .await;
        let answer = sent.map_err(|error| ParkError::Queue(DisplayErrorContext(error).to_string()))?;
        match answer.message_id() {
            Some(id) if !id.is_empty() => Ok(()),
            _ => Err(ParkError::Queue("its answer names no message".to_owned())),
        }
    }

    fn document(
        &self,
        delivery: &Delivery,
        envelope: Option<&Envelope>,
        failure: &Failure,
        attempts: u32,
        now: DateTime<Utc>,
    ) -> DeadLetter {
        let original_event: Option<Value> = delivery
            .payload
            .as_deref()
            .and_then(|payload| serde_json::from_str(payload).ok());
        let inside = delivery.payload.as_deref().and_then(out_of_envelopes);
        let read = |name: &str| {
            let field = inside.as_ref()?.get("_metadata")?.get(name)?;
            field.as_str().map(str::to_owned)
        };
        let (original_partition, original_offset) = match &delivery.origin {
            Origin::Sqs { .. } => (None, None),
            Origin::Kafka {
                partition, offset, ..
            } => (*partition, *offset),
        };
        DeadLetter {
            original_source: delivery.origin.source().to_owned(),
            original_partition,
            original_offset,
            message_id: delivery.origin.message_id(),
            failure_reason: failure.reason.clone(),
            error_code: failure.code.to_owned(),
            permanent: failure.disposition == super::Disposition::Park,
            failure_timestamp: now,
            attempts,
            correlation_id: envelope
                .map(|known| known.correlation_id.clone())
                .or_else(|| read("correlationId")),
            event_id: envelope
                .map(|known| known.event_id.clone())
                .or_else(|| read("eventId")),
            function_name: self.function_name.clone(),
            function_version: self.function_version.clone(),
            raw: delivery.payload.clone(),
            raw_encoding: None,
            replay_of: delivery.replay,
            original_event,
        }
    }
}

/// Whole if it fits; else without the parsed copy; else with the body compressed.
fn serialize_to_fit(mut document: DeadLetter) -> Result<String, ParkError> {
    let whole = message::json(&document)?;
    if whole.len() <= LARGEST_MESSAGE {
        return Ok(whole);
    }
    document.original_event = None;
    let without_copy = message::json(&document)?;
    if without_copy.len() <= LARGEST_MESSAGE {
        return Ok(without_copy);
    }
    document.raw = document.raw.as_deref().map(pack);
    document.raw_encoding = Some(GZIP_BASE64.to_owned());
    let packed = message::json(&document)?;
    if packed.len() <= LARGEST_MESSAGE {
        Ok(packed)
    } else {
        Err(ParkError::TooLarge(packed.len()))
    }
}

pub(super) fn pack(raw: &str) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a Vec can't fail; were it to, the empty rest is caught by the reader's checksum.
    let _ = encoder.write_all(raw.as_bytes());
    STANDARD.encode(encoder.finish().unwrap_or_default())
}

/// The body of a dead letter as it was, whichever way it was kept; none for a tombstone, for a broken packing, and for one that
/// holds more than `LONGEST_UNPACKED` bytes: a message can't have been that.
///
/// ```
/// use makegood::delivery::{DeadLetter, unpack_raw};
/// # use serde_json::json;
/// # let body = json!({"originalSource": "purchase-confirmed", "messageId": "m-1", "failureReason": "7", "errorCode": "7",
/// #     "permanent": true, "failureTimestamp": "2026-11-29T06:00:00Z", "attempts": 1, "functionName": "f",
/// #     "functionVersion": "7"});
/// # let dead_letter: DeadLetter = serde_json::from_value(body)?;
///
/// let packed = DeadLetter {
///     raw: Some("H4sIAAAAAAACA6tWKqksSFWyUjCvBQDibkT1CwAAAA==".to_owned()),
///     raw_encoding: Some("gzip+base64".to_owned()),
///     ..dead_letter
/// };
/// assert_eq!(unpack_raw(&packed).as_deref(), Some("{\"type\": 7}"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn unpack_raw(document: &DeadLetter) -> Option<String> {
    let raw = document.raw.as_deref()?;
    if document.raw_encoding.as_deref() != Some(GZIP_BASE64) {
        return Some(raw.to_owned());
    }
    let bytes = STANDARD.decode(raw).ok()?;
    let mut text = String::new();
    let one_more = (LONGEST_UNPACKED as u64).saturating_add(1);
    GzDecoder::new(bytes.as_slice())
        .take(one_more)
        .read_to_string(&mut text)
        .ok()?;
    (text.len() <= LONGEST_UNPACKED).then_some(text)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn dead_letter(raw: String) -> DeadLetter {
        DeadLetter {
            original_event: serde_json::from_str(&raw).ok(),
            original_source: "purchase-confirmed".to_owned(),
            original_partition: None,
            original_offset: None,
            message_id: "m".to_owned(),
            failure_reason: "r".to_owned(),
            error_code: "c".to_owned(),
            permanent: true,
            failure_timestamp: DateTime::UNIX_EPOCH,
            attempts: 1,
            correlation_id: None,
            event_id: None,
            function_name: "f".to_owned(),
            function_version: "1".to_owned(),
            raw: Some(raw),
            raw_encoding: None,
            replay_of: None,
        }
    }

    #[test]
    fn a_body_of_one_mebibyte_still_fits_a_message_and_comes_back_whole() {
        let raw = format!("{{\"padding\":\"{}\"}}", "\\\"".repeat(524_000));
        let body = serialize_to_fit(dead_letter(raw.clone())).unwrap();
        assert!(body.len() <= LARGEST_MESSAGE);
        let read: DeadLetter = serde_json::from_str(&body).unwrap();
        assert_eq!(read.raw_encoding.as_deref(), Some(GZIP_BASE64));
        assert_eq!(unpack_raw(&read), Some(raw));
    }

    #[test]
    fn a_packing_is_undone_up_to_the_limit_and_not_beyond() {
        let packed = |length: usize| DeadLetter {
            raw: Some(pack(&"x".repeat(length))),
            raw_encoding: Some(GZIP_BASE64.to_owned()),
            ..dead_letter(String::new())
        };
        let largest = packed(LONGEST_UNPACKED);
        assert!(largest.raw.as_deref().is_some_and(|raw| raw.len() < 10_000));
        assert_eq!(unpack_raw(&largest).map(|raw| raw.len()), Some(LONGEST_UNPACKED));
        for length in [LONGEST_UNPACKED + 1, 4 * LONGEST_UNPACKED] {
            assert_eq!(unpack_raw(&packed(length)), None);
        }
    }

    #[test]
    fn a_small_body_is_kept_readable() {
        let body = serialize_to_fit(dead_letter("{\"a\":1}".to_owned())).unwrap();
        let read: DeadLetter = serde_json::from_str(&body).unwrap();
        assert_eq!(read.original_event, Some(serde_json::json!({"a": 1})));
        assert_eq!(unpack_raw(&read).as_deref(), Some("{\"a\":1}"));
    }
}
