//! What a gateway says about a refund when it is asked: that all of a payment is back, or a part of it, never how much.

use super::cases::{Question, given_back};
use super::store::{self, NewRefund};
use super::{Settled, Settling, settle};
use crate::case;
use crate::db::Connection;
use crate::stock;

/// Notes that all of an intent's money is back, says its gateway, as one refund of what no other refund has; and settles the intent.
/// A repeat carries out what is missing. Locks the intent's row, then what [`settle`] locks.
///
/// # Errors
/// Those of the database.
pub async fn note_rest(
    connection: &mut Connection,
    intent_id: &str,
    settling: &Settling,
) -> Result<Settled, sqlx::Error> {
    stock::lock_intent(connection, intent_id).await?;
    let Some(books) = store::books(connection, intent_id).await? else {
        return Ok(Settled::Nothing);
    };
    if books.left_minor() > 0
        && let Some(external) = &books.external_transaction_id
    {
        let refund = NewRefund {
            provider: books.provider.clone(),
            provider_refund_id: format!("{external}-full"),
            payment: None,
            payment_intent_id: Some(intent_id.to_owned()),
            provider_payment_id: Some(external.clone()),
            amount_minor: books.left_minor(),
            currency: books.currency.clone(),
            payment_refunded_minor: None,
            reason: Some("the gateway, when asked, said that all of it is back".to_owned()),
            told_at: settling.now,
        };
        store::note(connection, &refund, settling.now).await?;
    }
    settle(connection, intent_id, settling).await
}

/// Asks a person how much of an intent's money the gateway gave back, where no refund of it is recorded. True when a case was opened now.
/// Locks the intent's row.
///
/// # Errors
/// Those of the database.
pub async fn ask_for_part(connection: &mut Connection, intent_id: &str) -> Result<bool, sqlx::Error> {
    stock::lock_intent(connection, intent_id).await?;
    let Some(books) = store::books(connection, intent_id).await? else {
        return Ok(false);
    };
    if books.given_back_minor() > 0 {
        return Ok(false);
    }
    let order = store::lock_order(connection, intent_id).await?;
    case::open(
        connection,
        &given_back(intent_id, &books, order.as_ref(), Question::UnrecordedPart),
    )
    .await
}
