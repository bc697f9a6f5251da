//! Kafka as the outbox's transport: one idempotent producer, and a row counts as sent when the broker says so.

use super::OutboxRow;
use super::kafka_login::KafkaContext;
use crate::config::Environment;
use aws_config::SdkConfig;
use rdkafka::client::Client;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How long an event may take until the broker has acknowledged it. Below the shortest time-out of a function that
/// publishes (10 s), with room for its other work; what is not acknowledged by then stays in the outbox.
const DELIVERY_TIMEOUT_MILLIS: &str = "6000";
/// After this long without an answer the link is taken for dead and the request is sent over another: a thawed
/// environment holds links that the broker closed long ago, and must notice while there is time to repeat.
const REQUEST_TIMEOUT_MILLIS: &str = "2000";
/// How long a topic that nobody created is looked for; below the delivery's time, so that the error names it.
const UNKNOWN_TOPIC_MILLIS: &str = "4000";

/// How the broker knows who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaAuth {
    /// By the function's role, over TLS: MSK with IAM access control.
    Iam,
    /// Not at all, in the clear: a broker on this machine.
    Open,
}

/// Where events go, read from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Bootstrap brokers, `host:port`, comma-separated.
    pub brokers: String,
    /// How to log in there.
    pub auth: KafkaAuth,
}

impl KafkaConfig {
    /// Reads `KAFKA_BROKERS`, and `KAFKA_AUTH`: `iam` (unless set) or `none`.
    pub fn read(environment: &mut Environment) -> Self {
        let brokers = environment.list("KAFKA_BROKERS").join(",");
        let auth = match environment.optional("KAFKA_AUTH").as_deref() {
            None | Some("iam") => KafkaAuth::Iam,
            Some("none") => KafkaAuth::Open,
            Some(other) => {
                environment.note(format!("KAFKA_AUTH is {other:?}, it must be iam or none"));
                KafkaAuth::Iam
            }
        };
        Self { brokers, auth }
    }

    /// What librdkafka is told. Acknowledged by every in-sync replica; idempotent, so that a request repeated after a
    /// lost answer neither doubles nor reorders; partitioned as Java's producers do it, so that one key has one
    /// partition whoever writes.
    fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "makegood")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "1")
            .set("message.timeout.ms", DELIVERY_TIMEOUT_MILLIS)
            .set("request.timeout.ms", REQUEST_TIMEOUT_MILLIS)
            .set("socket.timeout.ms", REQUEST_TIMEOUT_MILLIS)
            .set("topic.metadata.propagation.max.ms", UNKNOWN_TOPIC_MILLIS)
            .set("socket.keepalive.enable", "true");
        if self.auth == KafkaAuth::Iam {
            config
                .set("security.protocol", "SASL_SSL")
                .set("sasl.mechanism", "OAUTHBEARER")
                // A built-in OpenSSL knows no certificates of its own.
                .set("ssl.ca.location", "probe");
        }
        config
    }
}

/// Kafka, through one producer an environment. Cloning shares it.
#[derive(Clone)]
pub struct KafkaTransport(Arc<Shared>);

struct Shared {
    config: ClientConfig,
    context: KafkaContext,
    producer: Mutex<FutureProducer<KafkaContext>>,
}

impl fmt::Debug for KafkaTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brokers = self.0.config.get("bootstrap.servers").unwrap_or_default();
        write!(formatter, "KafkaTransport({brokers})")
    }
}

impl KafkaTransport {
    /// Starts the producer. It connects in the background: an unreachable broker fails sends, not the start. Must be
    /// called on a multi-threaded Tokio runtime when the login is IAM's, as its tokens are made on that runtime.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn open(config: &KafkaConfig, aws: &SdkConfig) -> Result<Self, KafkaError> {
        let context = KafkaContext::new(aws);
        let config = config.client_config();
        let producer = config.create_with_context(context.clone())?;
        Ok(Self(Arc::new(Shared {
            config,
            context,
            producer: Mutex::new(producer),
        })))
    }

    /// Sends rows in the order of the outbox, under their correlation ids as keys. Gives back, for each row in order,
    /// why the broker did not acknowledge it in time.
    pub(super) async fn send(&self, rows: &[OutboxRow]) -> Vec<Result<(), String>> {
        let mut in_order: Vec<usize> = (0..rows.len()).collect();
        in_order.sort_by_key(|index| rows[*index].id);
        let producer = self.producer();
        let mut refused = HashSet::new();
        let mut under_way = Vec::with_capacity(rows.len());
        for index in in_order {
            let started = start(&producer, &rows[index], &mut refused);
            under_way.push((index, started));
        }
        let mut results = vec![Ok(()); rows.len()];
        for (index, started) in under_way {
            results[index] = acknowledged(started).await;
        }
        if results.iter().any(Result::is_err) {
            self.replace_if_dead(&producer);
        }
        results
    }

    fn producer(&self) -> FutureProducer<KafkaContext> {
        self.0
            .producer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// An idempotent producer that lost its place is of no more use, by design of the protocol; a new one starts anew.
    fn replace_if_dead(&self, used: &FutureProducer<KafkaContext>) {
        let client: &Client<_> = used.client();
        let Some((code, reason)) = client.fatal_error() else {
            return;
        };
        tracing::warn!(%code, reason, "the Kafka producer is dead; starting another");
        let mut current = self.0.producer.lock().unwrap_or_else(PoisonError::into_inner);
        // Another invocation may have replaced it already.
        if current.client().fatal_error().is_none() {
            return;
        }
        match self.0.config.create_with_context(self.0.context.clone()) {
            Ok(fresh) => *current = fresh,
            Err(error) => tracing::error!(%error, "no other Kafka producer can be started"),
        }
    }
}

/// Hands one row to the producer. Once a row of a key was refused, later ones of that key are held back too: sent now,
/// they would overtake it.
fn start(
    producer: &FutureProducer<KafkaContext>,
    row: &OutboxRow,
    refused: &mut HashSet<String>,
) -> Result<DeliveryFuture, String> {
    let key = correlation_id(row);
    if refused.contains(&key) {
        return Err(format!("an earlier event of correlation id {key} was not sent"));
    }
    let payload = row.payload.to_string();
    let record = FutureRecord::to(&row.topic)
        .key(&key)
        .payload(&payload)
        .headers(headers(row, &key));
    producer.send_result(record).map_err(|(error, _)| {
        refused.insert(key.clone());
        error.to_string()
    })
}

async fn acknowledged(started: Result<DeliveryFuture, String>) -> Result<(), String> {
    match started?.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error.to_string()),
        Err(_) => Err("the producer went away before the broker answered".to_owned()),
    }
}

/// As the event itself says it, so that a key means the same partition to every producer of the payment's events.
fn correlation_id(row: &OutboxRow) -> String {
    metadata(row, "correlationId").map_or_else(|| row.correlation.0.to_string(), str::to_owned)
}

/// eventId, correlationId, eventType, source and version (SPEC 5): what a consumer needs to route without parsing.
fn headers(row: &OutboxRow, correlation_id: &str) -> OwnedHeaders {
    let fields = [
        ("eventId", row.event_id.as_str()),
        ("correlationId", correlation_id),
        ("eventType", row.event_type.as_str()),
        ("source", metadata(row, "source").unwrap_or("unknown")),
        (
            "version",
            metadata(row, "version").unwrap_or(crate::event::Envelope::VERSION),
        ),
    ];
    fields
        .into_iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        })
}

fn metadata<'a>(row: &'a OutboxRow, name: &str) -> Option<&'a str> {
    row.payload
        .get("_metadata")?
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}
