//! Makes sure of an index on a live table: looks first, repairs what a failed build left behind, builds
//! concurrently, looks again. Safe to run any number of times, and by two at once.

use super::build::{PATIENT_ROUNDS, create, free_name, in_a_moment};
use super::duplicates::find_duplicates;
use super::index::wrongly_defined;
use super::partitions::ensure_partitioned;
use super::progress::BuildProgress;
use super::session::SchemaSession;
use super::{IndexOutcome, IndexReport, IndexSpec, IndexState, SchemaError, index_state};
use crate::db::Connection;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

/// How long to wait for others when the caller does not say.
const PATIENCE: Duration = Duration::from_secs(600);
/// Makes sure of one index over a direct connection, waiting up to ten minutes for others. Writers are never
/// blocked: the build is concurrent and takes SHARE UPDATE EXCLUSIVE. Duplicates and wrongly defined indexes
/// are in the report, not errors.
///
/// # Errors
/// When the database can't be reached or refuses, or others hold the table or the schema lock for too long.
pub async fn ensure_index(
    options: &PgConnectOptions,
    spec: &IndexSpec,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<IndexReport, SchemaError> {
    ensure_index_patiently(options, spec, PATIENCE, report_progress).await
}

/// As [`ensure_index`], waiting for others as long as `patience` says.
///
/// # Errors
/// As [`ensure_index`].
pub async fn ensure_index_patiently(
    options: &PgConnectOptions,
    spec: &IndexSpec,
    patience: Duration,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<IndexReport, SchemaError> {
    let mut session = SchemaSession::open(options, patience).await?;
    let result = ensure_in(&mut session, spec, report_progress).await;
    session.close().await;
    result
}

/// The same inside a session that holds the schema lock already.
pub(super) async fn ensure_in(
    session: &mut SchemaSession,
    spec: &IndexSpec,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<IndexReport, SchemaError> {
    require_table(&mut session.conn, spec).await?;
    if let Some(report) = ensure_partitioned(session, spec, report_progress).await? {
        return Ok(report);
    }
    let mut report = IndexReport::of(spec);
    for _ in 0..PATIENT_ROUNDS {
        report.wrongly_defined = wrongly_defined(&mut session.conn, spec).await?;
        match index_state(&mut session.conn, spec).await? {
            IndexState::Valid { name } => {
                report.serving = Some(name);
                return Ok(report);
            }
            IndexState::Invalid { name } => drop_unfinished(session, spec, &name, &mut report).await?,
            IndexState::Absent | IndexState::WrongDefinition { .. } => {
                if let Some(duplicates) = find_duplicates(&mut session.conn, spec).await? {
                    report.outcome = IndexOutcome::Duplicates;
                    report.duplicates = Some(duplicates);
                    return Ok(report);
                }
                build(session, spec, report_progress).await?;
                report.outcome = if report.dropped_invalid.is_empty() {
                    IndexOutcome::Built
                } else {
                    IndexOutcome::Rebuilt
                };
            }
        }
    }
    Err(SchemaError::StillInvalid {
        index: spec.name.to_owned(),
        attempts: PATIENT_ROUNDS,
    })
}

async fn require_table(conn: &mut Connection, spec: &IndexSpec) -> Result<(), SchemaError> {
    let there = sqlx::query_scalar!(
        r#"SELECT to_regclass($1::text) IS NOT NULL AS "there!""#,
        spec.table
    );
    if there.fetch_one(conn).await? {
        return Ok(());
    }
    Err(SchemaError::TableMissing {
        index: spec.name.to_owned(),
        table: spec.table.to_owned(),
    })
}

/// Drops an unfinished index, unless another session is still building it: then the next look finds it valid or
/// abandoned.
async fn drop_unfinished(
    session: &mut SchemaSession,
    spec: &IndexSpec,
    name: &str,
    report: &mut IndexReport,
) -> Result<(), SchemaError> {
    session.wait_for_builders(spec.table).await?;
    let unfinished = IndexState::Invalid {
        name: name.to_owned(),
    };
    if index_state(&mut session.conn, spec).await? != unfinished {
        return Ok(());
    }
    // The next round tries again; a drop that got half way is finished by the next one.
    if in_a_moment(session, format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await? {
        report.dropped_invalid.push(name.to_owned());
    }
    Ok(())
}

/// One concurrent build. What it met (duplicates since we looked, the name taken by another builder) is found
/// by the next look.
async fn build(
    session: &mut SchemaSession,
    spec: &IndexSpec,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<(), SchemaError> {
    let name = free_name(&mut session.conn, spec).await?;
    let statement = spec.create_statement(&name);
    create(session, spec.table, &name, statement, report_progress).await
}
