//! What `receive-payment` promises, on real Postgres behind PgBouncer, and a real SQS API.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod begun_elsewhere;
mod ended;
mod erased;
mod objects;
mod prices;
mod prorated;
mod recording;
mod refusals;
mod repeats;
mod returned;
mod rotation;
mod setting;
mod sums;
