//! What `create-order-intent` and the stock under it promise, on real Postgres behind PgBouncer, with a Khalti on a
//! real socket.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod checkout;
mod contention;
mod gateway;
mod idempotency;
mod khalti;
mod limits;
mod locks;
mod prices;
mod replacing;
mod round_trips;
mod same_answers;
mod shop;
mod situations;
mod stock;
mod storm;
mod subjects;
mod sweeping;
mod typed;
