//! `payments` as this function reads and writes it. None of these commits.

use crate::decide::KnownPayment;
use crate::payment::ConfirmedPayment;
use chrono::{DateTime, Utc};
use makegood::case::CaseKind;
use makegood::db::Connection;
use makegood::event::Metadata;
use makegood::ids::{PaymentId, StudentId};
use serde_json::{Value, json};
use uuid::Uuid;

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
) -> Result<(), sqlx::Error> {
    let own = payment_ids.iter().map(|id| format!("receive-payment:{id}"));
    let providers = provider_payment_id
        .iter()
        .map(|id| format!("receive-payment:provider:{id}"));
    let names: Vec<String> = own.chain(providers).collect();
    sqlx::query_file!("src/lock.sql", &names)
        .execute(connection)
        .await?;
    Ok(())
}

/// The rows that may be this payment, oldest first, locked until the transaction ends.
///
/// # Errors
/// Those of the database.
pub async fn find_for_update(
    connection: &mut Connection,
    payment_ids: &[PaymentId],
    provider_payment_id: Option<&str>,
) -> Result<Vec<KnownPayment>, sqlx::Error> {
    let ids: Vec<Uuid> = payment_ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT id, student_id, status, amount_cents, currency, provider_payment_id,
                  metadata ->> 'courseId' AS course_id
           FROM payments
           WHERE id = ANY($1) OR provider_payment_id = $2
           ORDER BY created_at, id
           FOR UPDATE"#,
        &ids,
        provider_payment_id,
    )
    .fetch_all(connection)
    .await?;
    let known = rows.into_iter().map(|row| KnownPayment {
        id: PaymentId(row.id),
        student_id: StudentId(row.student_id),
        status: row.status,
        amount_minor: row.amount_cents,
        currency: row.currency,
        provider_payment_id: row.provider_payment_id,
        course_id: row.course_id,
    });
    Ok(known.collect())
}

/// Inserts the payment as succeeded. False when a row with one of its keys came in meanwhile from a writer that takes
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
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO payments (id, student_id, amount_cents, currency, status, payment_method, provider,
                               provider_payment_id, metadata, confirmed_at)
         VALUES ($1, $2, $3, $4, 'succeeded', $5, $6, $7, $8, $9)
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
             provider_payment_id = coalesce(provider_payment_id, $8),
             metadata = CASE WHEN jsonb_typeof(metadata) = 'object' THEN metadata || $2 ELSE $2 END
         WHERE id = $1 AND status IN ('initiated', 'processing', 'failed')",
        id.0,
        stored_metadata(payment),
        now,
        payment.amount_minor,
        payment.currency,
        payment.payment_method,
        payment.provider,
        payment.provider_payment_id,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
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
         WHERE id = $1 AND provider_payment_id IS NULL AND $2::text IS NOT NULL",
        id.0,
        payment.provider_payment_id,
        payment.provider,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes the case that an earlier, unusable message about this payment opened, so that nobody gives money back for
/// what is being delivered. Zero rows: there is none.
///
/// # Errors
/// Those of the database.
pub async fn resolve_unfulfillable_if_open(
    connection: &mut Connection,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH resolved AS (
           UPDATE payment_cases
           SET status = 'resolved', resolved_at = $3, resolved_by = 'receive-payment',
               note = 'a later message about the same payment could be used'
           WHERE kind = $1 AND subject = $2 AND status = 'open'
           RETURNING id, kind, note)
         INSERT INTO audit_log (at, actor, action, subject, reason, details)
         SELECT $3, 'receive-payment', 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind)
         FROM resolved r",
        CaseKind::Unfulfillable.wire_name(),
        subject,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// What the row keeps: the metadata that came, and the course.
fn stored_metadata(payment: &ConfirmedPayment) -> Value {
    let course = json!({"courseId": payment.course_id});
    let course = Metadata(course.as_object().cloned().unwrap_or_default());
    course.over(&payment.metadata).to_json()
}
