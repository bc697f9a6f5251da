//! Whether a dead letter may be sent back, and what exactly. Pure.

use super::{DeadLetterStatus, Destination, Destinations, MOST_GENERATIONS};
use crate::edit::EditId;
use chrono::{DateTime, Utc};
use makegood::delivery::{LONGEST_PAYLOAD, out_of_dead_letters};
use makegood::event::{Event, EventError};
use makegood::message;
use serde::de::IgnoredAny;
use serde_json::Value;
use uuid::Uuid;

/// The encoding of a body that Postgres can't hold plain; `park-dead-letters` says which it used.
const JSON_STRING: &str = "json-string";

/// A new body for a dead letter whose own one was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The whole body.
    pub body: String,
}

/// Why a dead letter is not sent back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such dead letter.
    #[error("there is no such dead letter; `makegood dead-letters list` shows those that are parked")]
    NotFound,
    /// An operator dealt with it.
    #[error("it is {status} already; only a parked dead letter can be replayed or discarded")]
    NotParked {
        /// How.
        status: DeadLetterStatus,
    },
    /// Another operator is sending it at this moment.
    #[error("another operator is replaying it, until {until} at the latest; try again after that")]
    BeingReplayed {
        /// The end of the lease.
        until: DateTime<Utc>,
    },
    /// It came back too often.
    #[error(
        "it was replayed {generation} times and came back each time; fix the cause or the payload, then insist (--force) \
         with the reason why it will go well now, or discard it"
    )]
    Loop {
        /// How often it was sent back.
        generation: i32,
    },
    /// A Kafka record: its topic would bring it to every consumer group.
    #[error(
        "it came from the Kafka topic {topic}: put there again, a record reaches every consumer group and not only the one \
         that failed; the reconcile sweep writes again what is still owed"
    )]
    FromKafka {
        /// The topic.
        topic: String,
    },
    /// Its queue is not configured here.
    #[error(
        "no queue is named {source_queue}; QUEUE_URL_<TOPIC> (comma-separated) and JOBS_QUEUE_URL must name the queue that it came from"
    )]
    NoDestination {
        /// Where it came from.
        source_queue: String,
    },
    /// A tombstone.
    #[error("it has no body, so there is nothing to send; discard it, or give it a payload")]
    NoBody,
    /// What is kept of the body can't be unpacked.
    #[error("its body is kept as {encoding} and can't be unpacked; give it a payload")]
    Unreadable {
        /// How it is kept.
        encoding: String,
    },
    /// No SQS message can hold it.
    #[error("the payload holds U+{code_point:04X}, which no SQS message can hold; give it another payload")]
    Unsendable {
        /// The character.
        code_point: u32,
    },
    /// Every function would refuse it for its size.
    #[error("the payload has {bytes} bytes; {LONGEST_PAYLOAD} is the most that is read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Every function would refuse it.
    #[error("the payload would be refused again: {0}; fix the payload")]
    Payload(#[from] EventError),
    /// Its queue's function would refuse it.
    #[error("the payload would be refused again: field `type` is {found}; {queue} carries {expected}")]
    WrongType {
        /// The queue.
        queue: String,
        /// What it carries.
        expected: String,
        /// What the payload is.
        found: &'static str,
    },
    /// Another edit of it waits.
    #[error(
        "an edit of it waits for another operator already: `makegood edits show {edit}`; confirm or withdraw that one first"
    )]
    EditWaits {
        /// Which.
        edit: EditId,
    },
    /// Who confirms could not be told from who proposed.
    #[error(
        "it changes who, what or how much, so another operator must confirm it, and as whom you propose it is not known; use a \
         profile of AWS that may call sts:GetCallerIdentity, or the console"
    )]
    NoCaller,
    /// Only what is discarded is restored.
    #[error("it is {status}; only a discarded dead letter can be restored")]
    NotDiscarded {
        /// What it is.
        status: DeadLetterStatus,
    },
    /// There is nothing left to restore.
    #[error(
        "its body was removed since it was discarded, so there is nothing to send; publish its event again if it is owed"
    )]
    Removed,
    /// A wake-up that names no job.
    #[error("the payload would be refused again: field `jobId` is missing or no UUID; fix the payload")]
    NoJobId,
}

impl Refusal {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NotParked { .. } => "not_parked",
            Self::BeingReplayed { .. } => "being_replayed",
            Self::Loop { .. } => "loop",
            Self::FromKafka { .. } => "from_kafka",
            Self::NoDestination { .. } => "no_destination",
            Self::NoBody => "no_body",
            Self::Unreadable { .. } => "unreadable_body",
            Self::Unsendable { .. } => "unsendable_character",
            Self::TooLarge { .. } => "payload_too_large",
            Self::Payload(error) => error.code(),
            Self::WrongType { .. } => "wrong_type",
            Self::EditWaits { .. } => "edit_waits",
            Self::NoCaller => "no_caller",
            Self::NotDiscarded { .. } => "not_discarded",
            Self::Removed => "removed",
            Self::NoJobId => "no_job_id",
        }
    }
}

/// What of a row decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub id: Uuid,
    pub source: String,
    pub raw: Option<String>,
    pub raw_encoding: Option<String>,
    pub is_from_kafka: bool,
    pub replay_count: i32,
    pub parked_at: DateTime<Utc>,
}

/// A dead letter that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready {
    pub id: Uuid,
    pub destination: Destination,
    pub body: String,
    pub generation: i32,
}

/// What is sent where, or why nothing is. `forced` lets a dead letter pass that came back too often.
pub(super) fn decide(
    dead_letter: &Candidate,
    edit: Option<&Edit>,
    destinations: &Destinations,
    forced: bool,
) -> Result<Ready, Refusal> {
    if dead_letter.replay_count >= MOST_GENERATIONS && !forced {
        return Err(Refusal::Loop {
            generation: dead_letter.replay_count,
        });
    }
    if dead_letter.is_from_kafka {
        return Err(Refusal::FromKafka {
            topic: dead_letter.source.clone(),
        });
    }
    let destination = destinations
        .of_source(&dead_letter.source)
        .ok_or_else(|| Refusal::NoDestination {
            source_queue: dead_letter.source.clone(),
        })?;
    let body = match edit {
        Some(edit) => edit.body.clone(),
        None => body_of(dead_letter.raw.as_deref(), dead_letter.raw_encoding.as_deref())?,
    };
    // What a queue can't hold as it is goes as its JSON escape; a body that is no JSON is refused below.
    let body = match serde_json::from_str::<IgnoredAny>(&body) {
        Ok(_) => message::escaped(body),
        Err(_) => body,
    };
    check_body(&body, destination)?;
    Ok(Ready {
        id: dead_letter.id,
        destination: destination.clone(),
        body,
        generation: dead_letter.replay_count + 1,
    })
}

/// The body as it was.
pub(super) fn body_of(raw: Option<&str>, encoding: Option<&str>) -> Result<String, Refusal> {
    let raw = raw.ok_or(Refusal::NoBody)?;
    let unreadable = |encoding: &str| Refusal::Unreadable {
        encoding: encoding.to_owned(),
    };
    match encoding {
        None => Ok(raw.to_owned()),
        Some(JSON_STRING) => serde_json::from_str(raw).map_err(|_| unreadable(JSON_STRING)),
        Some(other) => Err(unreadable(other)),
    }
}

/// Whether the function at the destination would read it: sending what it refuses would only park it again.
fn check_body(body: &str, destination: &Destination) -> Result<(), Refusal> {
    if body.len() > LONGEST_PAYLOAD {
        return Err(Refusal::TooLarge { bytes: body.len() });
    }
    if let Some(character) = body.chars().find(|character| !message::is_sendable(*character)) {
        return Err(Refusal::Unsendable {
            code_point: u32::from(character),
        });
    }
    if destination.carries.is_empty() {
        return check_wake_up(body);
    }
    // As the function does with a document that was parked as it was.
    let found = Event::parse(&out_of_dead_letters(body))?.event_type();
    if destination.carries.contains(&found) {
        return Ok(());
    }
    let expected: Vec<&str> = destination
        .carries
        .iter()
        .map(|carried| carried.wire_name())
        .collect();
    Err(Refusal::WrongType {
        queue: destination.queue.clone(),
        expected: expected.join(", "),
        found: found.wire_name(),
    })
}

fn check_wake_up(body: &str) -> Result<(), Refusal> {
    let fields: Value = serde_json::from_str(body).map_err(|_| Refusal::NoJobId)?;
    let id = fields.get("jobId").and_then(Value::as_str);
    id.and_then(|id| Uuid::parse_str(id).ok())
        .map(|_| ())
        .ok_or(Refusal::NoJobId)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
