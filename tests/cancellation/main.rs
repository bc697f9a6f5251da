//! Cancellation as a kind, not as a case: every stage is dropped after each of its polls, and whatever the same execution
//! environment acknowledges afterwards must be in the database when the environment is gone.
//!
//! Deadlines, `select!`, caught panics and dropped handlers all drop futures (docs/decisions/0015).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod console;
mod course;
mod dead_letters;
mod driver;
mod orders;
mod parts;
mod payments;
mod planted;
mod school;
mod sweeps;
