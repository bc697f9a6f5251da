//! Gives a dead letter up. It stays in the table, with its payload.

use super::{DeadLetterId, Refusal, claim};
use crate::audit::{self, Act, Action};
use makegood::db::Connection;
use serde_json::json;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Discard {
    /// It is discarded, and on the record.
    Discarded,
    /// Nothing was changed.
    Refused(Refusal),
}

/// Discards a parked dead letter that no replay is sending. One transaction of the caller; locks its row.
///
/// # Errors
/// Those of the database.
pub async fn discard_parked_dead_letter(
    connection: &mut Connection,
    id: DeadLetterId,
    act: &Act,
) -> Result<Discard, sqlx::Error> {
    if let Err(refusal) = claim::lock_parked(&mut *connection, id.0).await? {
        return Ok(Discard::Refused(refusal));
    }
    sqlx::query!(
        "UPDATE dead_letters SET status = 'discarded', discarded_at = now(), claimed_until = NULL WHERE id = $1",
        id.0
    )
    .execute(&mut *connection)
    .await?;
    audit::record(
        connection,
        act,
        Action::DiscardDeadLetter,
        &id.subject(),
        &json!({}),
    )
    .await?;
    Ok(Discard::Discarded)
}
