//! The one decoder: SQS and MSK events become the same deliveries.

use super::decode_error::DecodeError;
use super::{Delivery, kafka_record, sqs_record};
use serde_json::Value;

/// Which service called, as their answers differ.
///
/// ```
/// use makegood::delivery::Trigger;
/// use serde_json::json;
///
/// let (trigger, deliveries) = Trigger::decode(json!({"eventSource": "aws:kafka", "records": {}}))?;
/// assert_eq!((trigger, deliveries.len()), (Trigger::Kafka, 0));
/// # Ok::<(), makegood::delivery::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// An SQS event source.
    Sqs,
    /// An MSK (or self-managed Kafka) event source.
    Kafka,
}

impl Trigger {
    /// Decodes an invocation record by record: what is wrong with one is its own failure, later, and no other's.
    ///
    /// ```
    /// use makegood::delivery::Trigger;
    /// use serde_json::json;
    ///
    /// // Kafka's values are base64.
    /// let event = json!({"eventSource": "aws:kafka", "records": {"purchase-confirmed-0": [
    ///     {"topic": "purchase-confirmed", "partition": 0, "offset": 15, "value": "e30="},
    ///     {"topic": "purchase-confirmed", "partition": 0, "offset": 16, "value": 7},
    /// ]}});
    /// let (_, deliveries) = Trigger::decode(event)?;
    /// assert_eq!(deliveries[0].payload.as_deref(), Some("{}"));
    /// assert!(deliveries[1].defect.is_some(), "its neighbour is read all the same");
    /// # Ok::<(), makegood::delivery::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// When there are no records to be told apart, or an SQS message can't be named; then the whole invocation must fail.
    pub fn decode(event: Value) -> Result<(Self, Vec<Delivery>), DecodeError> {
        let Value::Object(mut event) = event else {
            return Err(DecodeError::UnknownShape);
        };
        // By their lists, which nothing else has: `eventSource` stands in each SQS record, and once in an MSK event.
        if let Some(Value::Array(records)) = event.get_mut("Records").map(Value::take) {
            return Ok((Self::Sqs, sqs_record::deliveries(records)?));
        }
        match event.remove("records") {
            Some(Value::Object(groups)) => Ok((Self::Kafka, kafka_record::deliveries(groups))),
            _ => Err(DecodeError::UnknownShape),
        }
    }
}
