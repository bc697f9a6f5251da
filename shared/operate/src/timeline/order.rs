//! The rows of a payment intent, and the entries that tell of them. The shipping address is never read.

use super::entry::{Entry, EntryKind, Status};
use super::rows::{Common, Keys};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::ids::derived_uuid;
use makegood::money::money;
use uuid::Uuid;

/// A row of `payment_intents`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IntentRow {
    pub(super) payment_intent_id: String,
    pub(super) user_id: Uuid,
    pub(super) provider: String,
    pub(super) external_transaction_id: Option<String>,
    pub(super) amount_cents: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    /// The intent of the same checkout that took its place.
    pub(super) replaced_by: Option<String>,
    /// Since when all of its money is known to be back.
    pub(super) given_back_at: Option<DateTime<Utc>>,
}

/// The reservations of one status together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReservationRow {
    pub(super) status: String,
    pub(super) pieces: i64,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// A gateway's final answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VerificationRow {
    pub(super) status: String,
    pub(super) amount_verified: Option<i64>,
    pub(super) verified_at: DateTime<Utc>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobRow {
    pub(super) id: Uuid,
    pub(super) job_type: String,
    pub(super) status: String,
    pub(super) attempts: i32,
    pub(super) max_attempts: i32,
    pub(super) locked_until: Option<DateTime<Utc>>,
    pub(super) scheduled_for: DateTime<Utc>,
    pub(super) last_error: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OrderRow {
    pub(super) id: Uuid,
    pub(super) order_number: String,
    pub(super) status: String,
    pub(super) total_cents: i64,
    pub(super) currency: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) items: i64,
}

/// All rows of one payment intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) intent: IntentRow,
    pub(super) reservations: Vec<ReservationRow>,
    pub(super) verifications: Vec<VerificationRow>,
    pub(super) jobs: Vec<JobRow>,
    pub(super) orders: Vec<OrderRow>,
    pub(super) common: Common,
}

impl Order {
    /// Reads them; none when there is no such intent.
    pub(super) async fn load(
        connection: &mut Connection,
        intent_id: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        let Some(intent) = intent(&mut *connection, intent_id).await? else {
            return Ok(None);
        };
        let reservations = reservations(&mut *connection, intent_id).await?;
        let verifications = verifications(&mut *connection, intent_id).await?;
        let jobs = jobs(&mut *connection, Some(intent_id), None).await?;
        let orders = sqlx::query_file_as!(OrderRow, "src/timeline/sql/orders.sql", intent_id)
            .fetch_all(&mut *connection)
            .await?;
        let confirmed = orders.iter().map(|order| format!("order-confirmed-{}", order.id));
        let refunded = refund_events(&mut *connection, intent_id).await?;
        let keys = Keys {
            event_ids: confirmed.chain(refunded).collect(),
            correlation: Some(derived_uuid(intent_id)),
            intent: Some(intent_id.to_owned()),
            jobs: jobs.iter().map(|job| job.id).collect(),
            ..Keys::default()
        };
        let common = Common::load(connection, &keys).await?;
        Ok(Some(Self {
            intent,
            reservations,
            verifications,
            jobs,
            orders,
            common,
        }))
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let verifications = self.verifications.iter().map(verification_entry);
        let reservations = self.reservations.iter().map(reservation_entry);
        let jobs = self.jobs.iter().flat_map(job_entries);
        let orders = self.orders.iter().map(order_entry);
        intent_entries(&self.intent)
            .into_iter()
            .chain(verifications)
            .chain(reservations)
            .chain(jobs)
            .chain(orders)
            .chain(self.common.entries())
            .collect()
    }
}

fn intent_entries(intent: &IntentRow) -> Vec<Entry> {
    let entry = |at, status, what| {
        Entry::new(at, EntryKind::Intent, status, what).id("paymentIntentId", &intent.payment_intent_id)
    };
    let begun = format!(
        "checkout begun: {} at {}",
        money(intent.amount_cents, &intent.currency),
        intent.provider
    );
    let mut begun = entry(intent.created_at, Status::Happened, begun).id("userId", intent.user_id);
    if let Some(id) = &intent.external_transaction_id {
        begun = begun.id("externalTransactionId", id);
    }
    let state = match intent.status.as_str() {
        "pending" => return vec![begun],
        "processing" => entry(
            intent.updated_at,
            Status::Pending,
            "the gateway has not decided".to_owned(),
        ),
        status => entry(intent.updated_at, Status::Happened, format!("intent {status}")),
    };
    let state = match &intent.replaced_by {
        Some(by) => state.id("replacedBy", by),
        None => state,
    };
    let given_back = intent.given_back_at.map(|at| {
        let what = "all of the money is back".to_owned();
        entry(at, Status::Happened, what)
    });
    [begun, state].into_iter().chain(given_back).collect()
}

fn verification_entry(verification: &VerificationRow) -> Entry {
    let amount = verification
        .amount_verified
        .map(|amount| format!(", {}", money(amount, "")))
        .unwrap_or_default();
    let status = if verification.status == "amount_mismatch" {
        Status::Failed
    } else {
        Status::Happened
    };
    let what = format!("the gateway's final answer: {}{amount}", verification.status);
    Entry::new(verification.verified_at, EntryKind::Verification, status, what)
}

fn reservation_entry(row: &ReservationRow) -> Entry {
    let (at, status, what) = match row.status.as_str() {
        "active" => (row.created_at, Status::Pending, "reserved".to_owned()),
        ended => (
            row.updated_at,
            Status::Happened,
            format!("no longer reserved: {ended}"),
        ),
    };
    Entry::new(
        at,
        EntryKind::Reservation,
        status,
        format!("{} pieces {what}", row.pieces),
    )
}

fn job_entries(job: &JobRow) -> Vec<Entry> {
    let entry = |at, status, what| Entry::new(at, EntryKind::Job, status, what).id("jobId", job.id);
    let written = entry(
        job.created_at,
        Status::Happened,
        format!("job {} written", job.job_type),
    );
    let error = job
        .last_error
        .as_ref()
        .map(|error| format!(": {error}"))
        .unwrap_or_default();
    let status = match job.status.as_str() {
        "completed" => Status::Happened,
        "failed" | "cancelled" => Status::Failed,
        _ => Status::Pending,
    };
    let what = format!(
        "job {} {}, attempt {} of {}{error}",
        job.job_type, job.status, job.attempts, job.max_attempts
    );
    vec![written, entry(job.updated_at, status, what)]
}

fn order_entry(order: &OrderRow) -> Entry {
    let what = format!(
        "order {}, {}: {} items, {}",
        order.order_number,
        order.status,
        order.items,
        money(order.total_cents, &order.currency)
    );
    let status = if order.items == 0 {
        Status::Failed
    } else {
        Status::Happened
    };
    Entry::new(order.created_at, EntryKind::Order, status, what)
        .id("orderId", order.id)
        .id("orderNumber", &order.order_number)
}

async fn intent(connection: &mut Connection, id: &str) -> Result<Option<IntentRow>, sqlx::Error> {
    sqlx::query_as!(
        IntentRow,
        "SELECT payment_intent_id, user_id, provider, external_transaction_id, amount_cents, currency, status, expires_at,
                created_at, updated_at, metadata ->> 'replaced_by' AS replaced_by, given_back_at
         FROM payment_intents WHERE payment_intent_id = $1",
        id,
    )
    .fetch_optional(connection)
    .await
}

async fn reservations(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<Vec<ReservationRow>, sqlx::Error> {
    sqlx::query_as!(
        ReservationRow,
        r#"SELECT status, sum(quantity)::bigint AS "pieces!", min(created_at) AS created_at, max(updated_at) AS updated_at,
                  min(expires_at) AS expires_at
           FROM inventory_reservations WHERE payment_intent_id = $1 GROUP BY status ORDER BY status"#,
        intent_id,
    )
    .fetch_all(connection)
    .await
}

async fn verifications(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<Vec<VerificationRow>, sqlx::Error> {
    sqlx::query_as!(
        VerificationRow,
        "SELECT status, amount_verified, verified_at FROM payment_gateway_verifications
         WHERE payment_intent_id = $1 ORDER BY id LIMIT 50",
        intent_id,
    )
    .fetch_all(connection)
    .await
}

/// The ids that events about refunds of the intent have, whether there is one or not.
async fn refund_events(connection: &mut Connection, intent_id: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT 'order-refunded-' || id AS "event_id!" FROM refunds WHERE payment_intent_id = $1
           ORDER BY created_at, id LIMIT 50"#,
        intent_id,
    )
    .fetch_all(connection)
    .await
}

/// The jobs of an intent, or this one.
pub(super) async fn jobs(
    connection: &mut Connection,
    intent_id: Option<&str>,
    job: Option<Uuid>,
) -> Result<Vec<JobRow>, sqlx::Error> {
    sqlx::query_as!(
        JobRow,
        r#"SELECT id, job_type, status, attempts, max_attempts, locked_until, least(scheduled_for, '9999-12-31') AS "scheduled_for!",
                  last_error, created_at, updated_at
           FROM job_queue WHERE payload ->> 'payment_intent_id' = $1 OR id = $2
           ORDER BY created_at, id LIMIT 50"#,
        intent_id,
        job,
    )
    .fetch_all(connection)
    .await
}

/// The entries of jobs that belong to no intent.
pub(super) fn entries_of_jobs(jobs: &[JobRow]) -> Vec<Entry> {
    jobs.iter().flat_map(job_entries).collect()
}
