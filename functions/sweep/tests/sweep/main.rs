//! What the sweeps promise, on a real database behind the pooler and real queues.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod carried;
mod closed_tabs;
mod counter;
mod encoded;
mod faults;
mod guards;
mod healing;
mod health;
mod imported;
mod older_data;
mod orders_of_providers;
mod outbox;
mod owed;
mod paid_orders;
mod pipelines;
mod refunds;
mod reservations;
mod retention;
mod stale_jobs;
mod statement;
mod statement_orders;
mod statement_runs;
mod statement_stripe;
mod statement_stripe_runs;
mod turns;
mod unfulfilled;
mod unpriced;
mod waiting;
mod weeks;
