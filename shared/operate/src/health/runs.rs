//! The last runs of each sweep, with what they did.

use makegood::db::Connection;
use makegood::health::SweepRun;

/// The last run of each sweep that ever ran, by name: one look into the index a name.
///
/// # Errors
/// Those of the database.
pub async fn latest_runs(connection: &mut Connection) -> Result<Vec<SweepRun>, sqlx::Error> {
    sqlx::query_file_as!(SweepRun, "src/health/latest_runs.sql")
        .fetch_all(connection)
        .await
}

/// The runs of one sweep, or of all, newest first, older than `before` (a run's id) when given, at most `most`.
///
/// # Errors
/// Those of the database.
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
