//! The rows: which intents belong together, and which of them took another's place.

use crate::db::Connection;
use crate::ids::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Takes the buyer's transaction-scoped advisory lock: of two checkouts at once, the second sees what the first made. Reading
/// afterwards must be a statement of its own, since one that also locks has its snapshot from before.
///
/// # Errors
/// Those of the database; 55P03 after a wait.
pub async fn lock_buyer(connection: &mut Connection, buyer: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('checkout:' || $1::uuid, 0))",
        buyer.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends these intents, which are not paid: `by` took their place, in the checkout that began with the intent `checkout`. What
/// they hold is the caller's. Who pays one all the same is still verified.
///
/// # Errors
/// Those of the database.
pub async fn replace(
    connection: &mut Connection,
    intents: &[String],
    by: &str,
    checkout: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_intents
         SET status = 'cancelled', updated_at = $4,
             metadata = coalesce(metadata, '{}') || jsonb_build_object('replaced_by', $2::text, 'checkout', $3::text)
         WHERE payment_intent_id = ANY($1) AND status IN ('pending', 'processing')",
        intents,
        by,
        checkout,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The checkout that an intent of this cart began which ended unpaid and can still be paid, if it holds one of these variants: what
/// the buyer checks out now is part of it. None when there is none, or an order was made since.
///
/// # Errors
/// Those of the database.
pub async fn join_earlier(
    connection: &mut Connection,
    buyer: UserId,
    cart_id: Uuid,
    variants: &[Uuid],
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_file_scalar!("src/replacement/join_earlier.sql", buyer.0, cart_id, variants)
        .fetch_optional(connection)
        .await
}
