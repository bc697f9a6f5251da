//! The `sweep` function: each sweep is one schedule with its own input, safe to run twice at once.

mod columns;
mod compare;
mod context;
mod handler;
mod health;
mod name;
mod outbox;
mod pipelines;
mod reconcile;
mod removal;
mod reservations;
mod retention;
mod stale_jobs;
mod statement;

pub use columns::COLUMNS;
pub use context::Sweep;
pub use handler::SweepError;
pub use name::{NoInstant, SweepName, UnknownSweep};
pub use pipelines::Pipelines;
pub use reconcile::{CourseReconciliation, OrderReconciliation, Reconciliation};
pub use reservations::FreedReservations;
pub use retention::Retention;
pub use stale_jobs::StaleJobs;
