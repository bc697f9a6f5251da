//! Moves what some intents hold to one of them, or to another: no piece is free for anybody else in between.

use super::decide::Line;
use super::lock::lock_intents_and_stock;
use super::release::{ReleasedAs, release};
use super::reserve::{Reserved, reserve};
use crate::db::Connection;
use chrono::{DateTime, Utc};

/// Frees what `from` hold and reserves the lines for the intent `to` until `expires_at`, all of them or none, under one set of
/// locks: what `from` hold counts as free for `to`, and for no other intent. `to` may be among `from`. On a shortage the caller
/// rolls back; then `from` hold what they held.
///
/// Locks the intents' rows in their order, then the stock of what is held and of what is wanted, in variant order.
///
/// # Errors
/// Those of the database, as [`reserve`].
pub async fn move_to(
    connection: &mut Connection,
    from: &[String],
    to: &str,
    lines: &[Line],
    expires_at: DateTime<Utc>,
) -> Result<Reserved, sqlx::Error> {
    let mut intents = from.to_vec();
    intents.push(to.to_owned());
    lock_intents_and_stock(connection, &intents, lines).await?;
    release(connection, from, ReleasedAs::Released).await?;
    reserve(connection, to, lines, expires_at).await
}

/// Frees what these intents hold.
///
/// Locks as [`move_to`].
///
/// # Errors
/// Those of the database.
pub async fn release_all(connection: &mut Connection, intents: &[String]) -> Result<(), sqlx::Error> {
    lock_intents_and_stock(connection, intents, &[]).await?;
    release(connection, intents, ReleasedAs::Released).await?;
    Ok(())
}
