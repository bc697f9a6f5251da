//! The rows: which intents belong together, and which of them took another's place.

use crate::db::Connection;
use crate::ids::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Another intent of the same checkout, under the lock of its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Its id.
    pub payment_intent_id: String,
    /// It can be paid, and nobody has paid it.
    pub is_open: bool,
    /// The number of its order.
    pub order_number: Option<String>,
}

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

/// As [`lock_buyer`], for the buyer of this intent. False when there is no such intent.
///
/// # Errors
/// Those of the database; 55P03 after a wait.
pub async fn lock_buyer_of(connection: &mut Connection, intent_id: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('checkout:' || user_id, 0))
         FROM payment_intents WHERE payment_intent_id = $1",
        intent_id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends these intents, which nobody has paid: `by` took their place, in the checkout that began with the intent `checkout`. What
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

/// The other intents of this checkout, in their order, locked until the transaction ends. The caller holds the buyer's lock, so
/// there will be no more.
///
/// # Errors
/// Those of the database.
pub async fn lock_related(
    connection: &mut Connection,
    buyer: Uuid,
    checkout: &str,
    intent_id: &str,
) -> Result<Vec<Related>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT payment_intent_id FROM payment_intents
         WHERE user_id = $1 AND metadata ->> 'checkout' = $2 AND payment_intent_id <> $3
         ORDER BY payment_intent_id FOR NO KEY UPDATE",
        buyer,
        checkout,
        intent_id,
    )
    .fetch_all(&mut *connection)
    .await?;
    // A statement of its own, whose snapshot is younger than the locks.
    sqlx::query_as!(
        Related,
        r#"SELECT i.payment_intent_id,
                  i.status IN ('pending', 'processing')
                    AND NOT EXISTS (SELECT FROM payment_gateway_verifications v
                                    WHERE v.payment_intent_id = i.payment_intent_id AND v.status <> 'failed') AS "is_open!",
                  o.order_number AS "order_number?"
           FROM payment_intents i LEFT JOIN orders o ON o.payment_intent_id = i.payment_intent_id
           WHERE i.payment_intent_id = ANY($1) ORDER BY i.payment_intent_id"#,
        &ids,
    )
    .fetch_all(connection)
    .await
}
