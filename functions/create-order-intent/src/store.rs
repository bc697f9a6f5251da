//! Carts and intents as this function reads and writes them. None of these commits.

use crate::cart::{Article, CartLine, Snapshot};
use crate::request::{CheckoutRequest, Intent};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::gateway::OpenedPayment;
use makegood::ids::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

/// Takes a transaction-scoped advisory lock on the buyer's key: of two who use it at once, the second sees what the first
/// made. Looking afterwards must be a statement of its own, since one that also locks has its snapshot from before.
///
/// # Errors
/// Those of the database.
pub async fn lock_key(connection: &mut Connection, buyer: UserId, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("create-order-intent:{buyer}:{key}"),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The intent that the buyer made with this key.
///
/// # Errors
/// Those of the database.
pub async fn find_by_key(
    connection: &mut Connection,
    buyer: UserId,
    key: &str,
) -> Result<Option<Intent>, sqlx::Error> {
    sqlx::query_as!(
        Intent,
        r#"SELECT payment_intent_id AS id, provider, amount_cents AS amount_minor, status,
                  gateway_payment_url AS payment_url, metadata -> 'form_fields' AS form_fields, expires_at,
                  metadata ->> 'fingerprint' AS fingerprint
           FROM payment_intents WHERE user_id = $1 AND idempotency_key = $2"#,
        buyer.0,
        key,
    )
    .fetch_optional(connection)
    .await
}

/// The intent of this id.
///
/// # Errors
/// Those of the database.
pub async fn find(connection: &mut Connection, intent_id: &str) -> Result<Option<Intent>, sqlx::Error> {
    sqlx::query_as!(
        Intent,
        r#"SELECT payment_intent_id AS id, provider, amount_cents AS amount_minor, status,
                  gateway_payment_url AS payment_url, metadata -> 'form_fields' AS form_fields, expires_at,
                  metadata ->> 'fingerprint' AS fingerprint
           FROM payment_intents WHERE payment_intent_id = $1"#,
        intent_id,
    )
    .fetch_optional(connection)
    .await
}

/// The buyer's cart: its id, and its lines in the order in which they were put in. None when there is no cart, or
/// nothing in it.
///
/// # Errors
/// Those of the database.
pub async fn load_cart(
    connection: &mut Connection,
    buyer: UserId,
) -> Result<Option<(Uuid, Vec<CartLine>)>, sqlx::Error> {
    let rows = sqlx::query_file!("src/load_cart.sql", buyer.0)
        .fetch_all(connection)
        .await?;
    let cart_id = rows.first().map(|row| row.cart_id);
    let lines = rows.into_iter().map(|row| {
        let article = row.is_known.then_some(Article {
            product_id: row.product_id,
            vendor_id: row.vendor_id,
            sku: row.sku,
            name: row.name,
            price_minor: row.price_minor,
            is_active: row.is_active,
        });
        CartLine {
            variant_id: row.variant_id,
            quantity: row.quantity,
            article,
        }
    });
    let lines = lines.collect();
    Ok(cart_id.map(|cart_id| (cart_id, lines)))
}

/// Inserts a pending intent that the gateway does not know of yet.
///
/// # Errors
/// Those of the database; 23505 when the buyer has an intent with this key.
pub async fn insert_intent(
    connection: &mut Connection,
    requested: &CheckoutRequest,
    intent: &Intent,
    cart_id: Uuid,
    snapshot: &Snapshot,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, amount_cents, status, items,
                                      shipping_address, idempotency_key, metadata, expires_at)
         VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10)",
        intent.id,
        requested.buyer.0,
        cart_id,
        intent.provider,
        intent.amount_minor,
        json!(snapshot.items),
        json!(requested.checkout.shipping_address),
        requested.key,
        json!({"fingerprint": intent.fingerprint}),
        intent.expires_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes where the buyer pays, and until when. False when somebody else did, or the intent came to nothing meanwhile:
/// nothing is written then.
///
/// # Errors
/// Those of the database.
pub async fn open_if_unopened(
    connection: &mut Connection,
    intent_id: &str,
    opened: &OpenedPayment,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payment_intents
         SET external_transaction_id = $2, gateway_payment_url = $3, expires_at = $4, updated_at = $5,
             metadata = coalesce(metadata, '{}') || $6
         WHERE payment_intent_id = $1 AND status = 'pending' AND gateway_payment_url IS NULL",
        intent_id,
        opened.external_transaction_id,
        opened.payment_url,
        expires_at,
        now,
        json!({"form_fields": opened.form_fields}),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves an intent that the gateway did not open to failed, and gives its key back, so that the buyer can try again with
/// it. False when somebody else opened it, or it ended meanwhile: nothing is written then.
///
/// # Errors
/// Those of the database.
pub async fn fail_if_unopened(
    connection: &mut Connection,
    intent_id: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let failure: Value = json!({"failure": reason});
    let done = sqlx::query!(
        "UPDATE payment_intents
         SET status = 'failed', idempotency_key = NULL, updated_at = $3, metadata = coalesce(metadata, '{}') || $2
         WHERE payment_intent_id = $1 AND status = 'pending' AND gateway_payment_url IS NULL",
        intent_id,
        failure,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
