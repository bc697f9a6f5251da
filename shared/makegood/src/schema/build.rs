//! Statements that build and drop indexes, each with the locks that it waits for.

use super::error::{DUPLICATE_NAME, LOCK_NOT_AVAILABLE, UNIQUE_VIOLATION, sql_state};
use super::progress::{BuildProgress, watch};
use super::session::SchemaSession;
use super::{IndexSpec, SchemaError};
use crate::db::Connection;
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// Looks, repairs and builds; more rounds than that means that another session keeps undoing it.
pub(super) const PATIENT_ROUNDS: usize = 5;
/// How long a drop, or the index of a partitioned table, may keep later statements waiting behind its lock.
pub(super) const AT_ONCE: Duration = Duration::from_secs(5);

/// Drops an unfinished index of a partition, once no other session is building it.
pub(super) async fn drop_unfinished_named(
    session: &mut SchemaSession,
    table: &str,
    name: &str,
) -> Result<(), SchemaError> {
    session.wait_for_builders(table).await?;
    in_a_moment(session, format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await?;
    Ok(())
}

/// Drops an index of a partitioned table, which can't be dropped concurrently. False when others held the table.
pub(super) async fn drop_at_once(session: &mut SchemaSession, name: &str) -> Result<bool, SchemaError> {
    in_a_moment(session, format!("DROP INDEX IF EXISTS {name}")).await
}

/// Makes the index of a partitioned table out of those of its partitions. False when others held one of the tables.
pub(super) async fn create_at_once(
    session: &mut SchemaSession,
    spec: &IndexSpec,
) -> Result<bool, SchemaError> {
    let name = free_name(&mut session.conn, spec).await?;
    in_a_moment(session, spec.create_statement_at_once(&name)).await
}

/// Runs a statement that waits five seconds for its locks. False when it waited in vain.
pub(super) async fn in_a_moment(session: &mut SchemaSession, statement: String) -> Result<bool, SchemaError> {
    session.set("lock_timeout", AT_ONCE).await?;
    match sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut session.conn)
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if sql_state(&error).as_deref() == Some(LOCK_NOT_AVAILABLE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The build of this name on this table.
pub(super) async fn create(
    session: &mut SchemaSession,
    table: &str,
    name: &str,
    statement: String,
    report_progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<(), SchemaError> {
    session.set("lock_timeout", session.patience).await?;
    let pid = sqlx::query_scalar!(r#"SELECT pg_backend_pid() AS "pid!""#)
        .fetch_one(&mut session.conn)
        .await?;
    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
    let result = tokio::select! {
        result = statement.execute(&mut session.conn) => result,
        () = watch(&session.options, pid, name, report_progress) => return Ok(()),
    };
    match result {
        Ok(_) => Ok(()),
        Err(error) => match sql_state(&error).as_deref() {
            Some(UNIQUE_VIOLATION | DUPLICATE_NAME) => Ok(()),
            Some(LOCK_NOT_AVAILABLE) => Err(SchemaError::TableBusy {
                table: table.to_owned(),
                waited: session.patience,
                holder: "unknown".to_owned(),
            }),
            _ => Err(error.into()),
        },
    }
}

/// The first of the spec's two names that nothing has.
pub(super) async fn free_name(conn: &mut Connection, spec: &IndexSpec) -> Result<String, SchemaError> {
    for name in spec.own_names() {
        let taken = sqlx::query_scalar!(r#"SELECT to_regclass($1::text) IS NOT NULL AS "taken!""#, name);
        if !taken.fetch_one(&mut *conn).await? {
            return Ok(name);
        }
    }
    Err(SchemaError::NamesTaken {
        index: spec.name.to_owned(),
    })
}
