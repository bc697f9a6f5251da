//! Puts what an order took out of the stock back into it.

use super::lock::lock_stock;
use crate::db::Connection;
use crate::ids::OrderId;
use uuid::Uuid;

/// Whether pieces that this order took are out of the stock, by its movements.
///
/// # Errors
/// Those of the database.
pub async fn is_any_out(connection: &mut Connection, order: OrderId) -> Result<bool, sqlx::Error> {
    Ok(!variants_out(connection, order).await?.is_empty())
}

/// Puts the pieces that this order took, and that are not back yet by its movements, into the stock again, with a `return` movement a
/// variant that refers to the order. Gives back how many pieces; none the second time.
///
/// The caller holds the order's row. Locks the stock of its variants in variant order.
///
/// # Errors
/// Those of the database.
pub async fn put_back(connection: &mut Connection, order: OrderId) -> Result<i64, sqlx::Error> {
    let variants = variants_out(connection, order).await?;
    if variants.is_empty() {
        return Ok(0);
    }
    lock_stock(connection, &variants).await?;
    sqlx::query_file_scalar!("src/stock/put_back.sql", order.0, &variants)
        .fetch_one(connection)
        .await
}

async fn variants_out(connection: &mut Connection, order: OrderId) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT variant_id FROM inventory_movements
         WHERE reference_id = $1 AND reference_type = 'order'
         GROUP BY variant_id HAVING sum(quantity_change) < 0 ORDER BY variant_id",
        order.0,
    )
    .fetch_all(connection)
    .await
}
