//! What Lambda calls: a batch of wake-ups. All of them are acknowledged, since the job's row is the truth.

use chrono_tz::Tz;
use makegood::clock::Clock;
use makegood::delivery::Deadline;
use makegood::job::Waker;
use makegood::outbox::Publisher;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// The function's name.
pub const NAME: &str = "finalize-order";

/// The function, with what it needs.
#[derive(Debug)]
pub struct FinalizeOrder {
    /// The database and the way out.
    pub publisher: Publisher,
    /// Wakes a worker when a job that failed is due again; without it the `stale-jobs` sweep finds the job.
    pub waker: Option<Waker>,
    /// The time.
    pub clock: Clock,
    /// Where the shop is: the day in an order's number.
    pub timezone: Tz,
    /// Names this environment in `locked_by`; no two have the same.
    pub worker: String,
    /// How long this worker owns a job.
    pub lease: Duration,
    /// Where new ids come from.
    pub new_id: fn() -> Uuid,
}

impl FinalizeOrder {
    /// Runs jobs until none is runnable or the time is up, whoever the wake-ups were for: a job that another worker took
    /// is its worker's, and one whose wake-up got lost is taken now. Acknowledges every message.
    pub async fn handle(&self, event: Value, deadline: Deadline) -> Value {
        let wake_ups = event.get("Records").and_then(Value::as_array).map_or(0, Vec::len);
        let worked = self.work(deadline).await;
        tracing::info!(
            wake_ups,
            completed = worked.completed,
            requeued = worked.requeued,
            failed = worked.failed,
            lost = worked.lost,
            returned = worked.returned,
            time_was_up = worked.time_was_up,
            "worked"
        );
        json!({"batchItemFailures": []})
    }
}
