//! Refunds as the person on call looks at them, and records those that no provider tells of.

mod record;

pub use record::{Of, Recorded, Refusal, Target, ToldRefund, record};

use crate::page::{Cursor, Page, PageRequest};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::money::money;
use serde::Serialize;
use uuid::Uuid;

/// A row of `refunds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundRow {
    /// Which.
    pub id: Uuid,
    /// Who gave the money back.
    pub provider: String,
    /// The provider's id of it.
    pub provider_refund_id: String,
    /// The provider's payment.
    pub provider_payment_id: Option<String>,
    /// The payment, in the course pipeline; none while it is not known here.
    pub payment_id: Option<Uuid>,
    /// The intent, in the order pipeline.
    pub payment_intent_id: Option<String>,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// `created`, `failed` or `processed`.
    pub status: String,
    /// Why, where that was said.
    pub reason: Option<String>,
    /// When the provider said what the row says.
    pub told_at: DateTime<Utc>,
    /// Since when it is known.
    pub created_at: DateTime<Utc>,
}

impl RefundRow {
    /// The amount as people write it.
    #[must_use]
    pub fn amount(&self) -> String {
        money(self.amount_minor, &self.currency)
    }

    /// As the audit log names it.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("refund:{}:{}", self.provider, self.provider_refund_id)
    }

    /// The payment or intent, or that none is known.
    #[must_use]
    pub fn paid_by(&self) -> String {
        let payment = self.payment_id.map(|id| id.to_string());
        payment
            .or_else(|| self.payment_intent_id.clone())
            .unwrap_or_else(|| "not known here".to_owned())
    }
}

/// A refund by its own id.
///
/// # Errors
/// Those of the database.
pub async fn one(connection: &mut Connection, id: Uuid) -> Result<Option<RefundRow>, sqlx::Error> {
    sqlx::query_as!(
        RefundRow,
        "SELECT id, provider, provider_refund_id, provider_payment_id, payment_id, payment_intent_id, amount_minor, currency, status,
                reason, told_at, created_at
         FROM refunds WHERE id = $1",
        id
    )
    .fetch_optional(connection)
    .await
}

/// Lists refunds, the newest first; of this status only, where one is given.
///
/// # Errors
/// Those of the database.
pub async fn list(
    connection: &mut Connection,
    status: Option<&str>,
    request: &PageRequest,
) -> Result<Page<RefundRow>, sqlx::Error> {
    let before = request.after.unwrap_or(Cursor::NEWEST);
    let rows = sqlx::query_as!(
        RefundRow,
        "SELECT id, provider, provider_refund_id, provider_payment_id, payment_id, payment_intent_id, amount_minor, currency, status,
                reason, told_at, created_at
         FROM refunds
         WHERE (created_at, id) < ($1, $2) AND ($3::text IS NULL OR status = $3)
         ORDER BY created_at DESC, id DESC LIMIT $4",
        before.at,
        before.id,
        status as Option<&str>,
        request.reading(),
    )
    .fetch_all(connection)
    .await?;
    Ok(request.page(rows, |row| Cursor {
        at: row.created_at,
        id: row.id,
    }))
}

/// The refunds of this id: its own, the provider's, or the payment's; the newest first, at most fifty.
///
/// # Errors
/// Those of the database.
pub async fn show(connection: &mut Connection, id: &str) -> Result<Vec<RefundRow>, sqlx::Error> {
    let id = id.trim();
    sqlx::query_as!(
        RefundRow,
        "SELECT id, provider, provider_refund_id, provider_payment_id, payment_id, payment_intent_id, amount_minor, currency, status,
                reason, told_at, created_at
         FROM refunds
         WHERE id = $1 OR payment_id = $1 OR provider_payment_id = $2 OR payment_intent_id = $2
            OR provider_refund_id = $2 AND provider = ANY ('{razorpay,stripe,esewa,khalti}')
         ORDER BY created_at DESC, id DESC LIMIT 50",
        Uuid::parse_str(id).ok(),
        id,
    )
    .fetch_all(connection)
    .await
}
