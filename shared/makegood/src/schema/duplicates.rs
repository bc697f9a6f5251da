//! The rows that forbid a unique index.

use super::IndexSpec;
use crate::db::Connection;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row};

/// How many groups are listed; the rest is counted.
const LISTED_GROUPS: i64 = 20;

/// Rows that share a key which the index wants to be unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// How many keys have more than one row.
    pub groups: i64,
    /// How many rows these keys have together.
    pub rows: i64,
    /// The first of them, most rows first.
    pub listed: Vec<DuplicateGroup>,
}

/// One key with more than one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuplicateGroup {
    /// `column=value` for each of the key's columns.
    pub key: Vec<String>,
    /// How many rows have it.
    pub rows: i64,
    /// The primary keys of the first ten of them.
    pub ids: Vec<String>,
}

/// The duplicates that forbid `spec`, or `None`. Reads the whole table once and takes no lock beyond that of
/// a reader.
pub async fn find_duplicates(
    conn: &mut Connection,
    spec: &IndexSpec,
) -> Result<Option<Duplicates>, sqlx::Error> {
    if !spec.unique {
        return Ok(None);
    }
    let rows = sqlx::query(AssertSqlSafe(statement(spec)))
        .bind(LISTED_GROUPS)
        .fetch_all(conn)
        .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let (groups, total) = (first.try_get("all_groups")?, first.try_get("all_rows")?);
    let listed = rows
        .iter()
        .map(|row| group(row, spec))
        .collect::<Result<_, _>>()?;
    Ok(Some(Duplicates {
        groups,
        rows: total,
        listed,
    }))
}

fn group(row: &sqlx::postgres::PgRow, spec: &IndexSpec) -> Result<DuplicateGroup, sqlx::Error> {
    let values: Vec<String> = row.try_get("key")?;
    let key = spec
        .columns
        .iter()
        .zip(values)
        .map(|(column, value)| format!("{column}={value}"))
        .collect();
    Ok(DuplicateGroup {
        key,
        rows: row.try_get("rows")?,
        ids: row.try_get("ids")?,
    })
}

/// Nulls are distinct in a unique index, so rows with one are no duplicates.
fn statement(spec: &IndexSpec) -> String {
    let key = spec.columns.join(", ");
    let texts = spec
        .columns
        .iter()
        .map(|column| format!("{column}::text"))
        .collect::<Vec<_>>()
        .join(", ");
    let not_null = spec.columns.iter().map(|column| format!("{column} IS NOT NULL"));
    let conditions = spec
        .predicate
        .map(|predicate| format!("({predicate})"))
        .into_iter()
        .chain(not_null);
    let conditions = conditions.collect::<Vec<_>>().join(" AND ");
    let id = if spec.table == "processed_events" {
        "event_id"
    } else {
        "id"
    };
    format!(
        "SELECT ARRAY[{texts}] AS key, count(*) AS rows, \
                (array_agg({id}::text ORDER BY created_at, {id}))[1:10] AS ids, \
                count(*) OVER () AS all_groups, (sum(count(*)) OVER ())::bigint AS all_rows \
         FROM {table} WHERE {conditions} GROUP BY {key} HAVING count(*) > 1 \
         ORDER BY count(*) DESC, {key} LIMIT $1",
        table = spec.table,
    )
}
