//! The two locks before the reservations: the intent's row, and its variants' stock in variant order.

use super::decide::{Level, Line};
use crate::db::Connection;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What to do about a row that another transaction holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// Leave it out. A reservation's own row is waited for all the same: whoever changes it holds its intent, and only a person
    /// who does not is met there.
    Skip,
    /// Leave it out, reservations included.
    SkipAll,
    /// Wait for it, as long as the transaction's `lock_timeout` lets it.
    Wait,
}

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

/// Locks the rows of these intents in their order, then the stock of their active reservations and of these lines together, in
/// variant order. Whoever frees and reserves in one transaction takes this first: what is reserved may be other variants than what is
/// wanted, and taking the locks of one after those of the other would be another order than everybody's.
///
/// # Errors
/// Those of the database.
pub(super) async fn lock_intents_and_stock(
    connection: &mut Connection,
    intent_ids: &[String],
    lines: &[Line],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT payment_intent_id FROM payment_intents WHERE payment_intent_id = ANY($1)
         ORDER BY payment_intent_id FOR NO KEY UPDATE",
        intent_ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    let reserved = reserved_variants(connection, intent_ids).await?;
    let wanted = lines.iter().map(|line| line.variant_id);
    let variants: BTreeSet<Uuid> = reserved.into_iter().chain(wanted).collect();
    lock_stock(connection, &variants.into_iter().collect::<Vec<_>>()).await?;
    Ok(())
}

/// Locks the stock of these variants in variant order until the transaction ends. Gives back those that another transaction
/// holds: none with [`Locks::Wait`].
///
/// # Errors
/// Those of the database; 55P03 after a wait.
pub(super) async fn lock_variants(
    connection: &mut Connection,
    variant_ids: &[Uuid],
    locks: Locks,
) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    if locks == Locks::Wait {
        lock_stock(connection, variant_ids).await?;
        return Ok(BTreeSet::new());
    }
    let locked = sqlx::query_scalar!(
        "SELECT variant_id FROM inventory WHERE variant_id = ANY($1) ORDER BY variant_id FOR UPDATE SKIP LOCKED",
        variant_ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    if locked.len() == variant_ids.len() {
        return Ok(BTreeSet::new());
    }
    // A variant without a stock row is locked by no other transaction.
    let there = sqlx::query_scalar!(
        "SELECT variant_id FROM inventory WHERE variant_id = ANY($1)",
        variant_ids
    )
    .fetch_all(connection)
    .await?;
    let locked: BTreeSet<Uuid> = locked.into_iter().collect();
    Ok(there.into_iter().filter(|id| !locked.contains(id)).collect())
}

/// A stock row, locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Locked {
    /// What is there.
    pub(super) level: Level,
    /// Whether no other hand has changed `quantity_reserved` since our own last change of it.
    pub(super) is_counted: bool,
}

/// The stock of these variants, locked in variant order until the transaction ends. A variant that
/// has no row is not among them.
///
/// # Errors
/// Those of the database.
pub(super) async fn lock_stock(
    connection: &mut Connection,
    variant_ids: &[Uuid],
) -> Result<Vec<Locked>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.variant_id, v.sku, i.quantity_available, i.quantity_reserved,
                i.reserved_written IS NOT DISTINCT FROM i.quantity_reserved AS "is_counted!"
         FROM inventory i JOIN product_variants v ON v.id = i.variant_id
         WHERE i.variant_id = ANY($1)
         ORDER BY i.variant_id
         FOR UPDATE OF i"#,
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
        let is_counted = row.is_counted;
        Locked { level, is_counted }
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
