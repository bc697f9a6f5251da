//! The rows of a refund, read and written. None of these commits.

use super::PROGRAM;
use crate::case::{CaseKind, NewCase};
use crate::db::Connection;
use crate::ids::PaymentId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A refund that a provider says is through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefund {
    /// Who gave the money back.
    pub provider: String,
    /// The provider's id of it; unique with the provider.
    pub provider_refund_id: String,
    /// The payment, in the course pipeline.
    pub payment: Option<PaymentId>,
    /// The intent, in the order pipeline.
    pub payment_intent_id: Option<String>,
    /// The provider's id of the payment.
    pub provider_payment_id: Option<String>,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What the provider says it has given back of the whole payment; none where it does not say.
    pub payment_refunded_minor: Option<i64>,
    /// Why, where that was said.
    pub reason: Option<String>,
    /// When the provider said so.
    pub told_at: DateTime<Utc>,
}

/// Writes a refund, or moves it forward to processed. True when the row changed; a repeat changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn note(
    connection: &mut Connection,
    refund: &NewRefund,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO refunds AS r (provider, provider_refund_id, provider_payment_id, payment_intent_id, amount_minor, currency, status,
                                   reason, payment_refunded_minor, told_at, created_at, updated_at, payment_id)
         VALUES ($1, $2, $3, $4, $5, $6, 'processed', $7, $8, $9, $10, $10, $11)
         ON CONFLICT (provider, provider_refund_id) DO UPDATE
         SET status = 'processed', payment_intent_id = coalesce(r.payment_intent_id, excluded.payment_intent_id),
             payment_id = coalesce(r.payment_id, excluded.payment_id),
             payment_refunded_minor = greatest(r.payment_refunded_minor, excluded.payment_refunded_minor), updated_at = excluded.updated_at
         WHERE r.status <> 'processed' OR num_nonnulls(r.payment_intent_id, r.payment_id) = 0
            OR excluded.payment_refunded_minor > coalesce(r.payment_refunded_minor, -1)",
        refund.provider,
        refund.provider_refund_id,
        refund.provider_payment_id,
        refund.payment_intent_id,
        refund.amount_minor,
        refund.currency,
        refund.reason,
        refund.payment_refunded_minor,
        refund.told_at,
        now,
        refund.payment.map(|id| id.0),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What was paid for an intent, and what of it went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Books {
    /// Who has the money.
    pub provider: String,
    /// The provider's id of the payment.
    pub external_transaction_id: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// What the gateway says was paid, or what was asked for while it says nothing.
    pub paid_minor: i64,
    /// Whether the gateway called it paid.
    pub is_paid: bool,
    /// By refunds that are processed.
    pub refunded_minor: i64,
    /// The most that the provider said it had given back of the whole.
    pub told_minor: i64,
    /// Since when all of it is known to be back.
    pub given_back_at: Option<DateTime<Utc>>,
    /// The refund that came last.
    pub last_refund: Option<Uuid>,
}

impl Books {
    /// What went back in all.
    #[must_use]
    pub fn given_back_minor(&self) -> i64 {
        self.told_minor.max(self.refunded_minor)
    }

    /// Whether all of it went back.
    #[must_use]
    pub fn is_all_back(&self) -> bool {
        self.paid_minor > 0 && self.given_back_minor() >= self.paid_minor
    }

    /// What is left to give back.
    #[must_use]
    pub fn left_minor(&self) -> i64 {
        self.paid_minor.saturating_sub(self.given_back_minor()).max(0)
    }
}

/// The books of an intent; none when there is no such intent. Hold the intent's row to keep them as they are.
///
/// # Errors
/// Those of the database.
pub async fn books(connection: &mut Connection, intent_id: &str) -> Result<Option<Books>, sqlx::Error> {
    sqlx::query_file_as!(Books, "src/refund/books.sql", intent_id)
        .fetch_optional(connection)
        .await
}

/// An order, as far as a refund is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OrderRow {
    pub(super) id: Uuid,
    pub(super) order_number: String,
    pub(super) user_id: Uuid,
    pub(super) status: String,
    /// Whether an item was sent to the buyer.
    pub(super) is_item_sent: bool,
}

impl OrderRow {
    /// Whether goods of it are with the buyer or on their way.
    pub(super) fn is_sent(&self) -> bool {
        self.is_item_sent
            || !matches!(
                self.status.as_str(),
                "confirmed" | "processing" | "refund_pending"
            ) && !self.is_over()
    }

    /// Whether it was ended before.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "cancelled" | "refunded")
    }
}

/// The order of an intent, locked with its items; none when it has none. What was sent is asked in a statement of its own, whose
/// snapshot is younger than the locks.
pub(super) async fn lock_order(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<Option<OrderRow>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM orders WHERE payment_intent_id = $1 FOR UPDATE",
        intent_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(id) = id else { return Ok(None) };
    sqlx::query!(
        "SELECT id FROM order_items WHERE order_id = $1 ORDER BY id FOR UPDATE",
        id
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query_as!(
        OrderRow,
        r#"SELECT o.id, o.order_number, o.user_id, o.status,
                  EXISTS (SELECT FROM order_items l
                          WHERE l.order_id = o.id AND l.fulfillment_status IN ('shipped', 'delivered')) AS "is_item_sent!"
           FROM orders o WHERE o.id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Cancels an order that is locked, and its items.
pub(super) async fn cancel_order(connection: &mut Connection, order: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH items AS (
           UPDATE order_items SET fulfillment_status = 'cancelled' WHERE order_id = $1 AND fulfillment_status <> 'cancelled')
         UPDATE orders SET status = 'cancelled' WHERE id = $1",
        order
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says of an intent whose row is locked that all of its money is back; since when stays as it was first said. One that has no order
/// comes to nothing.
pub(super) async fn mark_given_back(
    connection: &mut Connection,
    intent_id: &str,
    has_order: bool,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_intents
         SET given_back_at = coalesce(given_back_at, $3), updated_at = $3,
             status = CASE WHEN NOT $2 AND status IN ('pending', 'processing', 'succeeded') THEN 'failed' ELSE status END
         WHERE payment_intent_id = $1
           AND (given_back_at IS NULL OR NOT $2 AND status IN ('pending', 'processing', 'succeeded'))",
        intent_id,
        has_order,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes back that all of an intent's money is back: the gateway says since that more was paid than was asked for.
pub(super) async fn unmark_given_back(
    connection: &mut Connection,
    intent_id: &str,
    books: &Books,
) -> Result<(), sqlx::Error> {
    if books.given_back_at.is_some() {
        sqlx::query!(
            "UPDATE payment_intents SET given_back_at = NULL WHERE payment_intent_id = $1",
            intent_id
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Cancels the job that would make the intent's order, where no worker has it. One that a worker has is refused by its worker.
pub(super) async fn cancel_waiting_job(
    connection: &mut Connection,
    intent_id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE job_queue j SET status = 'cancelled', last_error = 'all of the money was given back', updated_at = $2
         FROM payment_intents i
         WHERE i.payment_intent_id = $1 AND j.idempotency_key = 'payment_' || i.provider || '_' || i.external_transaction_id
           AND j.status = 'pending'",
        intent_id,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes the open cases of the intent that asked for its money or its goods, each with its line in the audit log; with
/// `is_all_answered` the one about what went back too.
pub(super) async fn close_answered_cases(
    connection: &mut Connection,
    intent_id: &str,
    books: &Books,
    is_all_answered: bool,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let mut kinds = vec![
        CaseKind::RefundDue,
        CaseKind::AmountMismatch,
        CaseKind::Unfulfillable,
    ];
    if is_all_answered {
        kinds.push(CaseKind::GivenBack);
    }
    close_cases(connection, intent_id, books, &kinds, None, now).await
}

/// Closes the open case of this code that asked what went back of the intent's money: it is recorded.
pub(super) async fn close_answered_case(
    connection: &mut Connection,
    intent_id: &str,
    books: &Books,
    code: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    close_cases(
        connection,
        intent_id,
        books,
        &[CaseKind::GivenBack],
        Some(code),
        now,
    )
    .await
}

async fn close_cases(
    connection: &mut Connection,
    intent_id: &str,
    books: &Books,
    kinds: &[CaseKind],
    code: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.wire_name().to_owned()).collect();
    sqlx::query_file!(
        "src/refund/close_cases.sql",
        intent_id,
        &kinds,
        books.given_back_minor(),
        now,
        PROGRAM,
        code as Option<&str>,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives the open case of this kind and subject these details; who works on it, and its notes, stay.
pub(super) async fn reword_open_case(connection: &mut Connection, case: &NewCase) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_cases
         SET details = $3::jsonb || jsonb_strip_nulls(jsonb_build_object('assignee', details -> 'assignee', 'notes', details -> 'notes')),
             amount_cents = $4
         WHERE kind = $1 AND subject = $2 AND status = 'open' AND details ->> 'code' IS DISTINCT FROM $3::jsonb ->> 'code'",
        case.kind.wire_name(),
        case.subject,
        case.details,
        case.amount_minor,
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(paid_minor: i64, refunded_minor: i64) -> Books {
        Books {
            provider: "esewa".to_owned(),
            external_transaction_id: None,
            currency: "NPR".to_owned(),
            paid_minor,
            is_paid: true,
            refunded_minor,
            told_minor: 0,
            given_back_at: None,
            last_refund: None,
        }
    }

    #[test]
    fn an_intent_of_nothing_is_not_given_back_by_nothing() {
        assert!(!books(0, 0).is_all_back());
        assert!(!books(2, 1).is_all_back());
        assert!(books(2, 2).is_all_back());
    }
}
