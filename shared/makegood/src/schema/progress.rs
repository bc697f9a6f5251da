//! How far a concurrent index build is, from `pg_stat_progress_create_index`.

use crate::db::Connection;
use serde::Serialize;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// One look at a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildProgress {
    /// The index.
    pub index: String,
    /// Postgres's name of the phase, such as `building index: scanning table`.
    pub phase: String,
    /// How much of the phase is done, in the phase's own unit (blocks, tuples or lockers).
    pub done: u64,
    /// How much there is of it; 0 when Postgres does not know.
    pub total: u64,
    /// The process whose transaction the build waits for.
    pub waiting_for: Option<i32>,
}

/// Reports the build of server process `pid` until it is dropped; it never ends by itself. Without a
/// connection of its own it stays silent: progress is no reason to fail a build.
pub(super) async fn watch(
    options: &PgConnectOptions,
    pid: i32,
    index: &str,
    report: &(dyn Fn(BuildProgress) + Send + Sync),
) {
    let Ok(conn) = options.connect().await else {
        return std::future::pending().await;
    };
    let mut conn = Connection::direct(conn);
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        match read_progress(&mut conn, pid, index).await {
            Ok(Some(progress)) => report(progress),
            Ok(None) => {}
            Err(_) => return std::future::pending().await,
        }
    }
}

async fn read_progress(
    conn: &mut Connection,
    pid: i32,
    index: &str,
) -> Result<Option<BuildProgress>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT phase AS "phase!", current_locker_pid::int AS locker,
                  CASE WHEN lockers_total > 0 THEN lockers_done WHEN tuples_total > 0 THEN tuples_done
                       ELSE blocks_done END AS done,
                  CASE WHEN lockers_total > 0 THEN lockers_total WHEN tuples_total > 0 THEN tuples_total
                       ELSE blocks_total END AS total
           FROM pg_stat_progress_create_index WHERE pid = $1"#,
        pid
    )
    .fetch_optional(conn)
    .await?;
    let count = |value: Option<i64>| u64::try_from(value.unwrap_or_default()).unwrap_or_default();
    Ok(row.map(|row| BuildProgress {
        index: index.to_owned(),
        phase: row.phase,
        done: count(row.done),
        total: count(row.total),
        waiting_for: row.locker.filter(|pid| *pid != 0),
    }))
}
