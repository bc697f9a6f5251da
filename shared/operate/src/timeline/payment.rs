//! The row of a course payment, and the entries that tell of it.

use super::entry::{Entry, EntryKind, Status};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::money::money;
use uuid::Uuid;

/// A row of `payments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PaymentRow {
    pub(super) id: Uuid,
    pub(super) student_id: Uuid,
    pub(super) course: Option<String>,
    pub(super) amount_cents: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) provider: Option<String>,
    pub(super) provider_payment_id: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
}

impl PaymentRow {
    /// Reads it; none without an id.
    pub(super) async fn load(
        connection: &mut Connection,
        id: Option<Uuid>,
    ) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
        PaymentRow,
        "SELECT id, student_id, makegood_object(metadata) ->> 'courseId' AS course, amount_cents, currency, status, provider,
                provider_payment_id, created_at, confirmed_at
         FROM payments WHERE id = $1",
        id,
    )
    .fetch_optional(connection)
    .await
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let payment = self;
        let what = |verb: &str| {
            let by = payment.provider.as_deref().unwrap_or("unknown provider");
            format!(
                "payment {verb}: {} by {by}",
                money(payment.amount_cents, &payment.currency)
            )
        };
        let entry = |at, status, what| {
            let entry = Entry::new(at, EntryKind::Payment, status, what)
                .id("paymentId", payment.id)
                .id("studentId", payment.student_id);
            match &payment.provider_payment_id {
                Some(id) => entry.id("providerPaymentId", id),
                None => entry,
            }
        };
        match payment.status.as_str() {
            "succeeded" => vec![entry(
                payment.confirmed_at.unwrap_or(payment.created_at),
                Status::Happened,
                what("received"),
            )],
            "initiated" | "processing" => vec![entry(payment.created_at, Status::Pending, what("begun"))],
            ended => vec![
                entry(payment.created_at, Status::Happened, what("begun")),
                entry(
                    payment.confirmed_at.unwrap_or(payment.created_at),
                    Status::Happened,
                    format!("payment {ended}"),
                ),
            ],
        }
    }
}
