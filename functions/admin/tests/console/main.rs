//! What the console promises, on real Postgres behind PgBouncer, with a real issuer of tokens.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod access;
mod away;
mod browser;
mod bulk;
mod changes;
mod ended;
mod flood;
mod forms;
mod groups;
mod hostile;
mod issuers;
mod log;
mod login;
mod one_task;
mod outbox;
mod parameters;
mod refunds;
mod samples;
mod second;
mod stack;
mod stage;
mod statement;
mod timeline;
mod unseen;
mod viewers;
mod weeks;
