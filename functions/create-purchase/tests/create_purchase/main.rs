//! The promises of `create-purchase`, on a real Postgres behind PgBouncer and a real SQS API.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod extensions;
mod guards;
mod index_away;
mod legacy;
mod outcomes;
mod refunded_meanwhile;
mod refusals;
mod renewals;
mod school;
mod storm;
