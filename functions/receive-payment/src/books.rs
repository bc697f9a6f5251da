//! What every recording needs, and how it fails.

use crate::payment::Refusal;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use makegood::db::{Database, ErrorClass, classify};
use std::str::FromStr;

/// Where payments are recorded, and by which rule.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    /// The database.
    pub database: &'a Database,
    /// Whether the operator set `TRUST_WEBHOOK_NOTES=yes`.
    pub trusts_notes: bool,
    /// What a refund of a part comes to.
    pub partial_refund: PartialRefund,
    /// The school's.
    pub timezone: Tz,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// What happens when a part of a payment goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartialRefund {
    /// The purchase goes on as it is.
    #[default]
    Keep,
    /// The purchase goes on, and a case asks a person.
    Case,
}

impl FromStr for PartialRefund {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "keep" => Ok(Self::Keep),
            "case" => Ok(Self::Case),
            _ => Err(UnknownPolicy),
        }
    }
}

/// No policy is called that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be keep or case")]
pub struct UnknownPolicy;

/// Why a payment was not recorded. Nothing of it is stored then.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The sender is wrong about a field; sending the same again is no use.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database is away or busy; the sender comes again.
    #[error("the payment could not be recorded: {0}")]
    Database(#[source] sqlx::Error),
    /// A writer outside this function kept changing the same payment.
    #[error("the payment was changed by somebody else at the same moment")]
    LostRace,
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        const FOREIGN_KEY: &str = "23503";
        let state = error
            .as_database_error()
            .and_then(|error| error.code().map(|code| code.into_owned()));
        match classify(&error) {
            // The only key that `payments` ever had to another table is the student's.
            ErrorClass::BadData if state.as_deref() == Some(FOREIGN_KEY) => {
                Self::Refused(Refusal::wrong("studentId", "a student that is known here"))
            }
            ErrorClass::BadData => Self::Refused(Refusal::Unreadable("holds a value that can't be stored")),
            ErrorClass::Unavailable
            | ErrorClass::LoginRefused
            | ErrorClass::Contention
            | ErrorClass::Aborted
            | ErrorClass::NoArbiter
            | ErrorClass::UniqueViolation
            | ErrorClass::Blocked
            | ErrorClass::SchemaDrift
            | ErrorClass::StaleStatement
            | ErrorClass::Other => Self::Database(error),
        }
    }
}
