//! What the sweeps promise, on a real database behind the pooler and real queues.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod healing;
mod health;
mod older_data;
mod outbox;
mod reservations;
mod stale_jobs;
