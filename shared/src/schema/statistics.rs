//! The planner's statistics: a table that was filled and never analyzed gets plans for an empty one.

use crate::db::Connection;
use super::SchemaError;
use sqlx::AssertSqlSafe;

/// Analyzes the tables of this schema that hold rows and were never analyzed, such as those that an import filled; gives back their
/// names. One statement a table, each with a lock that lets readers and writers pass (SHARE UPDATE EXCLUSIVE).
pub(super) async fn analyze_where_missing(conn: &mut Connection) -> Result<Vec<String>, SchemaError> {
    let tables = sqlx::query_scalar!(
        r#"SELECT c.relname::text AS "table!" FROM pg_class c
           WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
             AND pg_relation_size(c.oid) > 0
             AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = current_schema() AND s.tablename = c.relname)
           ORDER BY c.relname"#
    )
    .fetch_all(&mut *conn)
    .await?;
    for table in &tables {
        // A name from the catalogue, quoted.
        let statement = format!("ANALYZE \"{}\"", table.replace('"', "\"\""));
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    Ok(tables)
}
