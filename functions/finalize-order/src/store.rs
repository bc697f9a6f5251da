//! The rows of an order: read and written, never committed.

use crate::handler::NAME;
use crate::snapshot::{Item, VariantState};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A payment intent, under the lock of its row, with what decides about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Intent {
    pub(crate) payment_intent_id: String,
    pub(crate) user_id: Uuid,
    pub(crate) cart_id: Option<Uuid>,
    pub(crate) provider: String,
    pub(crate) amount_cents: i64,
    pub(crate) currency: String,
    pub(crate) items: Value,
    pub(crate) shipping_address: Option<Value>,
    /// The first intent of the checkout, where one replaced another in it.
    pub(crate) checkout: Option<String>,
    /// When the gateway called it paid; none while it has not.
    pub(crate) verified_at: Option<DateTime<Utc>>,
    /// Its order is there.
    pub(crate) has_order: bool,
    /// Somebody wants the money back, or got it.
    pub(crate) refund_requested: bool,
}

/// What is new about an order; the rest is the intent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewOrder {
    pub(crate) id: Uuid,
    pub(crate) order_number: String,
    pub(crate) confirmed_at: DateTime<Utc>,
}

/// The intent; none when there is no such row. Whether it has an order is asked in a statement of its own, whose snapshot
/// is younger than the lock: the caller holds the row already ([`makegood::stock::lock_intent`]).
pub(crate) async fn load_locked(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<Option<Intent>, sqlx::Error> {
    sqlx::query_as!(
        Intent,
        r#"SELECT i.payment_intent_id, i.user_id, i.cart_id, i.provider, i.amount_cents, i.currency, i.items,
                  i.shipping_address, i.metadata ->> 'checkout' AS checkout, v.verified_at AS "verified_at?",
                  EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = i.payment_intent_id) AS "has_order!",
                  i.given_back_at IS NOT NULL OR
                  EXISTS (SELECT FROM payment_cases c
                          WHERE c.kind = 'refund_due' AND c.subject = i.payment_intent_id
                            AND (c.details ->> 'code' = 'refund_requested' OR c.status = 'resolved')) AS "refund_requested!"
           FROM payment_intents i
           LEFT JOIN LATERAL (SELECT min(verified_at) AS verified_at FROM payment_gateway_verifications v
                              WHERE v.payment_intent_id = i.payment_intent_id AND v.status = 'success') v ON true
           WHERE i.payment_intent_id = $1"#,
        intent_id,
    )
    .fetch_optional(connection)
    .await
}

/// What is known today about these items, in their order.
pub(crate) async fn states(
    connection: &mut Connection,
    items: &[Item],
) -> Result<Vec<VariantState>, sqlx::Error> {
    let variants: Vec<Uuid> = items.iter().map(|item| item.variant_id).collect();
    let products: Vec<Uuid> = items.iter().map(|item| item.product_id).collect();
    let vendors: Vec<Uuid> = items.iter().map(|item| item.vendor_id).collect();
    sqlx::query_as!(
        VariantState,
        r#"SELECT v.id IS NOT NULL AS "has_variant!", p.id IS NOT NULL AS "has_product!",
                  coalesce(v.is_active AND p.is_active, false) AS "is_active!", s.user_id IS NOT NULL AS "has_vendor!"
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY
                AS i (variant_id, product_id, vendor_id, number)
           LEFT JOIN product_variants v ON v.id = i.variant_id
           LEFT JOIN products p ON p.id = i.product_id
           LEFT JOIN vendor_profiles s ON s.user_id = i.vendor_id
           ORDER BY i.number"#,
        &variants,
        &products,
        &vendors,
    )
    .fetch_all(connection)
    .await
}

/// Pieces that the intent has active reservations of, by variant.
pub(crate) async fn held_by_variant(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<BTreeMap<Uuid, i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT variant_id, sum(quantity)::bigint AS "held!" FROM inventory_reservations
           WHERE payment_intent_id = $1 AND status = 'active' GROUP BY variant_id"#,
        intent_id,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.variant_id, row.held)).collect())
}

/// Writes the order unless its number is taken; false then, and nothing is written.
pub(crate) async fn insert_order_if_number_free(
    connection: &mut Connection,
    intent: &Intent,
    order: &NewOrder,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO orders (id, order_number, user_id, payment_intent_id, payment_provider, status, subtotal_cents,
                             total_cents, currency, shipping_address, created_at, confirmed_at)
         VALUES ($1, $2, $3, $4, $5, 'confirmed', $6, $6, $7, $8, $9, $9)
         ON CONFLICT (order_number) DO NOTHING",
        order.id,
        order.order_number,
        intent.user_id,
        intent.payment_intent_id,
        intent.provider,
        intent.amount_cents,
        intent.currency,
        intent.shipping_address,
        order.confirmed_at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes the items of an order; gives back how many.
pub(crate) async fn insert_items(
    connection: &mut Connection,
    order_id: Uuid,
    items: &Value,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO order_items (order_id, variant_id, product_id, vendor_id, sku, product_name, quantity,
                                  unit_price_cents, total_price_cents)
         SELECT $1, variant_id, product_id, vendor_id, sku, name, quantity, unit_price_cents,
                quantity * unit_price_cents
         FROM jsonb_to_recordset($2) AS i (variant_id uuid, product_id uuid, vendor_id uuid, sku text, name text,
                                           quantity integer, unit_price_cents bigint)",
        order_id,
        items,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The intent is fulfilled, and the cases that said that it could not be are resolved, each with its line in the audit log. A case
/// about money that somebody asked back stays.
pub(crate) async fn settle_intent(
    connection: &mut Connection,
    intent_id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query_file!("src/settle_intent.sql", intent_id, now, NAME)
        .execute(connection)
        .await?;
    Ok(())
}
