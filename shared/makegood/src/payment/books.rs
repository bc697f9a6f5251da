//! What every recording needs, and how it fails.

use crate::db::{Database, ErrorClass, classify};
use crate::payment::Refusal;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use crate::refund::PartialRefund;

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
    #[error("the payment was changed by another program at the same moment")]
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
