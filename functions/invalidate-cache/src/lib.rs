//! The `invalidate-cache` function: what a student's pages show has changed, so their cached copies go.
//! Redis being down never stops a message: three attempts, one log line, a metric, acknowledged (SPEC 3).

mod cache;
mod change;

pub use cache::{Cache, CacheError};
pub use change::StudentChange;

use backon::{ExponentialBuilder, Retryable};
use makegood::delivery::{Deadline, Failure, Record, Stage};
use makegood::event::{Envelope, EventError};
use makegood::ids::StudentId;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often Redis is asked within one invocation.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Removes the cached pages of every student that an event is about.
#[derive(Debug)]
pub struct InvalidateCache {
    /// Redis.
    pub cache: Cache,
}

impl Stage for InvalidateCache {
    const NAME: &'static str = "invalidate-cache";
    const MAX_ATTEMPTS: u32 = ATTEMPTS;
    const PARKS: bool = false;
    type Input = StudentChange;

    fn read(&self, payload: &str) -> Result<StudentChange, EventError> {
        StudentChange::parse(payload)
    }

    fn envelope<'a>(&self, input: &'a StudentChange) -> &'a Envelope {
        &input.envelope
    }

    /// Always done for every record: delivering it again later would clear pages that were cached since.
    async fn process(
        &self,
        records: &[Record<StudentChange>],
        _deadline: Deadline,
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        if let Err(error) = self.invalidate(&students_of(records)).await {
            metrics::counter!("CacheInvalidationFailed").increment(1);
            log_failure(records, &error);
        }
        Ok(vec![Ok(()); records.len()])
    }
}

impl InvalidateCache {
    async fn invalidate(&self, students: &BTreeSet<StudentId>) -> Result<(), CacheError> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_times(ATTEMPTS as usize - 1)
            .with_jitter();
        (|| self.cache.forget(students)).retry(pauses).await
    }
}

fn students_of(records: &[Record<StudentChange>]) -> BTreeSet<StudentId> {
    records.iter().map(|record| record.input.student_id).collect()
}

/// One line for the batch, under the identity of its first event; the rest are counted.
fn log_failure(records: &[Record<StudentChange>], error: &CacheError) {
    let Some(first) = records.first() else { return };
    tracing::warn!(
        function = InvalidateCache::NAME,
        event_id = first.input.envelope.event_id,
        correlation_id = first.input.envelope.correlation_id,
        attempt = first.attempt,
        records = records.len(),
        redis_attempts = ATTEMPTS,
        %error,
        "cached pages not removed; they stay until they expire"
    );
}
