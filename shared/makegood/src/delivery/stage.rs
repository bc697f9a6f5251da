//! What a stage of a pipeline is to the runner that delivers to it.

use super::{Deadline, Delivery, Failure};
use crate::event::{Envelope, EventError};
use std::future::Future;

/// A stage of a pipeline: what it reads, and what it does with a batch.
pub trait Stage: Send + Sync {
    /// The function's name, the dimension of its metrics.
    const NAME: &'static str;
    /// How often a record is tried before it is parked.
    const MAX_ATTEMPTS: u32;
    /// Whether what fails for good is parked; a stage that only warms or cools a cache acknowledges instead.
    const PARKS: bool = true;
    /// The event that it reads.
    type Input: Send + Sync;

    /// Reads one body.
    ///
    /// # Errors
    /// [`EventError`] naming the field; the record is then parked.
    fn read(&self, payload: &str) -> Result<Self::Input, EventError>;

    /// The identity of an event, for logs and dead letters.
    fn envelope<'a>(&self, input: &'a Self::Input) -> &'a Envelope;

    /// Does the work for all records, one result a record, in order.
    ///
    /// An error for the whole slice that may be one record's fault makes the runner split the slice, so whatever
    /// is done must be safe to do again.
    fn process(
        &self,
        records: &[Record<Self::Input>],
        deadline: Deadline,
    ) -> impl Future<Output = Result<Vec<Result<(), Failure>>, Failure>> + Send;
}

/// One readable record of a batch.
#[derive(Debug)]
pub struct Record<I> {
    /// As it reached us.
    pub delivery: Delivery,
    /// What it says.
    pub input: I,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}
