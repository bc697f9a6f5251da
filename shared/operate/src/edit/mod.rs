//! Edits that wait for a second operator. What is sent in place of a dead letter's own body, or as an event from a file, can give goods to
//! a person; so whoever wants to send it proposes it, and another person confirms it (docs/decisions/0092).
//!
//! ```text
//!   propose ─▶ pending ─ confirm, by another ─▶ confirmed: audit row, then sent
//!                 └───── withdraw, by anybody ─▶ withdrawn
//! ```

mod changes;
mod second;
mod store;

pub use changes::{Change, WHOLE_BODY, changes};
pub use second::{NotSecond, is_second};
pub(crate) use store::{NewEdit, decide, lock_pending, propose};
pub use store::{list, pending_of, published, show, withdraw};

use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// A row of `proposed_edits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EditId(pub Uuid);

impl EditId {
    /// As the audit log names it.
    #[must_use]
    pub fn subject(self) -> String {
        format!("edit:{}", self.0)
    }
}

impl fmt::Display for EditId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What became of a proposed edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum EditStatus {
    /// It waits for another operator.
    Pending,
    /// Another operator confirmed it.
    Confirmed,
    /// It was taken back, or another operator did not want it.
    Withdrawn,
}

impl EditStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Confirmed, Self::Withdrawn];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The status of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.wire_name() == name)
    }
}

impl fmt::Display for EditStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.wire_name())
    }
}

/// A proposed edit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposedEdit {
    /// Which.
    pub id: Uuid,
    /// `dead_letter:<id>` or `event:<event id>`.
    pub subject: String,
    /// What is to be sent; none once it is decided: the audit log keeps it.
    pub body: Option<String>,
    /// What of the dead letter it was made of; none for an event.
    #[serde(skip)]
    pub replaces: Option<String>,
    /// What it changes.
    pub changes: Vec<Change>,
    /// Whether a dead letter that came back too often is to go all the same.
    pub forced: bool,
    /// What became of it.
    pub status: EditStatus,
    /// Who proposed it.
    pub proposed_by: String,
    /// As which AWS caller or login.
    pub caller: String,
    /// Why.
    pub reason: String,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When that was.
    pub decided_at: Option<DateTime<Utc>>,
}

impl ProposedEdit {
    /// The dead letter that it edits; none for an event from a file.
    #[must_use]
    pub fn dead_letter(&self) -> Option<Uuid> {
        self.subject.strip_prefix("dead_letter:")?.parse().ok()
    }
}

/// Why an edit is neither confirmed nor withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditRefusal {
    /// There is no such edit.
    #[error("there is no such edit; `makegood edits list` shows those that wait")]
    NotFound,
    /// An operator decided it.
    #[error("it is {status} already")]
    Decided {
        /// How.
        status: EditStatus,
    },
    /// Who confirms it is no second person, as far as can be told.
    #[error(transparent)]
    NotSecond(#[from] NotSecond),
    /// What it would replace is not what it was made of.
    #[error(
        "the dead letter has changed since this edit was proposed; withdraw the edit, look at it and propose it anew"
    )]
    Outdated,
}
