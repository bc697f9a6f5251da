//! Finds a trainer for a purchase: asks the admin service, records the allocation, publishes `TRAINER_ALLOCATED`.

mod answer;
mod asking;
mod breaker;
mod client;
mod columns;
mod decide;
mod purchase_state;
mod recording;
mod request;
mod stage;

pub use answer::{Answer, Grant, classify, classify_listing};
pub use breaker::{Breaker, Permit};
pub use client::{AdminService, ClientError, Reply};
pub use columns::COLUMNS;
pub use request::{Pair, Terms, TrainerRequest};
pub use stage::AllocateTrainer;

/// The function's name.
pub(crate) const NAME: &str = "allocate-trainer";
