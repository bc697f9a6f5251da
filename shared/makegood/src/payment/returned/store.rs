//! `refunds` and `disputes` as this function reads and writes them. None of these commits.

use super::news::{Dispute, Refund};
use crate::case::CaseKind;
use crate::db::Connection;
use crate::ids::PaymentId;
use crate::payment::ConfirmedPayment;
use crate::payment::provider::{STRIPE, name_beside};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What of a payment's money went back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// By refunds that are processed.
    pub refunded_minor: i64,
    /// By refunds, as the provider summed them up.
    pub told_minor: i64,
    /// By disputes that were lost.
    pub lost_minor: i64,
    /// Whether a refund failed.
    pub has_failed: bool,
    /// Whether any refund or dispute is known.
    pub is_any: bool,
}

impl Sums {
    /// What went back in all.
    #[must_use]
    pub fn given_back_minor(&self) -> i64 {
        self.told_minor
            .max(self.refunded_minor.saturating_add(self.lost_minor))
    }

    /// Whether all of this amount went back.
    #[must_use]
    pub fn is_all_of(&self, amount_minor: i64) -> bool {
        amount_minor > 0 && self.given_back_minor() >= amount_minor
    }

    /// Whether refunds alone gave back all of this amount.
    #[must_use]
    pub fn is_refunded(&self, amount_minor: i64) -> bool {
        self.told_minor.max(self.refunded_minor) >= amount_minor
    }
}

/// The provider's payment that money goes back of, as a message or a row names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Money<'a> {
    /// Who took it; none where that is not said.
    pub provider: Option<&'a str>,
    /// The provider's id of it.
    pub id: Option<&'a str>,
    /// ISO 4217.
    pub currency: &'a str,
}

impl<'a> Money<'a> {
    /// That of a payment; none where it has no id of a provider's.
    pub(crate) fn of(payment: &'a ConfirmedPayment) -> Option<Self> {
        payment.provider_payment_id.as_deref().map(|id| Self {
            provider: payment.provider.as_deref(),
            id: Some(id),
            currency: &payment.currency,
        })
    }

    /// Whether a row is kept under its id, or under the name beside it.
    pub(super) fn is_named(&self, row: Option<&str>) -> bool {
        let beside = self.provider.zip(self.id);
        let beside = beside.map(|(provider, id)| name_beside(provider, id));
        row.is_some() && (row == self.id || row == beside.as_deref())
    }
}

/// The states of a refund in the order in which they follow each other. At Stripe one that has succeeded may fail later, for good.
fn forward(provider: &str) -> &'static [&'static str] {
    if provider == STRIPE {
        &["created", "processed", "failed"]
    } else {
        &["created", "failed", "processed"]
    }
}

/// Writes a refund, or moves it forward. True when the row changed.
///
/// # Errors
/// Those of the database.
pub(super) async fn note_refund(
    connection: &mut Connection,
    refund: &Refund,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query_file!(
        "src/payment/returned/note_refund.sql",
        refund.provider,
        refund.id,
        refund.payment_id,
        refund.amount_minor,
        refund.currency,
        refund.status.wire_name(),
        refund.payment_refunded_minor,
        refund.told_at,
        now,
        forward(refund.provider) as &[&str],
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes a dispute, or moves it forward. Gives back its state by now, and whether the row changed.
///
/// # Errors
/// Those of the database.
pub(super) async fn note_dispute(
    connection: &mut Connection,
    dispute: &Dispute,
    now: DateTime<Utc>,
) -> Result<(String, bool), sqlx::Error> {
    let done = sqlx::query_file!(
        "src/payment/returned/note_dispute.sql",
        dispute.provider,
        dispute.id,
        dispute.payment_id,
        dispute.amount_minor,
        dispute.currency,
        dispute.status.wire_name(),
        dispute.phase,
        dispute.reason,
        dispute.respond_by,
        dispute.told_at,
        now,
    )
    .execute(&mut *connection)
    .await?;
    let status = sqlx::query_scalar!(
        "SELECT status FROM disputes WHERE provider = $1 AND provider_dispute_id = $2",
        dispute.provider,
        dispute.id,
    )
    .fetch_one(connection)
    .await?;
    Ok((status, done.rows_affected() == 1))
}

/// The row of `payments` that the provider's payment is, or is a part of, locked until the transaction ends: the settled one, where a
/// legacy table holds the id twice. Stripe's payments are apart from all others' ([`crate::payment::provider::are_apart`]). A part of what is not complete belongs to no row yet.
///
/// # Errors
/// Those of the database.
pub(super) async fn payment_of(
    connection: &mut Connection,
    provider: &str,
    provider_payment_id: &str,
) -> Result<Option<PaymentId>, sqlx::Error> {
    let names = [
        provider_payment_id.to_owned(),
        name_beside(provider, provider_payment_id),
    ];
    let ids = sqlx::query_scalar!(
        "SELECT y.id FROM payments y
         WHERE (y.provider_payment_id = ANY ($1)
                OR y.id = (SELECT t.payment_id FROM payment_parts t WHERE t.provider_payment_id = $2)
                   AND y.status IN ('succeeded', 'refunded')
                   AND NOT EXISTS (SELECT FROM payment_cases k
                                   WHERE k.payment_id = y.id AND k.kind = 'unpriced_payment' AND k.status = 'open'))
           AND coalesce((lower(y.provider) = 'stripe') = ($3 = 'stripe'), true)
         ORDER BY y.status IN ('succeeded', 'refunded') DESC, y.created_at, y.id
         FOR UPDATE OF y",
        &names,
        provider_payment_id,
        provider,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.first().copied().map(PaymentId))
}

/// Notes on refunds, disputes and their cases that came before it which payment they are about.
///
/// # Errors
/// Those of the database.
pub(super) async fn attach(
    connection: &mut Connection,
    provider: Option<&str>,
    provider_payment_id: &str,
    payment: PaymentId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH refund AS (
           UPDATE refunds SET payment_id = $2 WHERE provider_payment_id = $1 AND payment_id IS NULL
             AND coalesce((provider = 'stripe') = (lower($3) = 'stripe'), true)),
         dispute AS (
           UPDATE disputes SET payment_id = $2 WHERE provider_payment_id = $1 AND payment_id IS NULL
             AND coalesce((provider = 'stripe') = (lower($3) = 'stripe'), true) RETURNING provider_dispute_id)
         UPDATE payment_cases k SET payment_id = $2
         FROM dispute d WHERE k.kind = 'dispute' AND k.subject = d.provider_dispute_id AND k.payment_id IS NULL",
        provider_payment_id,
        payment.0,
        provider as Option<&str>,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What went back of a payment in its currency, known by its own id or the provider's.
///
/// # Errors
/// Those of the database.
pub(crate) async fn sums(
    connection: &mut Connection,
    payment: Option<PaymentId>,
    money: Money<'_>,
) -> Result<Sums, sqlx::Error> {
    sqlx::query_file_as!(
        Sums,
        "src/payment/returned/sums.sql",
        payment.map(|id| id.0) as Option<Uuid>,
        money.id as Option<&str>,
        money.currency,
        money.provider as Option<&str>,
    )
    .fetch_one(connection)
    .await
}

/// A row of `payments`, as far as its end is concerned.
pub(super) struct PaymentRow {
    pub(super) status: String,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) provider: Option<String>,
    pub(super) provider_payment_id: Option<String>,
}

impl PaymentRow {
    /// What it was paid with.
    pub(super) fn money(&self) -> Money<'_> {
        Money {
            provider: self.provider.as_deref(),
            id: self.provider_payment_id.as_deref(),
            currency: &self.currency,
        }
    }
}

/// Reads a payment that is locked.
///
/// # Errors
/// Those of the database.
pub(super) async fn payment(
    connection: &mut Connection,
    id: PaymentId,
) -> Result<Option<PaymentRow>, sqlx::Error> {
    sqlx::query_as!(
        PaymentRow,
        "SELECT status, amount_cents AS amount_minor, currency, provider, provider_payment_id FROM payments WHERE id = $1",
        id.0
    )
    .fetch_optional(connection)
    .await
}

/// Moves a succeeded payment to refunded.
///
/// # Errors
/// Those of the database.
pub(super) async fn refund_if_succeeded(
    connection: &mut Connection,
    id: PaymentId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payments SET status = 'refunded', updated_at = $2 WHERE id = $1 AND status = 'succeeded'",
        id.0,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes the open cases of these kinds and subjects, each with its line in the audit log; those that name an amount only when no more
/// than `given_back_minor`. A person who resolved one has the last word.
///
/// # Errors
/// Those of the database.
pub(super) async fn close_cases_if_open(
    connection: &mut Connection,
    kinds: &[CaseKind],
    subjects: &[String],
    given_back_minor: i64,
    note: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.wire_name().to_owned()).collect();
    sqlx::query_file!(
        "src/payment/returned/close_cases.sql",
        &kinds,
        subjects,
        given_back_minor,
        note,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_of_nothing_is_not_given_back_by_nothing() {
        assert!(!Sums::default().is_all_of(0));
        assert!(!Sums::default().is_all_of(1));
        let sums = Sums {
            refunded_minor: 1,
            ..Sums::default()
        };
        assert!(sums.is_all_of(1) && !sums.is_all_of(2));
    }
}
