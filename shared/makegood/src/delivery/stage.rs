//! What a stage of a pipeline is to the runner that delivers to it.

use super::{Deadline, Delivery, Failure};
use crate::event::{Envelope, EventError};
use std::future::Future;

/// A stage of a pipeline: what it reads, and what it does with a batch.
///
/// ```
/// use makegood::delivery::{Deadline, Failure, Record, Stage};
/// use makegood::event::{Envelope, EventError, PurchaseCreated};
///
/// /// Counts the sessions sold, and refuses more than it may.
/// struct Count {
///     most: i32,
/// }
///
/// impl Stage for Count {
///     const NAME: &'static str = "count";
///     const MAX_ATTEMPTS: u32 = 5;
///     type Input = PurchaseCreated;
///
///     fn read(&self, payload: &str) -> Result<PurchaseCreated, EventError> {
///         PurchaseCreated::parse(payload)
///     }
///
///     fn envelope<'a>(&self, input: &'a PurchaseCreated) -> &'a Envelope {
///         &input.envelope
///     }
///
///     async fn process(&self, records: &[Record<PurchaseCreated>], _: Deadline) -> Result<Vec<Result<(), Failure>>, Failure> {
///         let one = |record: &Record<PurchaseCreated>| match record.input.purchase_tier {
///             tier if tier > self.most => Err(Failure::park("too_many", format!("{tier} sessions"))),
///             _ => Ok(()),
///         };
///         Ok(records.iter().map(one).collect())
///     }
/// }
///
/// assert_eq!(Count { most: 60 }.read("{}").unwrap_err().code(), "missing_field");
/// assert!(Count::PARKS, "unless it says otherwise");
/// ```
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
    /// Most stages call the `parse` of their event.
    ///
    /// ```
    /// use makegood::event::{EventError, PurchaseCreated};
    ///
    /// fn read(payload: &str) -> Result<PurchaseCreated, EventError> {
    ///     PurchaseCreated::parse(payload)
    /// }
    /// assert_eq!(read("not JSON").unwrap_err().code(), "malformed_json");
    /// ```
    ///
    /// # Errors
    /// [`EventError`] naming the field; the record is then parked.
    fn read(&self, payload: &str) -> Result<Self::Input, EventError>;

    /// The identity of an event, for logs and dead letters.
    ///
    /// ```
    /// use makegood::event::{Envelope, PurchaseCreated};
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "PURCHASE_CREATED", "purchaseId": id, "studentId": id, "courseId": id,
    /// #     "purchaseTier": 20}).to_string();
    ///
    /// fn envelope(input: &PurchaseCreated) -> &Envelope {
    ///     &input.envelope
    /// }
    /// assert_eq!(envelope(&PurchaseCreated::parse(&body)?).correlation_id, id);
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    fn envelope<'a>(&self, input: &'a Self::Input) -> &'a Envelope;

    /// Does the work for all records, one result a record, in order.
    ///
    /// ```
    /// use makegood::delivery::{Deadline, Disposition, Failure, Record};
    /// use std::time::Duration;
    ///
    /// async fn process(records: &[Record<String>], deadline: Deadline) -> Result<Vec<Result<(), Failure>>, Failure> {
    ///     if deadline.remaining().is_zero() {
    ///         return Err(Failure::retry("late", "no time was left").of_whole_batch()); // for all records
    ///     }
    ///     Ok(vec![Ok(()); records.len()])
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let late = process(&[], Deadline::after(Duration::ZERO)).await.unwrap_err();
    /// assert_eq!(late.disposition, Disposition::Retry);
    /// # }
    /// ```
    ///
    /// # Errors
    /// When nothing of the slice was done. If that may be one record's fault, the runner splits the slice and calls again, so
    /// whatever is done must be safe to do again.
    fn process(
        &self,
        records: &[Record<Self::Input>],
        deadline: Deadline,
    ) -> impl Future<Output = Result<Vec<Result<(), Failure>>, Failure>> + Send;
}

/// One readable record of a batch.
///
/// ```
/// use makegood::delivery::{Record, Trigger};
/// use serde_json::json;
///
/// let event = json!({"Records": [{"messageId": "m-1", "body": "hello"}]});
/// let delivery = Trigger::decode(event)?.1.remove(0);
/// let record = Record { input: "hello", attempt: delivery.attempt, delivery };
/// assert_eq!((record.attempt, record.delivery.payload.as_deref()), (1, Some(record.input)));
/// # Ok::<(), makegood::delivery::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Record<I> {
    /// As it reached us.
    pub delivery: Delivery,
    /// What it says.
    pub input: I,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}
