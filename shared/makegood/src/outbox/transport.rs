//! What carries events away: SQS with fan-out to every subscribed queue, or Kafka where the build has it.

use super::OutboxRow;
use super::fan_out::{Resting, Sent};
use super::sqs::SqsTransport;
#[cfg(feature = "kafka")]
use super::{KafkaConfig, KafkaTransport};
use crate::config::Environment;
use crate::event::EventType;
use crate::limits;
use aws_config::SdkConfig;
use std::collections::HashMap;
#[cfg(feature = "kafka")]
use std::collections::HashSet;

/// How events leave the database.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To SQS queues.
    Sqs(SqsTransport),
    /// To Kafka topics.
    #[cfg(feature = "kafka")]
    Kafka(KafkaTransport),
}

/// Where events are to go, read from the environment.
#[derive(Debug, Clone)]
pub enum TransportConfig {
    /// To these queues by topic.
    Sqs(HashMap<String, Vec<String>>),
    /// To these brokers.
    #[cfg(feature = "kafka")]
    Kafka(KafkaConfig),
}

/// Why a transport can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// librdkafka refused its configuration.
    #[cfg(feature = "kafka")]
    #[error("the Kafka producer can't be started: {0}; check KAFKA_BROKERS and KAFKA_AUTH")]
    Kafka(#[from] rdkafka::error::KafkaError),
}

impl TransportConfig {
    /// Reads `TRANSPORT`, `sqs` unless set, and what it needs: for SQS `QUEUE_URL_<TOPIC>` of these event types, for Kafka
    /// `KAFKA_BROKERS`. A build without the feature `kafka` refuses Kafka here, by name.
    pub fn read(environment: &mut Environment, event_types: &[EventType]) -> Self {
        let transport = environment.optional("TRANSPORT");
        match transport.as_deref() {
            None | Some("sqs") => Self::Sqs(read_routes(environment, event_types)),
            Some("kafka") => Self::read_kafka(environment),
            Some(other) => {
                environment.note(format!("TRANSPORT is {other:?}, it must be sqs or kafka"));
                Self::Sqs(HashMap::new())
            }
        }
    }

    #[cfg(feature = "kafka")]
    fn read_kafka(environment: &mut Environment) -> Self {
        Self::Kafka(KafkaConfig::read(environment))
    }

    #[cfg(not(feature = "kafka"))]
    fn read_kafka(environment: &mut Environment) -> Self {
        environment.note(
            "TRANSPORT is \"kafka\", but this binary was built without the cargo feature kafka-vendored; \
             build it as docs/deploy.md says under MSK, or set TRANSPORT to sqs"
                .to_owned(),
        );
        Self::Sqs(HashMap::new())
    }

    /// Opens the transport. Nothing is connected yet.
    ///
    /// # Errors
    /// When the Kafka client refuses its configuration.
    pub fn open(self, aws: &SdkConfig) -> Result<Transport, TransportError> {
        match self {
            Self::Sqs(routes) => Ok(Transport::Sqs(SqsTransport::new(limits::queues(aws), routes))),
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => Ok(Transport::Kafka(KafkaTransport::open(&config, aws)?)),
        }
    }
}

/// Reads `QUEUE_URL_<TOPIC>` of these event types; each lists the subscribed queues.
pub fn read_routes(environment: &mut Environment, event_types: &[EventType]) -> HashMap<String, Vec<String>> {
    event_types
        .iter()
        .map(|event_type| {
            let topic = event_type.topic();
            let name = format!("QUEUE_URL_{}", topic.to_uppercase().replace('-', "_"));
            (topic.to_owned(), environment.list(&name))
        })
        .collect()
}

impl Transport {
    /// Sends rows to everyone who subscribes to their topics. Gives back, for each row in order, why it did not reach
    /// all of them; a row that reached some of them is sent again to all, which consumers must bear anyway.
    pub async fn send(&self, rows: &[OutboxRow]) -> Vec<Result<(), String>> {
        let sent = self.send_the_rest(rows, &[], &mut Resting::default()).await;
        sent.into_iter()
            .map(|sent| sent.failure.map_or(Ok(()), Err))
            .collect()
    }

    /// As [`Transport::send`], but to those queues only that are not among the row's `taken_by` (by index; none for a row beyond
    /// its end) and don't rest. What fails as a whole is put to rest.
    pub(super) async fn send_the_rest(
        &self,
        rows: &[OutboxRow],
        taken_by: &[Vec<String>],
        resting: &mut Resting,
    ) -> Vec<Sent> {
        match self {
            Self::Sqs(sqs) => sqs.send(rows, taken_by, resting).await,
            #[cfg(feature = "kafka")]
            Self::Kafka(kafka) => {
                let results = kafka.send(rows).await;
                let reached: HashSet<&str> = rows
                    .iter()
                    .zip(&results)
                    .filter(|(_, result)| result.is_ok())
                    .map(|(row, _)| row.topic.as_str())
                    .collect();
                for row in rows.iter().filter(|row| !reached.contains(row.topic.as_str())) {
                    resting.rest_topic(&row.topic);
                }
                let sent = results.into_iter().zip(rows).map(|(result, row)| {
                    let refusal = result.as_ref().err().filter(|refusal| refusal.is_for_good);
                    Sent {
                        taken_by: Vec::new(),
                        refused_by: refusal.map(|_| row.topic.clone()).into_iter().collect(),
                        failure: result.err().map(|refusal| refusal.reason),
                    }
                });
                sent.collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(variables: &[(&str, &str)]) -> String {
        let mut environment = Environment::of(variables);
        TransportConfig::read(&mut environment, &[EventType::PurchaseCreated]);
        environment
            .finish()
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn an_unknown_transport_is_refused_by_name() {
        let message = problems(&[("TRANSPORT", "pigeon")]);
        assert!(
            message.contains("TRANSPORT is \"pigeon\", it must be sqs or kafka"),
            "{message}"
        );
    }

    #[cfg(not(feature = "kafka"))]
    #[test]
    fn kafka_is_refused_by_a_build_that_does_not_carry_it() {
        let message = problems(&[("TRANSPORT", "kafka"), ("KAFKA_BROKERS", "localhost:9092")]);
        assert!(
            message.contains("built without the cargo feature kafka-vendored"),
            "{message}"
        );
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn kafka_needs_brokers_and_no_queues() {
        assert_eq!(
            problems(&[("TRANSPORT", "kafka"), ("KAFKA_BROKERS", "localhost:9092")]),
            ""
        );
        let message = problems(&[("TRANSPORT", "kafka"), ("KAFKA_AUTH", "password")]);
        assert!(message.contains("KAFKA_BROKERS is missing"), "{message}");
        assert!(
            message.contains("KAFKA_AUTH is \"password\", it must be iam or none"),
            "{message}"
        );
    }
}
