//! Brings a database to this program's schema: the numbered migrations, then the indexes of the catalogue.

use super::ensure::ensure_in;
use super::error::{LOCK_NOT_AVAILABLE, sql_state};
use super::session::SchemaSession;
use super::statistics::{analyze_unknown, tables_of};
use super::{BuildProgress, IndexOutcome, IndexReport, MANAGED_INDEXES, SchemaError};
use crate::db::Connection;
use serde::Serialize;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use std::collections::BTreeSet;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How long to wait for another migrator, and for the transactions that an index build waits for. Below
/// Lambda's 15 minutes.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often a migration that stopped waiting for a lock is tried again, and how long sales go first in
/// between.
const LOCK_ATTEMPTS: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// One migration that this run applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppliedMigration {
    /// Its number.
    pub version: i64,
    /// Its file name in words.
    pub description: String,
}

/// What a run found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationReport {
    /// The migrations that this run applied, in order.
    pub applied: Vec<AppliedMigration>,
    /// How many were applied before.
    pub already_applied: usize,
    /// Every index of the catalogue.
    pub indexes: Vec<IndexReport>,
    /// Tables that held rows without statistics, as after a bulk load, and were counted (`ANALYZE`).
    pub analyzed: Vec<String>,
    /// What a person should know and do, one sentence each; empty when all is well.
    pub warnings: Vec<String>,
}

impl MigrationReport {
    /// Whether every constraint holds.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.indexes.iter().all(|index| {
            !matches!(
                index.outcome,
                IndexOutcome::Duplicates | IndexOutcome::Partitioned
            )
        })
    }
}

/// Migrates over a direct connection, never a pooler's. Safe to run any number of times and by several at
/// once. Where duplicates or partitions forbid a constraint it goes on without, and says so among the warnings.
///
/// Locks: a session-level advisory lock of its own; the tables' are noted in each migration.
///
/// # Errors
/// When the database can't be reached, a migration fails, or others hold a lock for too long. Each migration
/// is one transaction: what failed left nothing behind, and what came before it stays.
pub async fn migrate(
    options: &PgConnectOptions,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<MigrationReport, SchemaError> {
    let mut session = SchemaSession::open(options, PATIENCE).await?;
    let result = migrate_in(&mut session, report_progress).await;
    session.close().await;
    result
}

/// The names of the tables that the migrations make, or find made by the older system.
#[must_use]
pub fn tables() -> Vec<String> {
    tables_of(MIGRATIONS.iter().map(|migration| migration.sql.as_str()))
}

async fn migrate_in(
    session: &mut SchemaSession,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<MigrationReport, SchemaError> {
    let before = applied_versions(&mut session.conn).await?;
    run_migrations(&mut session.conn).await?;
    let mut indexes = Vec::with_capacity(MANAGED_INDEXES.len());
    for spec in &MANAGED_INDEXES {
        indexes.push(ensure_in(session, spec, report_progress).await?);
    }
    let counted = analyze_unknown(session, &tables()).await?;
    let mut warnings: Vec<String> = indexes.iter().flat_map(IndexReport::warnings).collect();
    warnings.extend(counted.warnings);
    let applied = MIGRATIONS
        .iter()
        .filter(|migration| !before.contains(&migration.version));
    Ok(MigrationReport {
        applied: applied
            .map(|migration| AppliedMigration {
                version: migration.version,
                description: migration.description.to_string(),
            })
            .collect(),
        already_applied: before.len(),
        warnings,
        indexes,
        analyzed: counted.tables,
    })
}

async fn applied_versions(conn: &mut Connection) -> Result<BTreeSet<i64>, SchemaError> {
    let table = &*MIGRATIONS.table_name;
    let driver = conn.driver()?;
    driver.ensure_migrations_table(table).await?;
    let applied = driver.list_applied_migrations(table).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

/// The migrations under our own lock instead of sqlx's. One that waited in vain for a table's lock has let
/// the sales that queued behind it pass, and is tried again.
async fn run_migrations(conn: &mut Connection) -> Result<(), SchemaError> {
    let migrator = Migrator {
        migrations: MIGRATIONS.migrations.clone(),
        locking: false,
        ..Migrator::DEFAULT
    };
    let mut attempt = 1;
    loop {
        match migrator.run_direct(None, conn.driver()?, false).await {
            Err(error) if attempt < LOCK_ATTEMPTS && waited_in_vain(&error) => {
                tracing::warn!(
                    attempt,
                    "a table was locked for too long; letting others pass before the next attempt"
                );
                tokio::time::sleep(LOCK_PAUSE).await;
                attempt += 1;
            }
            other => return Ok(other?),
        }
    }
}

fn waited_in_vain(error: &MigrateError) -> bool {
    match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            sql_state(source).as_deref() == Some(LOCK_NOT_AVAILABLE)
        }
        _ => false,
    }
}
