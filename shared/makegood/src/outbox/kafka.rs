//! Kafka as the outbox's transport: one idempotent producer, and a row counts as sent when the broker says so.

use super::OutboxRow;
use super::kafka_login::KafkaContext;
use crate::config::Environment;
use crate::{limits, message};
use aws_config::SdkConfig;
use rdkafka::client::Client;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A producer is replaced after so many sends in a row of which the broker acknowledged nothing: by then it is of no use,
/// whatever it says of itself.
const SENDS_IN_VAIN: u32 = 3;

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
        let millis = |limit: Duration| limit.as_millis().to_string();
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "makegood")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "1")
            .set("message.timeout.ms", millis(limits::KAFKA.operation))
            .set("request.timeout.ms", millis(limits::KAFKA.attempt))
            .set("socket.timeout.ms", millis(limits::KAFKA.attempt))
            .set(
                "socket.connection.setup.timeout.ms",
                millis(limits::KAFKA.connect),
            )
            .set(
                "topic.metadata.propagation.max.ms",
                millis(limits::KAFKA_UNKNOWN_TOPIC),
            )
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
    current: Mutex<Current>,
}

/// The producer in use.
struct Current {
    producer: FutureProducer<KafkaContext>,
    /// Counts the producers, so that one is replaced once by all who saw it fail.
    generation: u64,
    in_vain: u32,
}

impl fmt::Debug for KafkaTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brokers = self.0.config.get("bootstrap.servers").unwrap_or_default();
        let number = self.current().generation + 1;
        write!(formatter, "KafkaTransport({brokers}, producer {number})")
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
            current: Mutex::new(Current {
                producer,
                generation: 0,
                in_vain: 0,
            }),
        })))
    }

    /// Sends rows in the order of the outbox, under their correlation ids as keys. Gives back, for each row in order,
    /// why the broker did not acknowledge it in time.
    pub(super) async fn send(&self, rows: &[OutboxRow]) -> Vec<Result<(), Refusal>> {
        let mut in_order: Vec<usize> = (0..rows.len()).collect();
        in_order.sort_by_key(|index| rows[*index].id);
        let (producer, generation) = self.producer();
        let latest = Instant::now() + limits::at_most(limits::KAFKA.operation + limits::KAFKA.attempt);
        let mut refused = HashSet::new();
        let mut under_way = Vec::with_capacity(rows.len());
        for index in in_order {
            let started = start(&producer, &rows[index], &mut refused);
            under_way.push((index, started));
        }
        let mut results = vec![Ok(()); rows.len()];
        for (index, started) in under_way {
            let acknowledged = tokio::time::timeout_at(latest, acknowledged(started)).await;
            results[index] = acknowledged.unwrap_or_else(|_| Err(Refusal::of_time()));
        }
        self.judge(&producer, generation, &results);
        results
    }

    fn producer(&self) -> (FutureProducer<KafkaContext>, u64) {
        let current = self.current();
        (current.producer.clone(), current.generation)
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idempotent producer that lost its place is of no more use, by design of the protocol; a new one starts anew. Not
    /// every one says so: a broker that fences a producer (its epoch is an older one, its id is unknown) refuses all that
    /// it sends, and librdkafka reports no fatal error for it.
    fn judge(&self, used: &FutureProducer<KafkaContext>, generation: u64, results: &[Result<(), Refusal>]) {
        let mut current = self.current();
        if current.generation != generation {
            // Another task replaced it meanwhile.
            return;
        }
        if results.iter().any(Result::is_ok) {
            current.in_vain = 0;
        } else if !results.is_empty() {
            current.in_vain += 1;
        }
        let client: &Client<_> = used.client();
        let fatal = client
            .fatal_error()
            .map(|(code, reason)| format!("{code}: {reason}"));
        let fenced = || {
            results
                .iter()
                .filter_map(|result| result.as_ref().err())
                .find(|refusal| refusal.is_fenced)
        };
        let why = fatal
            .or_else(|| fenced().map(|refusal| refusal.reason.clone()))
            .or_else(|| {
                (current.in_vain >= SENDS_IN_VAIN)
                    .then(|| "nothing was acknowledged several times in a row".to_owned())
            });
        let Some(reason) = why else { return };
        tracing::warn!(reason, "the Kafka producer is of no more use; starting another");
        match self.0.config.create_with_context(self.0.context.clone()) {
            Ok(fresh) => {
                *current = Current {
                    producer: fresh,
                    generation: generation + 1,
                    in_vain: 0,
                };
            }
            Err(error) => tracing::error!(%error, "no other Kafka producer can be started"),
        }
    }
}

/// Why the broker did not acknowledge a row.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// Whether the broker no longer knows this producer.
    is_fenced: bool,
    /// Whether the record itself is at fault: sent again, it is refused again.
    pub(super) is_for_good: bool,
}

impl Refusal {
    fn of_time() -> Self {
        Self {
            reason: "the broker did not acknowledge it in time".to_owned(),
            is_fenced: false,
            is_for_good: false,
        }
    }

    fn of_earlier(key: &str) -> Self {
        Self {
            reason: format!("an earlier event of correlation id {key} was not sent"),
            is_fenced: false,
            is_for_good: false,
        }
    }
}

impl From<KafkaError> for Refusal {
    fn from(error: KafkaError) -> Self {
        let is_fenced = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::ProducerFenced
                    | RDKafkaErrorCode::Fenced
                    | RDKafkaErrorCode::InvalidProducerEpoch
                    | RDKafkaErrorCode::InvalidProducerIdMapping
                    | RDKafkaErrorCode::UnknownProducerId
                    | RDKafkaErrorCode::OutOfOrderSequenceNumber
            )
        );
        Self {
            reason: error.to_string(),
            is_fenced,
            is_for_good: error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge),
        }
    }
}

/// Hands one row to the producer. Once a row of a key was refused, later ones of that key are held back too: sent now,
/// they would overtake it.
fn start(
    producer: &FutureProducer<KafkaContext>,
    row: &OutboxRow,
    refused: &mut HashSet<String>,
) -> Result<DeliveryFuture, Refusal> {
    let key = correlation_id(row);
    if refused.contains(&key) {
        return Err(Refusal::of_earlier(&key));
    }
    let payload = message::escaped(row.payload.to_string());
    let record = FutureRecord::to(&row.topic)
        .key(&key)
        .payload(&payload)
        .headers(headers(row, &key));
    producer.send_result(record).map_err(|(error, _)| {
        let refusal = Refusal::from(error);
        // What is never sent can't be overtaken; those behind it must not wait for it.
        if !refusal.is_for_good {
            refused.insert(key.clone());
        }
        refusal
    })
}

async fn acknowledged(started: Result<DeliveryFuture, Refusal>) -> Result<(), Refusal> {
    match started?.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(Refusal::from(error)),
        Err(_) => Err(Refusal {
            reason: "the producer went away before the broker answered".to_owned(),
            is_fenced: false,
            is_for_good: false,
        }),
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
