//! The one decoder: SQS and MSK events become the same deliveries.

use super::decode_error::DecodeError;
use super::{Delivery, kafka_record, sqs_record};
use serde_json::Value;

/// Which service called, as their answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// An SQS event source.
    Sqs,
    /// An MSK (or self-managed Kafka) event source.
    Kafka,
}

impl Trigger {
    /// Decodes an invocation record by record: what is wrong with one is its own failure, later, and nobody else's.
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
