//! Reserves all lines of an intent, or none.

use super::counters::correct_counters;
use super::decide::{Level, Line, Shortage, shortages, wanted_by_variant};
use super::lock::{Locked, lock_intent, lock_stock};
use crate::db::Connection;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What became of the request to reserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Every line has its active reservation.
    All,
    /// These variants have too little, in variant order; nothing was written.
    Short(Vec<Shortage>),
}

/// Reserves the lines for the intent until `expires_at`: one `inventory_reservations` row a line, `quantity_reserved` and
/// `version` raised. The lines of one variant count together. On a shortage nothing is written, and the caller rolls
/// back what it wrote before. A counter by which there would be too little, or that another hand has changed, is counted anew first.
///
/// The intent's row must be there. Locks it, then the variants' stock in variant order.
///
/// # Errors
/// Those of the database; 23503 when there is no such intent, 23514 when a line wants less than one piece.
pub async fn reserve(
    connection: &mut Connection,
    intent_id: &str,
    lines: &[Line],
    expires_at: DateTime<Utc>,
) -> Result<Reserved, sqlx::Error> {
    lock_intent(connection, intent_id).await?;
    let wanted = wanted_by_variant(lines);
    let variant_ids: Vec<Uuid> = wanted.keys().copied().collect();
    let locked = lock_stock(connection, &variant_ids).await?;
    let mut short = shortages(&wanted, &levels(&locked));
    let unsure = locked.iter().filter(|row| !row.is_counted);
    let variants: BTreeSet<Uuid> = short
        .iter()
        .map(|short| short.variant_id)
        .chain(unsure.map(|row| row.level.variant_id))
        .collect();
    if !variants.is_empty() {
        let variants: Vec<Uuid> = variants.into_iter().collect();
        let corrected = correct_counters(connection, &variants).await?;
        if corrected > 0 {
            tracing::warn!(
                corrected,
                ?variants,
                "quantity_reserved was not what the active reservations hold"
            );
            short = shortages(&wanted, &levels(&lock_stock(connection, &variant_ids).await?));
        }
    }
    if !short.is_empty() {
        return Ok(Reserved::Short(with_skus(connection, short).await?));
    }
    hold(connection, intent_id, lines, expires_at).await?;
    Ok(Reserved::All)
}

fn levels(locked: &[Locked]) -> Vec<Level> {
    locked.iter().map(|row| row.level.clone()).collect()
}

/// Names the variants that have no stock row, which is where the others' skus come from.
async fn with_skus(
    connection: &mut Connection,
    mut short: Vec<Shortage>,
) -> Result<Vec<Shortage>, sqlx::Error> {
    for shortage in short.iter_mut().filter(|shortage| shortage.sku.is_empty()) {
        let sku = sqlx::query_scalar!(
            "SELECT sku FROM product_variants WHERE id = $1",
            shortage.variant_id
        )
        .fetch_optional(&mut *connection)
        .await?;
        shortage.sku = sku.unwrap_or_default();
    }
    Ok(short)
}

async fn hold(
    connection: &mut Connection,
    intent_id: &str,
    lines: &[Line],
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let variant_ids: Vec<Uuid> = lines.iter().map(|line| line.variant_id).collect();
    let quantities: Vec<i32> = lines.iter().map(|line| line.quantity).collect();
    sqlx::query_file!(
        "src/stock/reserve.sql",
        intent_id,
        &variant_ids,
        &quantities,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the end of the intent's active reservations; gives back how many. Zero: they were freed or taken meanwhile.
///
/// Locks the intent's row.
///
/// # Errors
/// Those of the database.
pub async fn extend_if_active(
    connection: &mut Connection,
    intent_id: &str,
    expires_at: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    lock_intent(connection, intent_id).await?;
    let done = sqlx::query!(
        "UPDATE inventory_reservations SET expires_at = $2, updated_at = now()
         WHERE payment_intent_id = $1 AND status = 'active'",
        intent_id,
        expires_at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
