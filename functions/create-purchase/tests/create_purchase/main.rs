//! The promises of `create-purchase`, on a real Postgres behind PgBouncer and a real SQS API.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod guards;
mod index_away;
mod legacy;
mod outcomes;
mod refusals;
mod school;
mod storm;
