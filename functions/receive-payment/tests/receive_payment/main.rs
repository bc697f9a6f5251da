//! What `receive-payment` promises, on real Postgres behind PgBouncer, and a real SQS API.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod begun_elsewhere;
mod encoded;
mod ended;
mod erased;
mod lines;
mod objects;
mod offers;
mod parts;
mod prices;
mod prorated;
mod recording;
mod refusals;
mod repeats;
mod returned;
mod rotation;
mod setting;
mod stripe;
mod stripe_returned;
mod sums;
