//! The list of what was found unfulfilled, so that it is looked at again however old it is.

use super::{Kind, Unfulfilled};
use crate::db::Connection;
use chrono::{DateTime, Utc};

/// The next ids of a kind on the list after this one, in order; at most so many.
pub(super) async fn listed(
    connection: &mut Connection,
    kind: Kind,
    after: &str,
    most: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM unfulfilled WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3",
        kind.wire_name(),
        after,
        most,
    )
    .fetch_all(connection)
    .await
}

/// Those of these ids that are on the list.
pub(super) async fn which_are_listed(
    connection: &mut Connection,
    kind: Kind,
    ids: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT l.id FROM unnest($2::text[]) i (id) JOIN unfulfilled l ON l.kind = $1 AND l.id = i.id",
        kind.wire_name(),
        ids,
    )
    .fetch_all(connection)
    .await
}

/// Puts these on the list; what is on it stays as it is. Gives back how many are new.
///
/// # Errors
/// Those of the database.
pub async fn put_on_list(
    connection: &mut Connection,
    kind: Kind,
    found: &[Unfulfilled],
) -> Result<u64, sqlx::Error> {
    if found.is_empty() {
        return Ok(0);
    }
    let (ids, since): (Vec<String>, Vec<DateTime<Utc>>) =
        found.iter().map(|row| (row.id(), row.since())).unzip();
    let done = sqlx::query!(
        "INSERT INTO unfulfilled (kind, id, since)
         SELECT $1, f.id, f.since FROM unnest($2::text[], $3::timestamptz[]) AS f (id, since) ORDER BY f.id
         ON CONFLICT (kind, id) DO NOTHING",
        kind.wire_name(),
        &ids,
        &since,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Takes these off the list: they are fulfilled, or a case answers for them.
///
/// # Errors
/// Those of the database.
pub async fn take_off_list(
    connection: &mut Connection,
    kind: Kind,
    ids: &[String],
) -> Result<u64, sqlx::Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query!(
        "DELETE FROM unfulfilled WHERE kind = $1 AND id = ANY($2)",
        kind.wire_name(),
        ids,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
