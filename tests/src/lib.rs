//! The harness of the tests: databases of their own behind the pooler, queues, the Lambda runtime around the binaries,
//! and links that can be cut. Test code only: it panics where a test could not go on.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc
)]

pub mod course;
pub mod database;
pub mod environment;
pub mod event_source;
pub mod invariants;
#[cfg(feature = "kafka")]
pub mod kafka_broker;
#[cfg(feature = "kafka")]
pub mod kafka_clients;
#[cfg(feature = "kafka")]
pub mod kafka_course;
#[cfg(feature = "kafka")]
pub mod kafka_server;
#[cfg(feature = "kafka")]
pub mod kafka_source;
pub mod kafka_tap;
pub mod link;
pub mod misbehaving;
pub mod msk_event;
pub mod openapi;
pub mod own_postgres;
pub mod personal;
pub mod public;
pub mod queues;
pub mod reader;
pub mod recorder;
pub mod runtime_api;
pub mod secrets;
pub mod shop;
pub mod sink;
pub mod strict;
pub mod tried;

/// The variable's text.
///
/// Panics with the next step when it is unset.
#[must_use]
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `make test`"))
}
