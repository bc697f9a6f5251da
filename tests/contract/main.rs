//! The contract tests.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod agreement;
mod documents;
mod events;
mod expiry;
mod gateway_events;
mod gateways;
mod integrate;
mod layers;
mod no_floats;
mod nothing_private;
mod one_way;
mod privacy;
mod shop_samples;
mod statements;
mod time_zones;
mod types;
