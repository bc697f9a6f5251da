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

/// The last run of each sweep that ever ran, by name: one look into the index a name.
///
/// # Errors
/// Those of the database.
#[cfg(feature = "operate")]
pub async fn latest_runs(connection: &mut Connection) -> Result<Vec<SweepRun>, sqlx::Error> {
    sqlx::query_file_as!(SweepRun, "src/health/latest_runs.sql")
        .fetch_all(connection)
        .await
}

/// The runs of one sweep, or of all, newest first, older than `before` (a run's id) when given, at most `most`.
///
/// # Errors
/// Those of the database.
#[cfg(feature = "operate")]
pub async fn last_runs(
    connection: &mut Connection,
    sweep: Option<&str>,
    before: Option<i64>,
    most: i64,
) -> Result<Vec<SweepRun>, sqlx::Error> {
    let before = before.unwrap_or(i64::MAX);
    match sweep {
        Some(sweep) => {
            sqlx::query_as!(
                SweepRun,
                "SELECT id, sweep, started_at, millis, done, error FROM sweep_runs
                 WHERE sweep = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                sweep,
                before,
                most,
            )
            .fetch_all(connection)
            .await
        }
        None => {
            sqlx::query_as!(
                SweepRun,
                "SELECT id, sweep, started_at, millis, done, error FROM sweep_runs
                 WHERE id < $1 ORDER BY id DESC LIMIT $2",
                before,
                most,
            )
            .fetch_all(connection)
            .await
        }
    }
}
