//! Frees what nobody paid for in time: one chunk of intents a transaction.

use super::release::{Freed, ReleasedAs, free};
use crate::db::Connection;
use chrono::{DateTime, Utc};

/// What one chunk freed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreedIntents {
    /// Intents that were looked at; fewer than asked for means that there are no more for now.
    pub claimed: usize,
    /// What was freed, by intent, in intent order.
    pub freed: Vec<Freed>,
}

/// Frees the reservations that ended by `now`, of up to `most` intents that are not paid (neither `succeeded` nor
/// `processing`, no successful verification), and moves those of them that are `pending` to `expired`. Intents that
/// another transaction holds are left to the next run. Commit each chunk, and call it again while `claimed` is `most`.
///
/// Locks the rows of the intents (skipping locked ones), then the stock of their reservations in variant order.
///
/// # Errors
/// Those of the database.
pub async fn release_expired(
    connection: &mut Connection,
    now: DateTime<Utc>,
    most: i64,
) -> Result<FreedIntents, sqlx::Error> {
    let claimed = sqlx::query_file_scalar!("src/stock/claim_expired.sql", now, most)
        .fetch_all(&mut *connection)
        .await?;
    let freed = free(connection, &claimed, ReleasedAs::Expired, Some(now)).await?;
    let intent_ids: Vec<String> = freed
        .iter()
        .map(|freed| freed.payment_intent_id.clone())
        .collect();
    expire_if_pending(connection, &intent_ids, now).await?;
    Ok(FreedIntents {
        claimed: claimed.len(),
        freed,
    })
}

async fn expire_if_pending(
    connection: &mut Connection,
    intent_ids: &[String],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if intent_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE payment_intents SET status = 'expired', updated_at = $2
         WHERE payment_intent_id = ANY($1) AND status = 'pending'",
        intent_ids,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
