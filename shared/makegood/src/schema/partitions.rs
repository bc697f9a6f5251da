//! Indexes of partitioned tables. PostgreSQL builds none of those concurrently, and takes over what it finds in the partitions: so each
//! partition gets its index first, without blocking a writer, and the table's own is then a moment's work.

use super::build::{AT_ONCE, PATIENT_ROUNDS, create, create_at_once, drop_at_once, drop_unfinished_named};
use super::duplicates::find_duplicates;
use super::index::{state_of_partition, wrongly_defined};
use super::session::SchemaSession;
use super::{BuildProgress, IndexOutcome, IndexReport, IndexSpec, IndexState, SchemaError, index_state};
use crate::db::Connection;

/// A partition that holds rows.
struct Leaf {
    /// As SQL names it, quoted and with its schema where it must be.
    table: String,
    oid: i64,
}

/// The columns that place a row of this table in a partition, of every level; an expression is an empty text. Empty when the table is whole.
async fn keys(conn: &mut Connection, table: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT coalesce(a.attname::text, '') AS "key!"
           FROM pg_partition_tree(to_regclass($1::text)) t
           JOIN pg_partitioned_table p ON p.partrelid = t.relid
           CROSS JOIN unnest(p.partattrs::int2[]) k (attnum)
           LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0
           ORDER BY 1"#,
        table
    )
    .fetch_all(conn)
    .await
}

async fn leaves(conn: &mut Connection, table: &str) -> Result<Vec<Leaf>, sqlx::Error> {
    sqlx::query_as!(
        Leaf,
        r#"SELECT t.relid::text AS "table!", t.relid::oid::bigint AS "oid!"
           FROM pg_partition_tree(to_regclass($1::text)) t
           JOIN pg_class c ON c.oid = t.relid
           WHERE t.isleaf AND c.relkind = 'r' ORDER BY 2"#,
        table
    )
    .fetch_all(conn)
    .await
}

/// Whether the table can have this index: a unique one of a partitioned table must name every column of the partition key. Reads the
/// catalogue alone.
///
/// # Errors
/// When the catalogue can't be read.
pub async fn can_have(conn: &mut Connection, spec: &IndexSpec) -> Result<bool, sqlx::Error> {
    let keys = keys(conn, spec.table).await?;
    Ok(allows(&keys, spec))
}

fn allows(keys: &[String], spec: &IndexSpec) -> bool {
    !spec.unique || keys.iter().all(|key| spec.columns.contains(&key.as_str()))
}

/// Makes sure of the index of a partitioned table; none when the table is whole. In place of a unique one that it can't have it gets
/// one on the same columns that is not unique: searches need it.
///
/// Locks: SHARE UPDATE EXCLUSIVE on each partition while its index is built; then SHARE on all for a moment, waited for five seconds.
pub(super) async fn ensure_partitioned(
    session: &mut SchemaSession,
    spec: &IndexSpec,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<Option<IndexReport>, SchemaError> {
    let keys = keys(&mut session.conn, spec.table).await?;
    if keys.is_empty() {
        return Ok(None);
    }
    let mut report = IndexReport::of(spec);
    report.wrongly_defined = wrongly_defined(&mut session.conn, spec).await?;
    let wanted = if allows(&keys, spec) {
        *spec
    } else {
        report.partitioned_by = keys;
        spec.for_searches_alone()
    };
    let mut is_busy = false;
    for _ in 0..PATIENT_ROUNDS {
        match index_state(&mut session.conn, &wanted).await? {
            IndexState::Valid { name } => {
                report.serving = Some(name);
                if !report.partitioned_by.is_empty() {
                    report.outcome = IndexOutcome::Partitioned;
                }
                return Ok(Some(report));
            }
            IndexState::Invalid { name } => {
                if drop_at_once(session, &name).await? {
                    report.dropped_invalid.push(name);
                }
            }
            IndexState::Absent | IndexState::WrongDefinition { .. } => {
                if let Some(duplicates) = find_duplicates(&mut session.conn, &wanted).await? {
                    report.outcome = IndexOutcome::Duplicates;
                    report.duplicates = Some(duplicates);
                    return Ok(Some(report));
                }
                for leaf in leaves(&mut session.conn, wanted.table).await? {
                    ensure_in_leaf(session, &wanted, &leaf, report_progress).await?;
                }
                is_busy = !create_at_once(session, &wanted).await?;
                if !is_busy {
                    report.outcome = IndexOutcome::Built;
                }
            }
        }
    }
    if is_busy {
        return Err(SchemaError::TableBusy {
            table: wanted.table.to_owned(),
            waited: AT_ONCE * u32::try_from(PATIENT_ROUNDS).unwrap_or(1),
            holder: "unknown".to_owned(),
        });
    }
    Err(still_invalid(&wanted))
}

/// The index of one partition, built as that of a whole table is.
async fn ensure_in_leaf(
    session: &mut SchemaSession,
    spec: &IndexSpec,
    leaf: &Leaf,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<(), SchemaError> {
    let name = format!("{}_{}", spec.name, leaf.oid);
    for _ in 0..PATIENT_ROUNDS {
        match state_of_partition(&mut session.conn, spec, &leaf.table, &name).await? {
            IndexState::Valid { .. } => return Ok(()),
            IndexState::Invalid { name } => {
                drop_unfinished_named(session, &leaf.table, &name).await?;
            }
            IndexState::Absent => {
                let statement = spec.create_statement_on(&name, &leaf.table);
                create(session, &leaf.table, &name, statement, report_progress).await?;
            }
            IndexState::WrongDefinition { .. } => break,
        }
    }
    Err(still_invalid(spec))
}

fn still_invalid(spec: &IndexSpec) -> SchemaError {
    SchemaError::StillInvalid {
        index: spec.name.to_owned(),
        attempts: PATIENT_ROUNDS,
    }
}
