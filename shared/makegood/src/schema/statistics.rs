//! Statistics of the planner. Without them it takes a table of millions for an empty one, and a plan that reads it whole for the best.

use super::SchemaError;
use super::error::{LOCK_NOT_AVAILABLE, sql_state};
use super::session::SchemaSession;
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// How long to wait for whoever vacuums or alters the table. It is then left, and said.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// What was counted, and what could not be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) tables: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// The tables that these migrations make, or find made by the older system.
pub(super) fn tables_of<'a>(migrations: impl Iterator<Item = &'a str>) -> Vec<String> {
    const MADE: &str = "CREATE TABLE IF NOT EXISTS ";
    migrations
        .flat_map(|text| text.split(MADE).skip(1))
        .filter_map(|rest| {
            rest.split(|character: char| !(character.is_alphanumeric() || character == '_'))
                .next()
        })
        .map(str::to_owned)
        .collect()
}

/// Runs `ANALYZE` on those of these tables that hold rows and were never counted since, as after a bulk load. Reads a sample of each.
///
/// Locks: `SHARE UPDATE EXCLUSIVE` on each table, which blocks no reader and no writer.
pub(super) async fn analyze_unknown(
    session: &mut SchemaSession,
    tables: &[String],
) -> Result<Counted, SchemaError> {
    // Only its owner may; what belongs to another role is that one's to count.
    let unknown = sqlx::query_scalar!(
        r#"SELECT c.relname AS "name!" FROM pg_class c
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname = ANY($1)
             AND c.reltuples <= 0 AND pg_relation_size(c.oid) > 0 AND pg_has_role(c.relowner, 'USAGE')
           ORDER BY c.relname"#,
        tables,
    )
    .fetch_all(&mut session.conn)
    .await?;
    let mut counted = Counted::default();
    if unknown.is_empty() {
        return Ok(counted);
    }
    session.set("lock_timeout", LOCK_TIMEOUT).await?;
    for table in unknown {
        // A name of our own migrations.
        let analyzed = sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE public.{table}")))
            .execute(&mut session.conn)
            .await;
        match analyzed {
            Ok(_) => counted.tables.push(table),
            Err(error) if sql_state(&error).as_deref() == Some(LOCK_NOT_AVAILABLE) => counted.warnings.push(format!(
                "{table} has no statistics and was locked by others; type ANALYZE {table}, or run `makegood migrate` again"
            )),
            Err(error) => return Err(error.into()),
        }
    }
    session.set("lock_timeout", Duration::ZERO).await?;
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_migrations_are_found_by_their_names() {
        let texts = [
            "-- CREATE TABLE one\nCREATE TABLE IF NOT EXISTS a (id int);\nCREATE TABLE IF NOT EXISTS b_2(id int)",
            "SELECT 1",
        ];
        assert_eq!(tables_of(texts.into_iter()), ["a", "b_2"]);
    }
}
