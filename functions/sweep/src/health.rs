//! The `health` sweep: keeps what waits at this moment and what was made, so that the console can show how it came to be, and
//! deletes what is old.

use crate::context::Sweep;
use makegood::health::{self, HealthSweep};

/// One look, one row a gauge and minute, one row a figure and bucket. Safe to run twice at once: both write the same.
pub(crate) async fn run(sweep: &Sweep) -> Result<HealthSweep, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    health::sample(&mut connection, sweep.clock.now()).await
}
