//! The two locks before the reservations: the intent's row, and its variants' stock in variant order.

use super::decide::Level;
use crate::db::Connection;
use uuid::Uuid;

/// Locks the intent's row until the transaction ends (`FOR NO KEY UPDATE`, which a foreign key's check does not wait
/// for). False when there is no such intent.
///
/// # Errors
/// Those of the database.
pub async fn lock_intent(connection: &mut Connection, intent_id: &str) -> Result<bool, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT payment_intent_id FROM payment_intents WHERE payment_intent_id = $1 FOR NO KEY UPDATE",
        intent_id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// The stock of these variants, locked in variant order until the transaction ends, with its version. A variant that
/// has no row is not among them.
///
/// # Errors
/// Those of the database.
pub(super) async fn lock_stock(
    connection: &mut Connection,
    variant_ids: &[Uuid],
) -> Result<Vec<(Level, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT i.variant_id, v.sku, i.quantity_available, i.quantity_reserved, i.version
         FROM inventory i JOIN product_variants v ON v.id = i.variant_id
         WHERE i.variant_id = ANY($1)
         ORDER BY i.variant_id
         FOR UPDATE OF i",
        variant_ids,
    )
    .fetch_all(connection)
    .await?;
    let levels = rows.into_iter().map(|row| {
        let level = Level {
            variant_id: row.variant_id,
            sku: row.sku,
            quantity_available: row.quantity_available,
            quantity_reserved: row.quantity_reserved,
        };
        (level, row.version)
    });
    Ok(levels.collect())
}

/// The variants that these intents hold active reservations of. Steady while the caller holds the intents' rows.
///
/// # Errors
/// Those of the database.
pub(super) async fn reserved_variants(
    connection: &mut Connection,
    intent_ids: &[String],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT variant_id FROM inventory_reservations
         WHERE payment_intent_id = ANY($1) AND status = 'active'",
        intent_ids,
    )
    .fetch_all(connection)
    .await
}
