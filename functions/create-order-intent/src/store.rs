//! Carts and intents as this function reads and writes them. None of these commits.

use crate::cart::{Article, CartLine, Snapshot};
use crate::limits::Held;
use crate::open::{OpenIntent, metadata};
use crate::request::{CheckoutRequest, Intent};
use chrono::{DateTime, TimeDelta, Utc};
use makegood::db::Connection;
use makegood::gateway::OpenedPayment;
use makegood::ids::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

/// The intent that the buyer made with this key, or was given again for it.
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
                  metadata ->> 'fingerprint' AS fingerprint, metadata ->> 'checkout' AS checkout,
                  metadata ->> 'replaced_by' AS replaced_by
           FROM payment_intents
           WHERE user_id = $1 AND (idempotency_key = $2 OR metadata -> 'idempotency_keys' ? $2)
           ORDER BY idempotency_key = $2 DESC NULLS LAST LIMIT 1"#,
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
                  metadata ->> 'fingerprint' AS fingerprint, metadata ->> 'checkout' AS checkout,
                  metadata ->> 'replaced_by' AS replaced_by
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
            seen_minor: row.seen_minor,
            article,
        }
    });
    let lines = lines.collect();
    Ok(cart_id.map(|cart_id| (cart_id, lines)))
}

/// The buyer's intents of this cart that are pending or processing, the oldest first, locked until the transaction ends. The caller
/// holds the buyer's lock, so there will be no more.
///
/// # Errors
/// Those of the database.
pub async fn lock_open(
    connection: &mut Connection,
    buyer: UserId,
    cart_id: Uuid,
) -> Result<Vec<OpenIntent>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT payment_intent_id FROM payment_intents
         WHERE user_id = $1 AND cart_id = $2 AND status IN ('pending', 'processing')
         ORDER BY payment_intent_id FOR NO KEY UPDATE",
        buyer.0,
        cart_id,
    )
    .fetch_all(&mut *connection)
    .await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // A statement of its own, whose snapshot is younger than the locks: one may have been paid meanwhile.
    let rows = sqlx::query_file!("src/open_intents.sql", &ids)
        .fetch_all(connection)
        .await?;
    let open = rows.into_iter().map(|row| OpenIntent {
        intent: Intent {
            id: row.id,
            provider: row.provider,
            amount_minor: row.amount_minor,
            status: row.status,
            payment_url: row.payment_url,
            form_fields: row.form_fields,
            expires_at: row.expires_at,
            fingerprint: row.fingerprint,
            checkout: row.checkout,
            replaced_by: None,
        },
        items: row.items,
        shipping_address: row.shipping_address,
        is_paid: row.is_paid,
        has_case: row.has_case,
    });
    Ok(open.collect())
}

/// Notes that this key stands for this intent too: a tab that sends it again is told the same. The twenty newest are kept.
///
/// # Errors
/// Those of the database.
pub async fn add_key(connection: &mut Connection, intent_id: &str, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_intents
         SET idempotency_key = coalesce(idempotency_key, $2),
             metadata = CASE WHEN idempotency_key IS NULL THEN metadata
                        ELSE coalesce(metadata, '{}') || jsonb_build_object('idempotency_keys', jsonb_path_query_array(
                          coalesce(metadata -> 'idempotency_keys', '[]') || to_jsonb($2::text), '$[last - 19 to last]')) END
         WHERE payment_intent_id = $1",
        intent_id,
        key,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What this buyer holds in pending intents besides these; at most `most` of them are read.
///
/// # Errors
/// Those of the database.
pub async fn held_by_buyer(
    connection: &mut Connection,
    buyer: UserId,
    besides: &[String],
    most: i64,
) -> Result<Held, sqlx::Error> {
    sqlx::query_file_as!(Held, "src/held_by_buyer.sql", buyer.0, besides, most)
        .fetch_one(connection)
        .await
}

/// As [`held_by_buyer`], for all buyers of this address. Of two of them at once, the second sees what the first made: the address
/// is locked until the transaction ends.
///
/// # Errors
/// Those of the database.
pub async fn held_by_address(
    connection: &mut Connection,
    client: &str,
    besides: &[String],
    most: i64,
) -> Result<Held, sqlx::Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('checkout-address:' || $1::text, 0))",
        client
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query_file_as!(Held, "src/held_by_address.sql", client, besides, most)
        .fetch_one(connection)
        .await
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
    price_grace: TimeDelta,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, amount_cents, status, items,
                                      shipping_address, idempotency_key, metadata, expires_at, price_until)
         VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11)",
        intent.id,
        requested.buyer.0,
        cart_id,
        intent.provider,
        intent.amount_minor,
        json!(snapshot.items),
        json!(requested.checkout.shipping_address),
        requested.key,
        metadata(intent, requested),
        intent.expires_at,
        intent.expires_at.map(|end| end + price_grace),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes where the buyer pays, until when, and until when the prices hold. False when another request did, or the intent came to
/// nothing meanwhile: nothing is written then.
///
/// # Errors
/// Those of the database.
pub async fn open_if_unopened(
    connection: &mut Connection,
    intent_id: &str,
    opened: &OpenedPayment,
    expires_at: DateTime<Utc>,
    price_grace: TimeDelta,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payment_intents
         SET external_transaction_id = $2, gateway_payment_url = $3, expires_at = $4, price_until = $7, updated_at = $5,
             metadata = coalesce(metadata, '{}') || $6
         WHERE payment_intent_id = $1 AND status = 'pending' AND gateway_payment_url IS NULL",
        intent_id,
        opened.external_transaction_id,
        opened.payment_url,
        expires_at,
        now,
        json!({"form_fields": opened.form_fields}),
        expires_at + price_grace,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves an intent that the gateway did not open to failed, and gives its keys back, so that the buyer can try again with
/// them. False when another request opened it, or it ended meanwhile: nothing is written then.
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
         SET status = 'failed', idempotency_key = NULL, updated_at = $3,
             metadata = coalesce(metadata, '{}') - 'idempotency_keys' || $2
         WHERE payment_intent_id = $1 AND status = 'pending' AND gateway_payment_url IS NULL",
        intent_id,
        failure,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
