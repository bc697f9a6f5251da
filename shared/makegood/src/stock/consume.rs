//! Takes what an intent had reserved out of the stock, for its order.

use super::lock::{lock_intent, lock_stock, reserved_variants};
use crate::db::Connection;
use crate::ids::OrderId;
use uuid::Uuid;

/// What became of the reservations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumed {
    /// They are consumed and the pieces are out of the stock: one entry a variant, in variant order.
    Taken(Vec<Taken>),
    /// The intent has no active reservation: [`super::reserve`] again, or the stock is gone. Nothing was written.
    NothingReserved,
    /// A stock row changed its version under the lock, or is not there. The caller must roll back; it may try again.
    Contested,
}

/// Pieces of one variant that were sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The variant.
    pub variant_id: Uuid,
    /// Pieces sold; compare them with what the order has.
    pub quantity: i32,
    /// `quantity_available` afterwards.
    pub quantity_after: i32,
}

/// Consumes the intent's active reservations, lowers `quantity_available` and `quantity_reserved` under a version check,
/// and writes a `sale` movement a variant that refers to the order. A reservation that is past its time but not freed
/// still counts.
///
/// Locks the intent's row, then the stock of its reservations in variant order.
///
/// # Errors
/// Those of the database.
pub async fn consume(
    connection: &mut Connection,
    intent_id: &str,
    order_id: OrderId,
) -> Result<Consumed, sqlx::Error> {
    lock_intent(connection, intent_id).await?;
    let reserved = reserved_variants(connection, &[intent_id.to_owned()]).await?;
    if reserved.is_empty() {
        return Ok(Consumed::NothingReserved);
    }
    let locked = lock_stock(connection, &reserved).await?;
    let (variant_ids, versions): (Vec<Uuid>, Vec<i32>) = locked
        .iter()
        .map(|(level, version)| (level.variant_id, *version))
        .unzip();
    let taken = take(connection, intent_id, &variant_ids, &versions, order_id).await?;
    Ok(if taken.len() == reserved.len() {
        Consumed::Taken(taken)
    } else {
        Consumed::Contested
    })
}

async fn take(
    connection: &mut Connection,
    intent_id: &str,
    variant_ids: &[Uuid],
    versions: &[i32],
    order_id: OrderId,
) -> Result<Vec<Taken>, sqlx::Error> {
    sqlx::query_file_as!(
        Taken,
        "src/stock/consume.sql",
        intent_id,
        variant_ids,
        versions,
        order_id.0
    )
    .fetch_all(connection)
    .await
}
