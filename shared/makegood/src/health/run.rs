//! The last runs of each sweep, with what they did.

use crate::db::Connection;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepRun {
    /// Its key, growing; 0 before it is written.
    pub id: i64,
    /// Which sweep.
    pub sweep: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub millis: i64,
    /// What it did; none when it failed.
    pub done: Option<Value>,
    /// Why it stopped; none when it ran to its end.
    pub error: Option<String>,
}

/// Keeps a run; its id is given by the database. Rows over fourteen days old are deleted by the sweep `health`.
///
/// # Errors
/// Those of the database; 42P01 while `migrate` has not run.
pub async fn record_run(connection: &mut Connection, run: &SweepRun) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO sweep_runs (sweep, started_at, millis, done, error) VALUES ($1, $2, $3, $4, $5)",
        run.sweep,
        run.started_at,
        run.millis,
        run.done,
        run.error,
    )
    .execute(connection)
    .await?;
    Ok(())
}
