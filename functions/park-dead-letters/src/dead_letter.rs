//! A dead letter as it is filed, read from whatever a dead-letter queue holds. Pure, and never refuses: a message that
//! can't be understood is filed as it is.

use crate::nul::{keep_losslessly, show_nul, show_nul_within};
use chrono::{DateTime, Datelike, Utc};
use makegood::delivery::{DeadLetter, Delivery, ReplayMark, unpack_raw};
use makegood::event::{Event, out_of_envelopes};
use makegood::ids::{CorrelationId, indexable};
use serde_json::{Value, json};

/// The error code of a message that SQS moved by itself, so without a document.
pub const MOVED_BY_SQS: &str = "moved_by_sqs";

const DEAD_LETTER_SUFFIX: &str = "-dlq";

/// The queue that SQS moved a message from, where it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovedFrom(pub Option<String>);

impl MovedFrom {
    /// For each record of an SQS event, in order, the attribute `DeadLetterQueueSourceArn`; none elsewhere, without end.
    pub fn of_event(event: &Value) -> impl Iterator<Item = Self> + use<> {
        let records = event
            .get("Records")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let known: Vec<Self> = records
            .iter()
            .map(|record| {
                let arn = record
                    .pointer("/attributes/DeadLetterQueueSourceArn")
                    .and_then(Value::as_str);
                Self(arn.and_then(|arn| arn.rsplit(':').next()).map(str::to_owned))
            })
            .collect();
        known.into_iter().chain(std::iter::repeat_with(Self::default))
    }
}

/// One row of `dead_letters`. No text of it holds U+0000, and none that an index holds is too long for it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDeadLetter {
    /// The queue or topic where it could not be processed.
    pub source: String,
    /// Names it there.
    pub message_id: String,
    /// Who gave it up; none when SQS moved it.
    pub function_name: Option<String>,
    /// Its event's type, where it can be read.
    pub event_type: Option<String>,
    /// Its event's id, where it can be read.
    pub event_id: Option<String>,
    /// Its payment, where it can be read.
    pub correlation: Option<CorrelationId>,
    /// For a person.
    pub failure_reason: String,
    /// For filters.
    pub error_code: String,
    /// Whether no retry could help.
    pub permanent: bool,
    /// How often it was tried.
    pub attempts: i32,
    /// The body, plain unless the document's `rawEncoding` says otherwise; none for a tombstone.
    pub raw: Option<String>,
    /// The dead-letter document without the body; none when SQS moved it and there is nothing to note.
    pub document: Option<Value>,
    /// When it was parked.
    pub parked_at: DateTime<Utc>,
    /// The dead letter that it was before, when it was sent back as one.
    pub replay: Option<ReplayMark>,
    /// How often it was received from the dead-letter queue or, moved by SQS, from both; for the log.
    pub receives: u32,
}

/// What an event says about itself.
#[derive(Default)]
struct Identity {
    event_type: Option<String>,
    event_id: Option<String>,
    correlation_id: Option<String>,
}

impl NewDeadLetter {
    /// Reads one message of a dead-letter queue.
    #[must_use]
    pub fn read(delivery: &Delivery, moved_from: &MovedFrom, now: DateTime<Utc>) -> Self {
        let body = delivery.payload.as_deref().unwrap_or_default();
        match serde_json::from_str::<DeadLetter>(body) {
            Ok(document) => Self::of_document(document, delivery.attempt, now),
            Err(_) => Self::of_moved(delivery, moved_from, now),
        }
    }

    fn of_document(mut document: DeadLetter, receives: u32, now: DateTime<Utc>) -> Self {
        // A packing that can't be undone is kept as it came, and still says how it is packed.
        if let Some(plain) = unpack_raw(&document) {
            document.raw = Some(plain);
            document.raw_encoding = None;
        }
        let identity = document.raw.as_deref().map(Identity::of_body).unwrap_or_default();
        let (raw, reason) = Self::keep_body(&mut document);
        let correlation_id = document.correlation_id.clone().or(identity.correlation_id);
        let event_id = document.event_id.clone().or(identity.event_id);
        Self {
            source: indexed(&document.original_source),
            message_id: indexed(&document.message_id),
            function_name: Some(show_nul(&document.function_name)),
            event_type: identity.event_type.as_deref().map(show_nul),
            event_id: event_id.as_deref().map(indexed),
            correlation: correlation_id.as_deref().map(CorrelationId::from_text),
            failure_reason: show_nul(&reason),
            error_code: show_nul(&document.error_code),
            permanent: document.permanent,
            attempts: i32::try_from(document.attempts).unwrap_or(i32::MAX),
            raw,
            parked_at: plausible(document.failure_timestamp).unwrap_or(now),
            replay: document.replay_of,
            document: Some(show_nul_within(json!(document))),
            receives,
        }
    }

    /// Takes the body out of the document, as the column can hold it; the reason says when that is not plain.
    fn keep_body(document: &mut DeadLetter) -> (Option<String>, String) {
        let Some(plain) = document.raw.take() else {
            return (None, document.failure_reason.clone());
        };
        let (raw, encoding) = keep_losslessly(plain);
        let Some(encoding) = encoding else {
            return (Some(raw), document.failure_reason.clone());
        };
        document.raw_encoding = Some(encoding.to_owned());
        (Some(raw), noted(&document.failure_reason))
    }

    fn of_moved(delivery: &Delivery, moved_from: &MovedFrom, now: DateTime<Utc>) -> Self {
        let queue = delivery.origin.source();
        let derived = queue.strip_suffix(DEAD_LETTER_SUFFIX).unwrap_or(queue);
        let source = moved_from.0.as_deref().unwrap_or(derived).to_owned();
        // SQS counts on after the move; the last receipt is this one.
        let attempts = delivery.attempt.saturating_sub(1);
        let identity = delivery
            .payload
            .as_deref()
            .map(Identity::of_body)
            .unwrap_or_default();
        let (raw, encoding) = match delivery.payload.clone().map(keep_losslessly) {
            Some((raw, encoding)) => (Some(raw), encoding),
            None => (None, None),
        };
        let reason = format!(
            "SQS moved it from {source} by itself: whoever received it neither finished nor parked it (a crash, a \
             time-out, or a body too large to park); look into the log of that queue's function"
        );
        Self {
            message_id: indexed(&delivery.origin.message_id()),
            function_name: None,
            event_type: identity.event_type.as_deref().map(show_nul),
            event_id: identity.event_id.as_deref().map(indexed),
            correlation: identity.correlation_id.as_deref().map(CorrelationId::from_text),
            failure_reason: if encoding.is_some() {
                noted(&reason)
            } else {
                reason
            },
            error_code: MOVED_BY_SQS.to_owned(),
            permanent: false,
            attempts: i32::try_from(attempts).unwrap_or(i32::MAX),
            raw,
            document: encoding.map(|encoding| json!({"rawEncoding": encoding})),
            parked_at: now,
            replay: delivery.replay,
            receives: delivery.attempt,
            source: indexed(&source),
        }
    }
}

/// As an indexed column can hold it.
fn indexed(text: &str) -> String {
    indexable(&show_nul(text)).into_owned()
}

/// The time, unless it lies outside what Postgres and a person can read. The document keeps what was said.
fn plausible(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1970..=9999).contains(&time.year()).then_some(time)
}

fn noted(reason: &str) -> String {
    format!("{reason} (the body holds U+0000 and is kept as a JSON string)")
}

impl Identity {
    /// What the body says, or what its business key gives, or what little can be read of a broken one.
    fn of_body(body: &str) -> Self {
        if let Ok(event) = Event::parse(body) {
            let envelope = event.envelope();
            return Self {
                event_type: Some(event.event_type().wire_name().to_owned()),
                event_id: Some(envelope.event_id.clone()),
                correlation_id: Some(envelope.correlation_id.clone()),
            };
        }
        let Some(fields) = out_of_envelopes(body) else {
            return Self::default();
        };
        let text = |path: &str| fields.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Self {
            event_type: text("/type"),
            event_id: text("/_metadata/eventId"),
            correlation_id: text("/_metadata/correlationId"),
        }
    }
}
