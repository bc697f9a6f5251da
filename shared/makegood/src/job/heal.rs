//! What is owed to a paid intent whose job failed: completion, the attempts that were not its own fault, or a case.

use super::{JobFailure, JobId};
use crate::case::{self, CaseKind, NewCase};
use crate::cause::Cause;
use crate::db::Connection;
use serde_json::json;
use uuid::Uuid;

/// How many deaths of its workers one job is spared. With the three attempts that follow it ends within an hour of sweeps.
const MOST_LOST_WORKERS: i32 = 5;

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

/// Gives the attempt back to jobs that were just rescued from a worker that never came back, those that were out of attempts
/// included: they are runnable again. Gives back which. A job is spared `MOST_LOST_WORKERS` times in its life: an outage keeps a
/// worker from saying what failed, and a record that kills its worker looks the same. After that its rescues count.
///
/// `max_attempts` is raised and `attempts` left alone: an attempt's number is part of the guard and never comes twice.
///
/// # Errors
/// Those of the database.
pub async fn spare_lost_workers(
    connection: &mut Connection,
    rescued: &[JobId],
) -> Result<Vec<JobId>, sqlx::Error> {
    let ids: Vec<Uuid> = rescued.iter().map(|id| id.0).collect();
    let spared = sqlx::query_scalar!(
        "UPDATE job_queue
         SET status = 'pending', scheduled_for = now(), failed_at = NULL, updated_at = now(),
             max_attempts = max_attempts + 1, lost_workers = lost_workers + 1, cause = $3
         WHERE id = ANY($1) AND status IN ('pending', 'failed') AND lost_workers < $2
         RETURNING id",
        &ids,
        MOST_LOST_WORKERS,
        Cause::WorkerLost.wire_name(),
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE job_queue SET cause = $2 WHERE id = ANY($1) AND status = 'failed'",
        &ids,
        Cause::WorkerLost.wire_name(),
    )
    .execute(connection)
    .await?;
    Ok(spared.into_iter().map(JobId).collect())
}

/// Opens a case of this kind for an intent that the gateway calls paid and that has no order, or opens it again when it was
/// resolved and the job failed once more; a refund that was paid stays resolved. Who works on it, and its notes, stay. False when the
/// intent is not paid, was given back, has its order, or has this case open.
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
         WHERE payment_intent_id = $1 AND given_back_at IS NULL
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
            "what": "paid, and no order could be made; fix the cause and retry the job, or refund the buyer",
            "code": failure.code,
            "reason": failure.reason,
            "cause": failure.cause.wire_name(),
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
