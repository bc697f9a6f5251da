//! Why a record could not be handled, and the one question a queue asks of it.

use crate::cause::Cause;
use crate::db::{classify, describe};
use crate::disposition::Disposition;
use crate::event::EventError;
use std::fmt;

/// Why a record could not be handled.
///
/// ```
/// use makegood::cause::Cause;
/// use makegood::delivery::{Disposition, Failure};
///
/// let failure = Failure::from(sqlx::Error::PoolClosed);
/// assert_eq!((failure.code, failure.cause), ("database_unavailable", Cause::Outage));
/// assert_eq!((failure.disposition, failure.may_be_one_record), (Disposition::Retry, false));
/// ```
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
    ///
    /// It is the record's own fault, so each time uses up an attempt.
    ///
    /// ```
    /// use makegood::delivery::{Disposition, Failure};
    ///
    /// let failure = Failure::retry("no_trainer", "no trainer is free at 4:00 PM");
    /// assert_eq!(failure.disposition, Disposition::Retry);
    /// assert_eq!(failure.to_string(), "no_trainer: no trainer is free at 4:00 PM");
    /// ```
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
    ///
    /// The record goes to the dead-letter queue at once.
    ///
    /// ```
    /// use makegood::delivery::{Disposition, Failure};
    ///
    /// let failure = Failure::park("unknown_course", "course 7 is not sold");
    /// assert_eq!(failure.disposition, Disposition::Park);
    /// ```
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
    ///
    /// ```
    /// use makegood::delivery::{Disposition, Failure};
    ///
    /// let failure = Failure::acknowledge("purchase_ended", "the purchase ended before its trainer was sought");
    /// assert_eq!(failure.disposition, Disposition::Acknowledge);
    /// ```
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
    ///
    /// ```
    /// use makegood::cause::Cause;
    /// use makegood::delivery::Failure;
    ///
    /// let failure = Failure::retry("cache_unavailable", "Redis does not answer").of_outage();
    /// assert_eq!((failure.cause, failure.may_be_one_record), (Cause::Outage, false));
    /// assert!(!failure.cause.uses_attempt());
    /// ```
    #[must_use]
    pub fn of_outage(mut self) -> Self {
        self.cause = Cause::Outage;
        self.of_whole_batch()
    }

    /// The same, with who is to blame.
    ///
    /// ```
    /// use makegood::cause::Cause;
    /// use makegood::delivery::Failure;
    ///
    /// let failure = Failure::retry("row_locked", "another transaction holds the purchase").because(Cause::Lock);
    /// assert!(failure.may_be_one_record && !failure.cause.uses_attempt());
    /// ```
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// The cause lies outside the records: splitting the batch is no use.
    ///
    /// ```
    /// use makegood::delivery::Failure;
    ///
    /// let failure = Failure::retry("batch_failed", "the batch could not be begun");
    /// assert!(failure.may_be_one_record);
    /// assert!(!failure.of_whole_batch().may_be_one_record);
    /// ```
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
