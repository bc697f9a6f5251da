//! What one payment shares with others: the parts in which an order was paid, and the lines that one payment pays for.

use super::entry::{Entry, EntryKind, Status};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::money::money;
use uuid::Uuid;

/// A payment of the provider that is less than what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartRow {
    pub(super) provider_payment_id: String,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) received_at: DateTime<Utc>,
}

/// A line of `payment_lines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineRow {
    pub(super) line_id: Uuid,
    pub(super) payment_id: Uuid,
    pub(super) created_at: DateTime<Utc>,
}

/// All of one payment's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) parts: Vec<PartRow>,
    pub(super) lines: Vec<LineRow>,
}

impl Shares {
    /// Reads them; none without a payment.
    pub(super) async fn load(
        connection: &mut Connection,
        payment: Option<Uuid>,
    ) -> Result<Self, sqlx::Error> {
        let Some(payment) = payment else {
            return Ok(Self::default());
        };
        Ok(Self {
            parts: sqlx::query_as!(
                PartRow,
                "SELECT provider_payment_id, amount_minor, currency, received_at FROM payment_parts
                 WHERE payment_id = $1 ORDER BY received_at, provider_payment_id LIMIT 50",
                payment
            )
            .fetch_all(&mut *connection)
            .await?,
            lines: sqlx::query_as!(
                LineRow,
                "SELECT line_id, payment_id, created_at FROM payment_lines
                 WHERE payment_id = $1 OR line_id = $1 ORDER BY created_at, line_id LIMIT 50",
                payment
            )
            .fetch_all(connection)
            .await?,
        })
    }

    pub(super) fn entries(&self, payment: Option<Uuid>) -> Vec<Entry> {
        let parts = self.parts.iter().map(|part| {
            let what = format!("part received: {}", money(part.amount_minor, &part.currency));
            Entry::new(part.received_at, EntryKind::Payment, Status::Happened, what)
                .id("providerPaymentId", &part.provider_payment_id)
        });
        let lines = self.lines.iter().map(|line| {
            let (what, id) = if Some(line.line_id) == payment {
                ("paid for by another payment, as a line of it", line.payment_id)
            } else {
                ("this payment pays for one more student or course", line.line_id)
            };
            Entry::new(
                line.created_at,
                EntryKind::Payment,
                Status::Happened,
                what.to_owned(),
            )
            .id("paymentId", id)
        });
        parts.chain(lines).collect()
    }
}
