//! What a person who is about to deploy is told, by the very command, against an account that answers as AWS documents, and
//! against an emulator.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod account;
mod emulator;
mod given;
mod healthy;
mod made;
mod tables;
mod usage;
