//! The `health` sweep: keeps what waits at this moment, so that the console can show how it came to be, and deletes what is old.

use crate::handler::Sweep;
use makegood::health::{self, HealthSweep};

/// One look, one row a gauge and minute. Safe to run twice at once: the second writes nothing.
pub(crate) async fn run(sweep: &Sweep) -> Result<HealthSweep, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    health::sample(&mut connection, sweep.clock.now()).await
}
