//! Finds a trainer for a purchase: asks the admin service, records the allocation, announces `TRAINER_ALLOCATED`.

mod answer;
mod asking;
mod breaker;
mod client;
mod decide;
mod recording;
mod request;
mod stage;
mod standing;

pub use answer::{Answer, Grant, classify, classify_listing};
pub use breaker::{Breaker, Permit};
pub use client::{AdminService, ClientError, Reply};
pub use request::{Pair, Terms, Wish};
pub use stage::{AllocateTrainer, COLUMNS};
