//! One point on the line of time.

use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// What an entry tells about, for grouping and icons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A row of `payments`.
    Payment,
    /// A row of `payment_intents`.
    Intent,
    /// Stock reserved, freed or taken.
    Reservation,
    /// A gateway's final answer.
    Verification,
    /// A row of `job_queue`.
    Job,
    /// An event in the outbox.
    Event,
    /// A mark in `processed_events`.
    Processed,
    /// A purchase.
    Purchase,
    /// An allocation.
    Allocation,
    /// Sessions on the calendar.
    Sessions,
    /// An order.
    Order,
    /// A dead letter.
    DeadLetter,
    /// A payment case.
    Case,
    /// Money that went back, or is on its way.
    Refund,
    /// The buyer's bank asks for the money back.
    Dispute,
    /// What a person did.
    Audit,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It happened.
    Happened,
    /// It is under way, or waits for something that comes by itself.
    Pending,
    /// It should have happened and did not.
    Missing,
    /// It failed, and a person must look.
    Failed,
}

impl Status {
    /// A word for people who see no colour.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Happened => "done",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

/// One point on the line of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When; none for what is missing.
    pub at: Option<DateTime<Utc>>,
    /// How many milliseconds after the entry before it; none for the first, and without a time.
    pub millis_since_before: Option<i64>,
    /// What it tells about.
    pub kind: EntryKind,
    /// How it stands.
    pub status: Status,
    /// In text. May hold text that others wrote (a failure's reason): escape it where it is shown.
    pub what: String,
    /// Ids by name (`purchaseId`, `jobId`, …), each of which [`super::find`] accepts.
    pub ids: BTreeMap<&'static str, String>,
}

impl Entry {
    pub(super) fn new(
        at: impl Into<Option<DateTime<Utc>>>,
        kind: EntryKind,
        status: Status,
        what: impl Into<String>,
    ) -> Self {
        Self {
            at: at.into(),
            millis_since_before: None,
            kind,
            status,
            what: what.into(),
            ids: BTreeMap::new(),
        }
    }

    pub(super) fn id(mut self, name: &'static str, id: impl ToString) -> Self {
        self.ids.insert(name, id.to_string());
        self
    }
}
