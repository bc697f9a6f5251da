//! The one decoder: SQS and MSK events become the same deliveries.

use super::{Delivery, Origin, ReplayMark};
use aws_lambda_events::event::kafka::KafkaEvent;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Which service called, as their answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// An SQS event source.
    Sqs,
    /// An MSK (or self-managed Kafka) event source.
    Kafka,
}

/// Why an invocation can't be read at all. It fails as a whole, on purpose: nothing of it is acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Neither SQS nor MSK.
    #[error("the event is neither an SQS nor an MSK event; see events/ for samples of both")]
    UnknownShape,
    /// The service's own envelope is broken.
    #[error("the {service} event can't be read: {source}")]
    Envelope {
        /// Which service.
        service: &'static str,
        /// What serde said.
        source: serde_json::Error,
    },
    /// Without an id a partial response would acknowledge or fail the wrong messages (FACTS).
    #[error("an SQS message has no messageId; the whole batch is handed back")]
    NoMessageId,
}

impl Trigger {
    /// Decodes an invocation record by record: a body that can't be read is its own record's failure, later.
    ///
    /// # Errors
    /// When the service's envelope can't be read; then the whole invocation must fail.
    pub fn decode(event: Value) -> Result<(Self, Vec<Delivery>), DecodeError> {
        if event
            .get("eventSource")
            .and_then(Value::as_str)
            .is_some_and(|source| source.ends_with("afka"))
        {
            let event = serde_json::from_value(event).map_err(|source| DecodeError::Envelope {
                service: "MSK",
                source,
            })?;
            return Ok((Self::Kafka, kafka_deliveries(event)));
        }
        if event.get("Records").is_none_or(|records| !records.is_array()) {
            return Err(DecodeError::UnknownShape);
        }
        let event: SqsEvent = serde_json::from_value(event).map_err(|source| DecodeError::Envelope {
            service: "SQS",
            source,
        })?;
        let deliveries: Result<_, _> = event.records.into_iter().map(sqs_delivery).collect();
        Ok((Self::Sqs, deliveries?))
    }
}

fn sqs_delivery(message: SqsMessage) -> Result<Delivery, DecodeError> {
    let message_id = message
        .message_id
        .filter(|id| !id.is_empty())
        .ok_or(DecodeError::NoMessageId)?;
    let attempt = message
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let replay = message
        .message_attributes
        .get(ReplayMark::ATTRIBUTE)
        .and_then(|attribute| attribute.string_value.as_deref()?.parse().ok());
    Ok(Delivery {
        payload: message.body,
        attempt,
        origin: Origin::Sqs {
            message_id,
            receipt_handle: message.receipt_handle.unwrap_or_default(),
            queue_arn: message.event_source_arn.unwrap_or_default(),
        },
        replay,
    })
}

/// In partition and offset order, so that a later record of a key never overtakes an earlier one.
fn kafka_deliveries(event: KafkaEvent) -> Vec<Delivery> {
    let mut deliveries: Vec<Delivery> = event
        .records
        .into_values()
        .flatten()
        .map(|record| Delivery {
            payload: record.value.as_deref().map(kafka_payload),
            attempt: 1,
            origin: Origin::Kafka {
                topic: record.topic.unwrap_or_default(),
                partition: record.partition,
                offset: record.offset,
            },
            // Letters of a topic are not sent back to it: every consumer group would get them.
            replay: None,
        })
        .collect();
    deliveries.sort_by_key(|delivery| match &delivery.origin {
        Origin::Kafka {
            topic,
            partition,
            offset,
        } => (topic.clone(), *partition, *offset),
        Origin::Sqs { .. } => (String::new(), 0, 0),
    });
    deliveries
}

/// A value that is no base64 or no UTF-8 is kept as it came, to be refused and parked by its reader.
fn kafka_payload(value: &str) -> String {
    match STANDARD.decode(value) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sqs_and_msk_give_the_same_payload() {
        let body = "{\"type\":\"PURCHASE_CONFIRMED\"}";
        let sqs = json!({"Records": [{"messageId": "m-1", "receiptHandle": "r", "body": body,
            "attributes": {"ApproximateReceiveCount": "3"}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:purchase-confirmed"}]});
        let msk = json!({"eventSource": "aws:kafka", "records": {"purchase-confirmed-0": [
            {"topic": "purchase-confirmed", "partition": 0, "offset": 15, "timestamp": 1, "timestampType": "CREATE_TIME",
             "key": null, "value": STANDARD.encode(body), "headers": []},
            {"topic": "purchase-confirmed", "partition": 0, "offset": 14, "timestamp": 1, "timestampType": "CREATE_TIME",
             "key": null, "value": null, "headers": []}]}});
        let (_, from_sqs) = Trigger::decode(sqs).unwrap();
        let (_, from_msk) = Trigger::decode(msk).unwrap();
        assert_eq!(from_sqs[0].payload, from_msk[1].payload);
        assert_eq!(from_sqs[0].attempt, 3);
        assert_eq!(from_sqs[0].origin.source(), "purchase-confirmed");
        assert_eq!(from_msk[0].payload, None);
        assert_eq!(from_msk[1].origin.message_id(), "0-15");
    }

    #[test]
    fn a_missing_message_id_fails_the_whole_batch_on_purpose() {
        let event = json!({"Records": [{"body": "{}", "eventSource": "aws:sqs"}]});
        assert!(matches!(Trigger::decode(event), Err(DecodeError::NoMessageId)));
    }
}
