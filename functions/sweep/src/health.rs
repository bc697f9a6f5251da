//! The `health` sweep: keeps what waits at this moment and what was made, so that the console can show how it came to be, and
//! deletes what is old; of what is personal, what its time is over for.

use crate::context::Sweep;
use crate::removal::{self, Removed};
use makegood::health::{self, HealthSweep};
use serde::Serialize;

/// What a run did.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Done {
    #[serde(flatten)]
    health: HealthSweep,
    #[serde(flatten)]
    removed: Removed,
}

/// One look, one row a gauge and minute, one row a figure and bucket; then what is over. Safe to run twice at once: both write the same.
pub(crate) async fn run(sweep: &Sweep) -> Result<Done, sqlx::Error> {
    let health = {
        let mut connection = sweep.publisher.database.acquire().await?;
        health::sample(&mut connection, sweep.clock.now()).await?
    };
    let removed = removal::run(sweep).await?;
    Ok(Done { health, removed })
}
