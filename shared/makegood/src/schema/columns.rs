//! What of the columns that a function uses is not in the live database.

use crate::db::Connection;

/// The tables of these from which row level security hides rows from this role. Reads only; right through a pooler.
///
/// # Errors
/// When the catalogue can't be read.
pub async fn hidden_tables(
    conn: &mut Connection,
    wanted: &[(&str, &[&str])],
) -> Result<Vec<String>, sqlx::Error> {
    let tables: Vec<String> = wanted.iter().map(|(table, _)| (*table).to_owned()).collect();
    sqlx::query_scalar!(
        r#"SELECT name AS "name!" FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, position)
           WHERE coalesce(row_security_active(to_regclass(name)), false) ORDER BY position"#,
        &tables
    )
    .fetch_all(conn)
    .await
}

/// The tables and columns of `wanted` that are missing, as `table` or `table.column`, in the order asked;
/// empty when all are there. Reads only; right through a pooler.
///
/// # Errors
/// When the catalogue can't be read.
pub async fn missing_columns(
    conn: &mut Connection,
    wanted: &[(&str, &[&str])],
) -> Result<Vec<String>, sqlx::Error> {
    let pairs = wanted
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(|column| (*table, *column)));
    let (tables, columns): (Vec<String>, Vec<String>) = pairs
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .unzip();
    let rows = sqlx::query!(
        r#"SELECT wanted.table_name AS "table_name!", wanted.column_name AS "column_name!",
                  to_regclass(wanted.table_name) IS NULL AS "table_missing!"
           FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted(table_name, column_name, position)
           LEFT JOIN pg_attribute attribute ON attribute.attrelid = to_regclass(wanted.table_name)
                                           AND attribute.attname = wanted.column_name
                                           AND attribute.attnum > 0 AND NOT attribute.attisdropped
           WHERE attribute.attname IS NULL
           ORDER BY wanted.position"#,
        &tables,
        &columns
    )
    .fetch_all(conn)
    .await?;
    let mut missing: Vec<String> = rows
        .into_iter()
        .map(|row| {
            if row.table_missing {
                row.table_name
            } else {
                format!("{}.{}", row.table_name, row.column_name)
            }
        })
        .collect();
    missing.dedup();
    Ok(missing)
}
