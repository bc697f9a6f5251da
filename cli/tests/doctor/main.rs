//! What `makegood doctor` and `makegood trace` promise, on a real database behind the pooler.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod breaches;
mod clashes;
mod command;
mod database;
mod found;
mod graces;
mod healthy;
mod incidents;
mod scene;
mod shares;
mod times;
mod trace;
mod unseen;
