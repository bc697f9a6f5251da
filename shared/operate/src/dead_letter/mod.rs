//! Dead letters as the person on call handles them: list, group, show, replay to where they came from, discard, restore.
//!
//! ```text
//!   park-dead-letters files it
//!      │                 claim (lease, audit row) ─ commit ─ send to its source ─ mark
//!      ▼                                                                            │
//!   parked ◀─ parked again: the message carried its ReplayMark ──────────────── replayed
//!      ├── by a person ──▶ discarded
//!      └◀─────── by a person ─────┘
//! ```
//!
//! Whoever is killed between sending and marking leaves a parked dead letter under a lease that runs out. The next replay sends
//! it again with the same generation; that is safe, since events are idempotent (G9). `replay_count` is the generation that
//! was last known to be sent, and it is counted once however often that generation was.

mod bulk;
mod claim;
mod consumer;
mod decide;
mod destination;
mod discard;
mod group;
mod list;
mod replaced;
mod replay;
mod replay_plan;
mod restore;
mod second;
mod send;

pub use bulk::{Bulk, Chunk, Claimed};
pub use decide::{Edit, Refusal};
pub use destination::{Destination, Destinations};
pub use discard::{Discard, discard_parked_dead_letter};
pub use group::{ErrorGroup, EventGroup, Groups, MOST_GROUPS, MOST_LOOKED_AT, by_error, by_event};
pub use list::{list, show};
pub use replay::{Replay, Replayer, SINGLE_OPERATOR};
pub use replay_plan::{Plan, PlannedDestination, PlannedRefusal};
pub use restore::{Restore, restore_discarded_dead_letter};
pub use second::event_subject;

use crate::page::Cursor;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// How often a dead letter is sent back before the operator must insist: what failed five times fails again, and a dead letter
/// that comes back by itself would go round for ever.
pub const MOST_GENERATIONS: i32 = 5;

/// What a filter says for a dead letter that has no function, no error code, or no event's id.
pub const NONE: &str = "-";

/// How long a sender owns the dead letters that it claimed.
pub const LEASE_SECONDS: i32 = 30;

/// A row of `dead_letters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DeadLetterId(pub Uuid);

impl DeadLetterId {
    /// As the audit log names it.
    #[must_use]
    pub fn subject(self) -> String {
        format!("dead_letter:{}", self.0)
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum DeadLetterStatus {
    /// It waits for an operator.
    Parked,
    /// It was sent back, and has not come again.
    Replayed,
    /// It was discarded.
    Discarded,
}

impl DeadLetterStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Parked, Self::Replayed, Self::Discarded];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }

    /// The wire names of this status, or of every one.
    fn wanted(status: Option<Self>) -> Vec<String> {
        let all = Self::ALL.into_iter();
        let wanted = all.filter(|one| status.is_none_or(|wanted| wanted == *one));
        wanted.map(|one| one.wire_name().to_owned()).collect()
    }

    /// The status of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.wire_name() == name)
    }
}

impl fmt::Display for DeadLetterStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.wire_name())
    }
}

/// Which dead letters; all of them by default. [`list`] heeds the status, a replay by filter takes the parked ones only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterFilter {
    /// Of this status.
    pub status: Option<DeadLetterStatus>,
    /// From this queue or topic.
    pub source: Option<String>,
    /// Parked by this function; [`NONE`] for those that no function parked.
    pub function: Option<String>,
    /// With this error code; [`NONE`] for those without.
    pub error_code: Option<String>,
    /// Of this type of event.
    pub event_type: Option<String>,
    /// Of this event, by its id; [`NONE`] for those whose event's id can't be read.
    pub event_id: Option<String>,
    /// Of this payment.
    pub correlation_id: Option<Uuid>,
    /// Parked at or after.
    pub since: Option<DateTime<Utc>>,
    /// Parked before.
    pub until: Option<DateTime<Utc>>,
}

impl DeadLetterFilter {
    /// The time range as the statements want it: without bounds it is all of time.
    fn range(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        (
            self.since.unwrap_or(Cursor::OLDEST.at),
            self.until.unwrap_or(Cursor::NEWEST.at),
        )
    }
}

/// A dead letter as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterRow {
    /// Which.
    pub id: Uuid,
    /// The queue or topic where it could not be processed.
    pub source: String,
    /// Who gave it up; none when SQS moved it.
    pub function_name: Option<String>,
    /// Its event's type, where it can be read.
    pub event_type: Option<String>,
    /// Its event's id, where it can be read.
    pub event_id: Option<String>,
    /// Its payment, where it can be read.
    pub correlation_id: Option<Uuid>,
    /// For a person.
    pub failure_reason: String,
    /// For filters.
    pub error_code: Option<String>,
    /// Whether no retry could help.
    pub permanent: bool,
    /// How often it was tried, the last time.
    pub attempts: i32,
    /// What became of it.
    pub status: DeadLetterStatus,
    /// How often it was sent back.
    pub replay_count: i32,
    /// When it was parked, the last time.
    pub parked_at: DateTime<Utc>,
    /// When it was sent back, the last time.
    pub replayed_at: Option<DateTime<Utc>>,
    /// Until when the replay that is sending it back owns it.
    pub claimed_until: Option<DateTime<Utc>>,
}

/// A dead letter with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// As a list shows it.
    #[serde(flatten)]
    pub row: DeadLetterRow,
    /// What named the message at its source, the first time.
    pub message_id: String,
    /// The body as it would be sent; none for a tombstone, or when it can't be unpacked.
    pub body: Option<String>,
    /// The dead-letter document without the body; none when SQS moved it and there was nothing to note. Its
    /// `previousFailures` say why it was parked before.
    pub document: Option<Value>,
}
