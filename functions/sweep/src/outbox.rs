//! The `outbox` sweep: publishes what a crash left unpublished, and says how much is waiting.

use makegood::delivery::Deadline;
use makegood::outbox::{self, OutboxSweep, Publisher};

/// Sweeps, and sets the gauges that the alarms read.
pub(crate) async fn run(publisher: &Publisher, deadline: Deadline) -> Result<OutboxSweep, sqlx::Error> {
    let done = outbox::sweep(publisher, deadline).await?;
    if let (Some(backlog), Some(oldest_seconds)) = (done.backlog, done.oldest_seconds) {
        metrics::gauge!("OutboxBacklog").set(gauge_value(backlog));
        metrics::gauge!("OutboxOldestSeconds").set(gauge_value(oldest_seconds));
    }
    Ok(done)
}

/// A count as the metrics facade takes it.
pub(crate) fn gauge_value(count: i64) -> f64 {
    f64::from(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
}
