//! What is owed to a paid intent whose job failed: completion, its attempts back once, or a case.

use super::rescue::LEASE_EXPIRED;
use super::{JobFailure, JobId};
use crate::case::{self, CaseKind, NewCase};
use crate::db::Connection;
use serde_json::json;

/// Completes a failed job whose work turned out to be done. False when it is not failed any more.
///
/// # Errors
/// Those of the database.
pub async fn complete_failed_job(connection: &mut Connection, id: JobId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE job_queue SET status = 'completed', completed_at = now(), failed_at = NULL, updated_at = now()
         WHERE id = $1 AND status = 'failed'",
        id.0,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a failed job runnable with as many attempts again, if dead workers are all that is known against it and it did
/// not get them back before. False when it must stay failed.
///
/// `max_attempts` is raised and `attempts` left alone: an attempt's number is part of the guard and never comes twice.
///
/// # Errors
/// Those of the database.
pub async fn return_attempts_once(connection: &mut Connection, id: JobId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE job_queue
           SET status = 'pending', scheduled_for = now(), failed_at = NULL, updated_at = now(),
               max_attempts = attempts + max_attempts, payload = payload || '{"attempts_returned": true}'
           WHERE id = $1 AND status = 'failed' AND NOT payload ? 'attempts_returned'
             AND (last_error IS NULL OR starts_with(last_error, $2))"#,
        id.0,
        LEASE_EXPIRED,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Opens a case of this kind for an intent that the gateway calls paid and that has no order, or opens it again when it was
/// resolved and the job failed once more; a refund that was paid stays resolved. Who works on it, and its notes, stay. False when the intent is not paid, has its
/// order, or has this case open.
///
/// # Errors
/// Those of the database.
pub async fn open_case_of_paid_intent(
    connection: &mut Connection,
    kind: CaseKind,
    payment_intent_id: &str,
    job: JobId,
    failure: &JobFailure,
) -> Result<bool, sqlx::Error> {
    let intent = sqlx::query!(
        "SELECT amount_cents, currency FROM payment_intents i
         WHERE payment_intent_id = $1
           AND EXISTS (SELECT FROM payment_gateway_verifications v
                       WHERE v.payment_intent_id = i.payment_intent_id AND v.status = 'success')
           AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = i.payment_intent_id)",
        payment_intent_id,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(intent) = intent else {
        return Ok(false);
    };
    let case = NewCase {
        kind,
        subject: payment_intent_id.to_owned(),
        payment_id: None,
        payment_intent_id: Some(payment_intent_id.to_owned()),
        amount_minor: Some(intent.amount_cents),
        currency: Some(intent.currency),
        details: json!({
            "what": "paid, and no order could be made; mend the cause and retry the job, or refund the buyer",
            "code": failure.code,
            "reason": failure.reason,
            "jobId": job.0,
        }),
    };
    Ok(case::open(connection, &case).await? || reopen_if_resolved(connection, &case).await?)
}

async fn reopen_if_resolved(connection: &mut Connection, case: &NewCase) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payment_cases
         SET status = 'open', opened_at = now(), resolved_at = NULL, resolved_by = NULL,
             details = $3 || jsonb_strip_nulls(jsonb_build_object('assignee', details -> 'assignee', 'notes', details -> 'notes'))
         WHERE kind = $1 AND subject = $2 AND status = 'resolved' AND kind <> 'refund_due'",
        case.kind.wire_name(),
        case.subject,
        case.details,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
