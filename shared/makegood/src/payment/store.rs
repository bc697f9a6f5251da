//! `payments` as this function reads and writes it. None of these commits.

use crate::case::{self, CaseKind};
use crate::db::Connection;
use crate::event::PurchaseConfirmed;
use crate::ids::{PaymentId, StudentId};
use crate::payment::known::KnownPayment;
use crate::payment::provider::are_apart;
use crate::payment::{ConfirmedPayment, StrandedPayment};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// The cases that a later message about the same payment answers: it can be used, has a price, or carries the paid order.
const RESOLVED_BY_A_LATER_MESSAGE: [CaseKind; 3] = [
    CaseKind::Unfulfillable,
    CaseKind::UnpricedPayment,
    CaseKind::AmountMismatch,
];

/// Takes transaction-scoped advisory locks on everything that names the payment. They stand for
/// `unique_provider_payment`, which a legacy database with duplicates does not have. Looking afterwards must be a
/// statement of its own: one that also locks has its snapshot from before the lock.
///
/// # Errors
/// Those of the database.
pub async fn lock(
    connection: &mut Connection,
    payment_ids: &[PaymentId],
    provider_payment_id: Option<&str>,
    order_id: Option<&str>,
) -> Result<(), sqlx::Error> {
    let own = payment_ids.iter().map(|id| format!("receive-payment:{id}"));
    let providers = provider_payment_id
        .iter()
        .map(|id| format!("receive-payment:provider:{id}"));
    // The parts of one order are counted one after the other.
    let orders = order_id.iter().map(|id| format!("receive-payment:order:{id}"));
    let names: Vec<String> = own.chain(providers).chain(orders).collect();
    sqlx::query_file!("src/payment/lock.sql", &names)
        .execute(connection)
        .await?;
    Ok(())
}

/// The rows that may be this payment, or were begun for its order, oldest first, locked until the transaction ends.
///
/// # Errors
/// Those of the database.
pub async fn find_for_update(
    connection: &mut Connection,
    payment: &ConfirmedPayment,
) -> Result<Vec<KnownPayment>, sqlx::Error> {
    let ids: Vec<Uuid> = std::iter::once(payment.own_id)
        .chain(payment.hinted_id)
        .map(|id| id.0)
        .collect();
    find(
        connection,
        &ids,
        payment.provider_payment_id.as_deref(),
        payment.order_id.as_deref(),
    )
    .await
}

/// The rows that may be this payment, which can't be made out.
///
/// # Errors
/// Those of the database.
pub async fn find_stranded(
    connection: &mut Connection,
    stranded: &StrandedPayment,
) -> Result<Vec<KnownPayment>, sqlx::Error> {
    let provider_payment_id = stranded.provider_payment_id.as_deref();
    let mut known = find(connection, &[stranded.payment_id.0], provider_payment_id, None).await?;
    known.retain(|row| !are_apart(row.provider.as_deref(), stranded.provider.as_deref()));
    Ok(known)
}

async fn find(
    connection: &mut Connection,
    ids: &[Uuid],
    provider_payment_id: Option<&str>,
    order_id: Option<&str>,
) -> Result<Vec<KnownPayment>, sqlx::Error> {
    let names: Vec<String> = provider_payment_id
        .into_iter()
        .chain(order_id)
        .map(str::to_owned)
        .collect();
    let rows = sqlx::query_file!("src/payment/find.sql", ids, &names, order_id, &case::programs())
        .fetch_all(connection)
        .await?;
    let known = rows.into_iter().map(|row| KnownPayment {
        id: PaymentId(row.id),
        student_id: StudentId(row.student_id),
        status: row.status,
        amount_minor: row.amount_cents,
        currency: row.currency,
        provider: row.provider,
        provider_payment_id: row.provider_payment_id,
        course_id: row.course_id,
        order_id: row.order_id,
        metadata: row.metadata,
        is_held: row.is_held,
    });
    Ok(known.collect())
}

/// What the course and tier that the notes name cost when the buyer paid, in the payment's currency, in minor units.
///
/// # Errors
/// Those of the database.
pub async fn prices(
    connection: &mut Connection,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<Vec<i64>, sqlx::Error> {
    let Ok(tier) = payment.metadata.purchase_tier() else {
        return Ok(Vec::new());
    };
    sqlx::query_scalar!(
        "SELECT amount_minor FROM course_prices
         WHERE course_id = $1 AND tier = $2 AND currency = $3 AND valid_from <= $4 AND (valid_to IS NULL OR valid_to > $4)
         ORDER BY amount_minor",
        payment.course_id.0,
        tier,
        payment.currency,
        payment.paid_at.unwrap_or(now),
    )
    .fetch_all(connection)
    .await
}

/// The first of these payments whose event was published or used before.
///
/// # Errors
/// Those of the database.
pub async fn published_before(
    connection: &mut Connection,
    payments: &[PaymentId],
) -> Result<Option<PaymentId>, sqlx::Error> {
    let ids: Vec<Uuid> = payments.iter().map(|id| id.0).collect();
    let events: Vec<String> = payments
        .iter()
        .map(|id| PurchaseConfirmed::event_id(*id))
        .collect();
    let found = sqlx::query_scalar!(
        r#"SELECT g.id AS "id!" FROM unnest($1::uuid[], $2::text[]) AS g (id, event_id)
           WHERE EXISTS (SELECT FROM processed_events e WHERE e.event_id = g.event_id)
              OR EXISTS (SELECT FROM outbox o WHERE o.event_id = g.event_id)
           LIMIT 1"#,
        &ids,
        &events,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(PaymentId))
}

/// Notes in the audit log that a payment is fulfilled on its notes alone.
///
/// # Errors
/// Those of the database.
pub async fn note_trust(
    connection: &mut Connection,
    id: PaymentId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO audit_log (at, actor, action, subject, reason)
         VALUES ($1, 'receive-payment', 'payment.trust_notes', 'payment:' || $2::uuid, 'TRUST_WEBHOOK_NOTES is yes')",
        now,
        id.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts the payment with this status, `succeeded` or `refunded`. False when a row with one of its keys came in meanwhile from a writer that takes
/// no lock of ours: look again.
///
/// The conflict has no target on purpose. A named one fails with 42P10 where `unique_provider_payment` is missing; this
/// one takes whatever keys there are, and the locks stand for the one that may not be.
///
/// # Errors
/// Those of the database; 23503 when the legacy table knows no such student.
pub async fn insert_unless_there(
    connection: &mut Connection,
    payment: &ConfirmedPayment,
    status: &'static str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO payments (id, student_id, amount_cents, currency, status, payment_method, provider,
                               provider_payment_id, metadata, confirmed_at)
         VALUES ($1, $2, $3, $4, $10, $5, $6, $7, $8, $9)
         ON CONFLICT DO NOTHING",
        payment.own_id.0,
        payment.student_id.0,
        payment.amount_minor,
        payment.currency,
        payment.payment_method,
        payment.provider,
        payment.provider_payment_id,
        stored_metadata(payment),
        now,
        status,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves a payment that was begun to succeeded, with what was really paid. False when it was finished meanwhile.
///
/// # Errors
/// Those of the database.
pub async fn succeed_if_unfinished(
    connection: &mut Connection,
    id: PaymentId,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payments
         SET status = 'succeeded', confirmed_at = coalesce(confirmed_at, $3), updated_at = $3,
             amount_cents = $4, currency = $5,
             payment_method = coalesce(payment_method, $6), provider = coalesce(provider, $7),
             provider_payment_id = coalesce(CASE WHEN provider_payment_id = $9 THEN $8 ELSE provider_payment_id END, $8),
             metadata = CASE WHEN jsonb_typeof(makegood_object(metadata)) = 'object' THEN makegood_object(metadata) || $2 ELSE $2 END
         WHERE id = $1 AND status IN ('initiated', 'processing', 'failed')",
        id.0,
        stored_metadata(payment),
        now,
        payment.amount_minor,
        payment.currency,
        payment.payment_method,
        payment.provider,
        payment.provider_payment_id,
        payment.order_id,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves a payment that was begun, or cancelled, to refunded. False when it was finished meanwhile.
///
/// # Errors
/// Those of the database.
pub async fn refund_if_unfinished(
    connection: &mut Connection,
    id: PaymentId,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payments
         SET status = 'refunded', updated_at = $2, provider = coalesce(provider, $3),
             provider_payment_id = coalesce(CASE WHEN provider_payment_id = $5 THEN $4 ELSE provider_payment_id END, $4)
         WHERE id = $1 AND status IN ('initiated', 'processing', 'failed', 'cancelled')",
        id.0,
        now,
        payment.provider,
        payment.provider_payment_id,
        payment.order_id,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what was bought over a payment that was recorded from its notes alone and held.
///
/// # Errors
/// Those of the database.
pub async fn release_held(
    connection: &mut Connection,
    id: PaymentId,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payments SET student_id = $2, amount_cents = $3, currency = $4, metadata = $5, updated_at = $6 WHERE id = $1",
        id.0,
        payment.student_id.0,
        payment.amount_minor,
        payment.currency,
        stored_metadata(payment),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes the provider's id on a payment that has none, so that a second charge of the same checkout is told from it.
///
/// # Errors
/// Those of the database.
pub async fn name_provider_payment_if_unnamed(
    connection: &mut Connection,
    id: PaymentId,
    payment: &ConfirmedPayment,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payments SET provider_payment_id = $2, provider = coalesce(provider, $3), updated_at = $4
         WHERE id = $1 AND (provider_payment_id IS NULL OR provider_payment_id = $5) AND $2::text IS NOT NULL",
        id.0,
        payment.provider_payment_id,
        payment.provider,
        now,
        payment.order_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes the cases that earlier messages about this payment opened, which could not be used or had no price, so that no person
/// gives money back for what is being delivered. Zero rows: there is none.
///
/// # Errors
/// Those of the database.
pub async fn resolve_cases_if_open(
    connection: &mut Connection,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH resolved AS (
           UPDATE payment_cases
           SET status = 'resolved', resolved_at = $3, resolved_by = 'receive-payment',
               note = 'a later message about the same payment could be used'
           WHERE kind = ANY($1) AND subject = $2 AND status = 'open'
           RETURNING id, kind, note)
         INSERT INTO audit_log (at, actor, action, subject, reason, details)
         SELECT $3, 'receive-payment', 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind)
         FROM resolved r",
        &RESOLVED_BY_A_LATER_MESSAGE.map(|kind| kind.wire_name().to_owned()),
        subject,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// What the row keeps: the metadata that came, the course, and the provider's order, with its amount where an offer made the payment less.
fn stored_metadata(payment: &ConfirmedPayment) -> Value {
    let mut stored = payment.metadata.clone();
    stored.0.insert("courseId".to_owned(), json!(payment.course_id));
    if let Some(order_id) = &payment.order_id {
        stored.0.insert("orderId".to_owned(), json!(order_id));
    }
    if payment.worth_minor() > payment.amount_minor {
        stored
            .0
            .insert("orderAmountMinor".to_owned(), json!(payment.worth_minor()));
    }
    stored.to_json()
}
