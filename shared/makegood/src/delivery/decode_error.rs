//! What makes an invocation unreadable.

/// Why an invocation can't be read at all. It fails as a whole, on purpose: nothing of it is acknowledged.
///
/// ```
/// use makegood::delivery::{DecodeError, Trigger};
/// use serde_json::json;
///
/// assert!(matches!(Trigger::decode(json!({"sweep": "outbox"})), Err(DecodeError::UnknownShape)));
/// let nameless = json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]});
/// assert!(matches!(Trigger::decode(nameless), Err(DecodeError::NoMessageId)));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Neither SQS nor MSK.
    #[error("the event is neither an SQS nor an MSK event; see events/ for samples of both")]
    UnknownShape,
    /// Without an id a partial response would acknowledge or fail the wrong messages (FACTS).
    #[error("an SQS message has no messageId; the whole batch is returned")]
    NoMessageId,
}
