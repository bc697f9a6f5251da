//! What decides about the intents of a set: read in one statement, under their locks.

use crate::snapshot::VariantState;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::stock::{self, Level};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A payment intent, under the lock of its row, with what decides about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) payment_intent_id: String,
    pub(crate) user_id: Uuid,
    pub(crate) amount_cents: i64,
    pub(crate) currency: String,
    pub(crate) items: Value,
    /// Its order is there.
    pub(crate) has_order: bool,
    /// When the gateway called it paid; none while it has not.
    pub(crate) verified_at: Option<DateTime<Utc>>,
    /// The buyer wants the money back, or got it.
    pub(crate) refund_requested: bool,
    /// It was paid after its prices had ended, and costs more now.
    pub(crate) price_ended: bool,
    /// The number of the order that another intent of the same checkout became.
    pub(crate) bought_as: Option<String>,
    /// The other intents of the same checkout that can be paid, and that are not paid.
    pub(crate) open: Vec<String>,
    /// What is known today about its items, in their order.
    pub(crate) states: Vec<VariantState>,
    /// Pieces that it and those open ones have active reservations of, by variant.
    pub(crate) held: BTreeMap<Uuid, i64>,
    /// What the variants of its items have, under their locks; read only where an intent of the set does not hold just what it wants, or
    /// where the stock is counted.
    pub(crate) levels: Vec<Level>,
}

/// As the statement gives it.
struct Row {
    payment_intent_id: String,
    user_id: Uuid,
    amount_cents: i64,
    currency: String,
    items: Value,
    has_order: bool,
    verified_at: Option<DateTime<Utc>>,
    refund_requested: bool,
    price_ended: bool,
    bought_as: Option<String>,
    open: Vec<String>,
    has_variant: Vec<bool>,
    has_product: Vec<bool>,
    is_active: Vec<bool>,
    has_vendor: Vec<bool>,
    held_variants: Vec<Uuid>,
    held_pieces: Vec<i64>,
    level_variants: Vec<Uuid>,
    level_skus: Vec<String>,
    level_available: Vec<i32>,
    level_reserved: Vec<i32>,
    level_counted: Vec<bool>,
}

/// The intents of these ids, by id, as far as they are there. The caller holds their locks
/// ([`lock_statements`](crate::locks::lock_statements)). Locks the stock of all of them where it is counted, and where one does not hold
/// just what it wants; what another hand has written into such a row is corrected first.
pub(crate) async fn load_locked(
    connection: &mut Connection,
    intent_ids: &[String],
    counts_stock: bool,
) -> Result<HashMap<String, Facts>, sqlx::Error> {
    let mut rows = rows(&mut *connection, intent_ids, counts_stock).await?;
    let unsure: BTreeSet<Uuid> = rows.iter().flat_map(Row::unsure).collect();
    if !unsure.is_empty() {
        let variants: Vec<Uuid> = unsure.into_iter().collect();
        let corrected = stock::correct_counters(&mut *connection, &variants).await?;
        if corrected > 0 {
            tracing::warn!(
                corrected,
                ?variants,
                "quantity_reserved was not what the active reservations hold"
            );
        }
        rows = self::rows(connection, intent_ids, counts_stock).await?;
    }
    Ok(rows
        .into_iter()
        .map(|row| (row.payment_intent_id.clone(), Facts::from(row)))
        .collect())
}

async fn rows(
    connection: &mut Connection,
    intent_ids: &[String],
    counts_stock: bool,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/facts.sql", intent_ids, counts_stock)
        .fetch_all(connection)
        .await
}

impl Row {
    /// The variants whose counter another hand has written.
    fn unsure(&self) -> impl Iterator<Item = Uuid> {
        let levels = self.level_variants.iter().zip(&self.level_counted);
        levels
            .filter(|(_, is_counted)| !**is_counted)
            .map(|(variant_id, _)| *variant_id)
    }
}

impl From<Row> for Facts {
    fn from(row: Row) -> Self {
        let states = row
            .has_variant
            .iter()
            .zip(&row.has_product)
            .zip(&row.is_active)
            .zip(&row.has_vendor)
            .map(|(((variant, product), active), vendor)| VariantState {
                has_variant: *variant,
                has_product: *product,
                is_active: *active,
                has_vendor: *vendor,
            });
        let levels = row
            .level_variants
            .iter()
            .zip(&row.level_skus)
            .zip(row.level_available.iter().zip(&row.level_reserved))
            .map(|((variant_id, sku), (available, reserved))| Level {
                variant_id: *variant_id,
                sku: sku.clone(),
                quantity_available: *available,
                quantity_reserved: *reserved,
            });
        Self {
            states: states.collect(),
            levels: levels.collect(),
            held: row.held_variants.into_iter().zip(row.held_pieces).collect(),
            payment_intent_id: row.payment_intent_id,
            user_id: row.user_id,
            amount_cents: row.amount_cents,
            currency: row.currency,
            items: row.items,
            has_order: row.has_order,
            verified_at: row.verified_at,
            refund_requested: row.refund_requested,
            price_ended: row.price_ended,
            bought_as: row.bought_as,
            open: row.open,
        }
    }
}
