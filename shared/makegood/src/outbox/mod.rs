//! The outbox: an event is written in the transaction of the change that it tells of, and published after the commit
//! by the same invocation, or by the sweep when that did not happen.

mod fan_out;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kafka")]
mod kafka_login;
mod publish;
mod sqs;
mod store;
mod sweep;
mod transport;

#[cfg(feature = "kafka")]
pub use kafka::{KafkaAuth, KafkaConfig, KafkaTransport};
#[cfg(feature = "kafka")]
pub use kafka_login::KafkaContext;
pub use publish::{Published, Publisher};
pub use sqs::SqsTransport;
pub use store::{LEASE_SECONDS, enqueue, publish_again, retire};
pub use sweep::{OutboxSweep, sweep};
pub use transport::{Transport, TransportConfig, TransportError, read_routes};

use crate::event::EventType;
use crate::ids::CorrelationId;
use serde_json::Value;

/// An event to write to the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEvent {
    /// Deterministic: the same fact always has the same id.
    pub event_id: String,
    /// Its type, which names its topic.
    pub event_type: EventType,
    /// The payment's id.
    pub correlation: CorrelationId,
    /// The whole event as it goes over the wire.
    pub payload: Value,
}

/// A row of the outbox that this invocation may publish.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    /// Its key.
    pub id: i64,
    /// The event's id.
    pub event_id: String,
    /// The event's type on the wire.
    pub event_type: String,
    /// Where it goes.
    pub topic: String,
    /// The payment's id.
    pub correlation: CorrelationId,
    /// The whole event.
    pub payload: Value,
}
