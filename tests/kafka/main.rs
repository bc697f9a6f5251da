//! The pipeline over a Kafka-protocol broker: what goes out, what comes in, and what must not stand in the way.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod clients;
mod login;
mod order;
mod outbox;
mod parity;
mod poison;
mod rebalance;
mod replay;
mod restart;
mod scene;
