//! Runs a stage over a batch so that one bad record never fails its neighbours, panics included.

use super::stage::{Record, Stage};
use super::{Deadline, Failure};
use futures::FutureExt;
use std::any::Any;
use std::ops::Range;
use std::panic::AssertUnwindSafe;

/// What became of each record, in the order of the batch.
pub(super) async fn process_isolated<S: Stage>(
    stage: &S,
    records: &[Record<S::Input>],
    deadline: Deadline,
) -> Vec<Result<(), Failure>> {
    let mut outcomes: Vec<Result<(), Failure>> = records.iter().map(|_| Ok(())).collect();
    let mut ranges: Vec<Range<usize>> = std::iter::once(0..records.len()).collect();
    while let Some(range) = ranges.pop() {
        if range.is_empty() {
            continue;
        }
        match attempt(stage, &records[range.clone()], deadline).await {
            Ok(results) => outcomes[range].clone_from_slice(&results),
            Err(failure) if range.len() > 1 && failure.may_be_one_record => {
                let middle = range.start + range.len() / 2;
                ranges.push(middle..range.end);
                ranges.push(range.start..middle);
            }
            Err(failure) => outcomes[range].fill(Err(failure)),
        }
    }
    outcomes
}

async fn attempt<S: Stage>(
    stage: &S,
    records: &[Record<S::Input>],
    deadline: Deadline,
) -> Result<Vec<Result<(), Failure>>, Failure> {
    // Boxed: a stage's future is deep, and layouts nest only so far.
    let work = AssertUnwindSafe(stage.process(records, deadline).boxed()).catch_unwind();
    let Ok(finished) = tokio::time::timeout_at(deadline.instant(), work).await else {
        return Err(out_of_time());
    };
    let results = finished.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))?;
    if results.len() == records.len() {
        return Ok(results);
    }
    let reason = format!(
        "{} answered for {} of {} records",
        S::NAME,
        results.len(),
        records.len()
    );
    Err(Failure::retry("stage_defect", reason))
}

/// What can't be finished in time is returned; it has not failed by itself.
///
/// ```
/// use makegood::delivery::{Disposition, out_of_time};
///
/// let failure = out_of_time();
/// assert_eq!((failure.code, failure.disposition), ("out_of_time", Disposition::Retry));
/// ```
#[must_use]
pub fn out_of_time() -> Failure {
    Failure::retry(
        OUT_OF_TIME,
        "the function's time ran out before this record was done",
    )
    .of_whole_batch()
}

/// The code of [`out_of_time`].
pub(super) const OUT_OF_TIME: &str = "out_of_time";

/// A defect that this record brings out: parked, to be replayed once it is fixed.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Failure::park("panic", format!("the handler panicked: {message}"))
}
