//! Gives back what an intent had reserved: to one that came to nothing, or whose time was up.

use super::lock::{lock_intent, lock_stock, reserved_variants};
use crate::db::Connection;

/// Why pieces are freed, as the reservation's status tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleasedAs {
    /// The buyer or the gateway called it off.
    Released,
    /// Its time was up.
    Expired,
}

impl ReleasedAs {
    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// What was freed of one intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// The intent.
    pub payment_intent_id: String,
    /// How many reservations.
    pub reservations: i64,
    /// How many pieces they held.
    pub pieces: i64,
}

/// Frees the intent's active reservations and lowers `quantity_reserved` by what they held, to nothing at the least. None: there were none, since
/// they were freed or taken before, and nothing changes. The intent's own status is the caller's.
///
/// Locks the intent's row, then the stock of its reservations in variant order.
///
/// # Errors
/// Those of the database.
pub async fn release_if_active(
    connection: &mut Connection,
    intent_id: &str,
    released_as: ReleasedAs,
) -> Result<Option<Freed>, sqlx::Error> {
    lock_intent(connection, intent_id).await?;
    let variant_ids = reserved_variants(connection, &[intent_id.to_owned()]).await?;
    if variant_ids.is_empty() {
        return Ok(None);
    }
    lock_stock(connection, &variant_ids).await?;
    let freed = release(connection, &[intent_id.to_owned()], released_as).await?;
    Ok(freed.into_iter().next())
}

/// Frees the active reservations of these intents; their rows and the stock are locked already.
pub(super) async fn release(
    connection: &mut Connection,
    intent_ids: &[String],
    released_as: ReleasedAs,
) -> Result<Vec<Freed>, sqlx::Error> {
    sqlx::query_file_as!(
        Freed,
        "src/stock/release.sql",
        intent_ids,
        released_as.wire_name()
    )
    .fetch_all(connection)
    .await
}
