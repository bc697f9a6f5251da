//! A plain checkout, which most are, in two round trips: one call before the gateway is asked, and one statement after it.
//! Whatever is not plain changes nothing here and takes the transaction (docs/decisions/0085).

use crate::limits::Limits;
use crate::open::metadata;
use crate::request::{CheckoutRequest, Intent, least_amount_minor};
use chrono::{DateTime, TimeDelta, Utc};
use makegood::db::{Connection, ErrorClass, classify, describe};
use makegood::gateway::OpenedPayment;
use makegood::stock::Shortage;
use serde_json::json;

/// What one call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plain {
    /// All of the cart is reserved, and the intent is there. What is to be paid, in paisa.
    Reserved(i64),
    /// These variants have too little by their counters, in variant order; nothing was written.
    Short(Vec<Shortage>),
    /// Something is not plain, a lock was waited for too long, or the database has no such call; nothing was written.
    Not,
}

/// Reserves the cart for a new intent, if the checkout is plain: everything is for sale, in stock, and costs what the buyer was
/// shown or less, no open or ended intent of the cart is in the way, the key is new, and no limit is reached. Commits by itself
/// in one round trip.
///
/// The call takes the buyer's lock, the address's, then the stock in variant order, and all are free again when it has ended.
///
/// # Errors
/// Those of the database.
pub(crate) async fn reserve(
    connection: &mut Connection,
    requested: &CheckoutRequest,
    intent: &Intent,
    limits: Limits,
    price_grace: TimeDelta,
) -> Result<Plain, sqlx::Error> {
    let Limits { buyer, address } = limits;
    let asked = sqlx::query_file!(
        "src/check_out.sql",
        requested.buyer.0,
        intent.id,
        intent.provider,
        least_amount_minor(requested.checkout.provider),
        requested.checkout.accepted_minor,
        json!(requested.checkout.shipping_address),
        requested.key,
        metadata(intent, requested),
        requested.client,
        intent.expires_at,
        intent.expires_at.map(|end| end + price_grace),
        i64::from(buyer.intents),
        i64::from(buyer.pieces),
        i64::from(address.intents),
        i64::from(address.pieces),
    )
    .fetch_one(connection)
    .await;
    let row = match asked {
        Ok(row) => row,
        Err(error) if classify(&error) == ErrorClass::SchemaDrift => {
            let error = describe(&error);
            tracing::warn!(error, "checkouts take more round trips; run `makegood migrate`");
            return Ok(Plain::Not);
        }
        // It waited too long for a lock. The transaction waits once more, as it always has.
        Err(error) if classify(&error) == ErrorClass::Blocked => return Ok(Plain::Not),
        Err(error) => return Err(error),
    };
    if let Some(amount_minor) = row.reserved_cents {
        return Ok(Plain::Reserved(amount_minor));
    }
    let variants = row.short_variants.unwrap_or_default();
    if variants.is_empty() {
        return Ok(Plain::Not);
    }
    let pieces = row.short_wanted.unwrap_or_default().into_iter();
    let pieces = pieces.zip(row.short_available.unwrap_or_default());
    let named = variants.into_iter().zip(row.short_skus.unwrap_or_default());
    let short = named
        .zip(pieces)
        .map(|((variant_id, sku), (wanted, available))| Shortage {
            variant_id,
            sku,
            wanted,
            available,
        });
    Ok(Plain::Short(short.collect()))
}

/// Notes where the buyer pays, until when, and until when the prices hold, and moves the end of the reservations. Commits by
/// itself in one round trip, and waits for no lock. False when another transaction holds one of these rows, opened the intent
/// before, or ended it: nothing is written then.
///
/// # Errors
/// Those of the database.
pub(crate) async fn open(
    connection: &mut Connection,
    intent_id: &str,
    opened: &OpenedPayment,
    expires_at: DateTime<Utc>,
    price_grace: TimeDelta,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query_file!(
        "src/open_plain.sql",
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
