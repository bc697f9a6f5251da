//! What Lambda is told when an invocation fails: a code that stays the same, and a sentence.

use crate::db::{LoginError, classify};
use crate::delivery::ConsumerError;
use crate::http;
use crate::schema::SchemaError;
use lambda_runtime::Diagnostic;
use std::error::Error;

/// An error with a stable code, which Lambda shows as `errorType` and filters and metrics of its logs can go by. Rust's own
/// type names change with the code.
///
/// ```
/// use makegood::runtime::{Coded, Failed};
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the course {0} is not sold")]
/// struct NotSold(u32);
///
/// impl Coded for NotSold {
///     fn code(&self) -> &'static str {
///         "not_sold"
///     }
/// }
///
/// let failed = Failed::from(NotSold(7));
/// assert_eq!((failed.code, failed.message.as_str()), ("not_sold", "the course 7 is not sold"));
/// ```
pub trait Coded: Error {
    /// Lower case with underscores; never changed once it was released.
    ///
    /// ```
    /// use makegood::delivery::{ConsumerError, DecodeError};
    /// use makegood::runtime::Coded;
    ///
    /// assert_eq!(ConsumerError::from(DecodeError::UnknownShape).code(), "event_unreadable");
    /// ```
    fn code(&self) -> &'static str;
}

/// Why an invocation failed.
///
/// ```
/// use lambda_runtime::Diagnostic;
/// use makegood::runtime::Failed;
///
/// let failed = Failed { code: "schema", message: "the column purchases.tier is missing".to_owned() };
/// assert_eq!(Diagnostic::from(failed).error_type, "schema");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Stable, for filters.
    pub code: &'static str,
    /// For a person.
    pub message: String,
}

impl Failed {
    /// The time was up before the handler was done.
    pub(super) fn out_of_time() -> Self {
        Self {
            code: "out_of_time",
            message: "the function's time ran out before it was done; its work is begun again".to_owned(),
        }
    }

    /// The handler panicked; the panic's own message is in the log, and may hold anything.
    pub(super) fn panicked() -> Self {
        Self {
            code: "panic",
            message: "the handler panicked; see the log, repair the defect".to_owned(),
        }
    }
}

impl<E: Coded> From<E> for Failed {
    fn from(error: E) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        Self {
            error_type: failed.code.to_owned(),
            error_message: failed.message,
        }
    }
}

impl Coded for ConsumerError {
    fn code(&self) -> &'static str {
        match self {
            Self::Decode(_) => "event_unreadable",
            Self::Returned(_) => "returned",
        }
    }
}

impl Coded for http::RequestError {
    fn code(&self) -> &'static str {
        "request_unreadable"
    }
}

impl Coded for sqlx::Error {
    fn code(&self) -> &'static str {
        classify(self).code()
    }
}

impl Coded for LoginError {
    fn code(&self) -> &'static str {
        "database_login_unreadable"
    }
}

impl Coded for SchemaError {
    fn code(&self) -> &'static str {
        "schema"
    }
}
