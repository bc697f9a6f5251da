//! The `health` sweep: says what in the database is other than our SQL relies on, keeps what waits at this moment and what was made,
//! so that the console can show how it came to be, and deletes what is old; of what is personal, what its time is over for.

use crate::context::Sweep;
use crate::removal::{self, Removed};
use makegood::database;
use makegood::db::Connection;
use makegood::health::{self, HealthSweep};
use serde::Serialize;

/// What a run did.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Done {
    /// What in the database is other than our SQL relies on.
    #[serde(rename = "databaseFaults")]
    faults: usize,
    #[serde(flatten)]
    health: HealthSweep,
    #[serde(flatten)]
    removed: Removed,
}

/// Logs each finding that makes statements fail or readers miss rows, with its cure, and sends their number. Comes first in a run: what
/// follows may fail at the same column.
async fn report_faults(connection: &mut Connection) -> Result<usize, sqlx::Error> {
    let faults = database::faults(connection).await?;
    for fault in &faults {
        tracing::error!(
            code = fault.code,
            at = fault.at,
            detail = fault.detail,
            means = fault.means,
            cure = fault.statement.as_deref().unwrap_or(fault.cure),
            "the database is other than our SQL relies on; see `makegood check-database`"
        );
    }
    metrics::gauge!("DatabaseFaults").set(f64::from(u32::try_from(faults.len()).unwrap_or(u32::MAX)));
    Ok(faults.len())
}

/// One look, one row a gauge and minute, one row a figure and bucket; then what is over. Safe to run twice at once: both write the same.
pub(crate) async fn run(sweep: &Sweep) -> Result<Done, sqlx::Error> {
    let (faults, health) = {
        let mut connection = sweep.publisher.database.acquire().await?;
        let faults = report_faults(&mut connection).await?;
        (faults, health::sample(&mut connection, sweep.clock.now()).await?)
    };
    let removed = removal::run(sweep).await?;
    Ok(Done {
        faults,
        health,
        removed,
    })
}
