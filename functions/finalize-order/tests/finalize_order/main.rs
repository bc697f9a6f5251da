//! What `finalize-order` promises, on a real database behind the pooler and real queues.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod edited_stock;
mod given_back;
mod guards;
mod incident;
mod jobs;
mod kills;
mod leases;
mod lock_order;
mod misfits;
mod orders;
mod other_jobs;
mod outages;
mod paid_case;
mod refund_again;
mod refusals;
mod sets;
mod shop;
mod silent_queue;
