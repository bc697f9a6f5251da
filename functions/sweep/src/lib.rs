//! The `sweep` function: each sweep is one schedule with its own input, safe to run twice at once.

mod columns;
mod compare;
mod context;
mod handler;
mod health;
mod name;
mod outbox;
mod reconcile;
mod reservations;
mod stale_jobs;

pub use columns::COLUMNS;
pub use context::Sweep;
pub use handler::SweepError;
pub use name::{SweepName, UnknownSweep};
pub use reconcile::{CourseReconciliation, OrderReconciliation, Reconciliation};
pub use reservations::FreedReservations;
pub use stale_jobs::StaleJobs;
