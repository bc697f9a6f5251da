//! What a timeline is about.

use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// What a timeline is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Subject {
    /// A payment for a course: the correlation id of its pipeline, whether `payments` knows it or not.
    Payment(Uuid),
    /// A purchase whose payment is not known: one of the older system.
    Purchase(Uuid),
    /// An allocation that belongs to no purchase.
    Allocation(Uuid),
    /// A payment intent of the shop.
    Intent(String),
    /// A job that names no intent.
    Job(Uuid),
    /// A dead letter that names nothing else.
    DeadLetter(Uuid),
}

impl Subject {
    /// What [`super::find()`] accepts and answers with this very subject.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Payment(id)
            | Self::Purchase(id)
            | Self::Allocation(id)
            | Self::Job(id)
            | Self::DeadLetter(id) => id.to_string(),
            Self::Intent(id) => id.clone(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Payment(_) => "payment",
            Self::Purchase(_) => "purchase",
            Self::Allocation(_) => "allocation",
            Self::Intent(_) => "intent",
            Self::Job(_) => "job",
            Self::DeadLetter(_) => "dead letter",
        };
        write!(formatter, "{kind} {}", self.id())
    }
}
