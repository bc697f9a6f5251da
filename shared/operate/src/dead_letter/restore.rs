//! Takes a discard back.

use super::{DeadLetterId, DeadLetterStatus, Refusal};
use crate::audit::{self, Act, Action};
use makegood::db::Connection;
use serde_json::json;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Restore {
    /// It is parked again, and on the record.
    Restored,
    /// Nothing was changed.
    Refused(Refusal),
}

/// Parks a discarded dead letter again, at the time at which it was parked. One whose body was removed since (its time was
/// over, or its person was erased) stays discarded: there is nothing to send. One transaction of the caller; locks its row.
///
/// # Errors
/// Those of the database.
pub async fn restore_discarded_dead_letter(
    connection: &mut Connection,
    id: DeadLetterId,
    act: &Act,
) -> Result<Restore, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT status AS "status: DeadLetterStatus", (raw IS NULL AND document IS NULL) AS "is_removed!"
           FROM dead_letters WHERE id = $1 FOR UPDATE"#,
        id.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    let refusal = match found {
        None => Some(Refusal::NotFound),
        Some(found) if found.status != DeadLetterStatus::Discarded => {
            Some(Refusal::NotDiscarded { status: found.status })
        }
        Some(found) => found.is_removed.then_some(Refusal::Removed),
    };
    if let Some(refusal) = refusal {
        return Ok(Restore::Refused(refusal));
    }
    sqlx::query!(
        "UPDATE dead_letters SET status = 'parked', discarded_at = NULL WHERE id = $1",
        id.0
    )
    .execute(&mut *connection)
    .await?;
    audit::record(
        connection,
        act,
        Action::RestoreDeadLetter,
        &id.subject(),
        &json!({}),
    )
    .await?;
    Ok(Restore::Restored)
}
