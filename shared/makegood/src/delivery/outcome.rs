//! What an invocation did, or why it must come again.

use super::decode_error::DecodeError;

/// What an invocation did, for tests and logs.
///
/// ```
/// use makegood::delivery::Processed;
///
/// let processed = Processed { succeeded: 8, returned: 1, parked: 1 };
/// assert_eq!(processed.succeeded + processed.returned + processed.parked, 10);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Processed {
    /// Done.
    pub succeeded: usize,
    /// To come again.
    pub returned: usize,
    /// In the dead-letter queue.
    pub parked: usize,
}

/// Why an invocation as a whole must come again.
///
/// ```
/// use makegood::delivery::{ConsumerError, DecodeError};
///
/// let error = ConsumerError::from(DecodeError::NoMessageId);
/// assert_eq!(error.to_string(), "an SQS message has no messageId; the whole batch is returned");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// Its envelope can't be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The source can't be told which records to deliver again.
    #[error("{0}")]
    Returned(String),
}
