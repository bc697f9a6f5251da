//! Why a record could not be handled, and the one question a queue asks of it.

use crate::cause::Cause;
use crate::db::{classify, describe};
use crate::disposition::Disposition;
use crate::event::EventError;
use std::fmt;

/// Why a record could not be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable, for alarms and filters.
    pub code: &'static str,
    /// For a person: the thing, the value, the next step. No personal data, no secrets.
    pub reason: String,
    /// What becomes of the record.
    pub disposition: Disposition,
    /// Whether a single record can be to blame, so that splitting the batch finds it.
    pub may_be_one_record: bool,
    /// Who is to blame. Only the record's own fault uses up its attempts (docs/decisions/0016).
    pub cause: Cause,
}

impl Failure {
    /// A failure that may pass.
    #[must_use]
    pub fn retry(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            disposition: Disposition::Retry,
            may_be_one_record: true,
            cause: Cause::OwnFault,
        }
    }

    /// A failure that will never pass.
    #[must_use]
    pub fn park(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            disposition: Disposition::Park,
            may_be_one_record: true,
            cause: Cause::OwnFault,
        }
    }

    /// A failure after which the record is done all the same.
    #[must_use]
    pub fn acknowledge(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            disposition: Disposition::Acknowledge,
            may_be_one_record: true,
            cause: Cause::OwnFault,
        }
    }

    /// What the stage needs (the database, the right to log in there) is away, for all records alike.
    #[must_use]
    pub fn of_outage(mut self) -> Self {
        self.cause = Cause::Outage;
        self.of_whole_batch()
    }

    /// The same, with who is to blame.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// The cause lies outside the records: splitting the batch is no use.
    #[must_use]
    pub fn of_whole_batch(mut self) -> Self {
        self.may_be_one_record = false;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.reason)
    }
}

impl std::error::Error for Failure {}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        Self::park(error.code(), error.to_string())
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let class = classify(&error);
        let failure = match class.disposition() {
            Disposition::Park => Self::park(class.code(), describe(&error)),
            Disposition::Retry | Disposition::Acknowledge => Self::retry(class.code(), describe(&error)),
        };
        let failure = failure.because(Cause::from(class));
        if class.may_be_one_record() {
            failure
        } else {
            failure.of_whole_batch()
        }
    }
}
