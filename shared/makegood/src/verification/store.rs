//! Intents and verifications as this stage reads and writes them. What commits says so.

use super::{ASK_EVERY, ASKER_DEAD_AFTER, Payment, VerificationStatus};
use crate::db::Connection;
use crate::job::{JobId, NewJob};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A payment as its rows have it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    pub(super) payment_intent_id: String,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// The final word, if there is one.
    pub(super) recorded: Option<String>,
    /// `free`, `asking` or `answered`.
    pub(super) turn: String,
    /// The last answer that decided nothing, or why there was none.
    pub(super) answer: Option<String>,
    /// The number of the question, where it is ours now.
    pub(super) asks: Option<i32>,
}

/// A question and what was answered to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) number: i32,
    pub(super) answer: &'a str,
}

/// What the one statement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fulfilled {
    /// It was recorded, with the job that makes the order.
    WithJob(JobId),
    /// It was recorded; a job of this key was there before.
    WithOlderJob,
    /// Nothing was changed: the row is held, a final word is recorded, or a refund is known.
    Not,
}

/// A final word to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewVerification<'a> {
    pub(super) payment_intent_id: &'a str,
    pub(super) status: VerificationStatus,
    /// In paisa; none when there is no money.
    pub(super) amount_minor: Option<i64>,
    pub(super) response: &'a Value,
    pub(super) verified_at: DateTime<Utc>,
}

/// The payment, and the number of its question where that is ours now: when nothing is recorded, no other asks and no other had
/// an answer just now. None when no intent is known by this id at this gateway. Commits by itself, in one round trip.
pub(super) async fn look_and_claim(
    connection: &mut Connection,
    payment: &Payment,
) -> Result<Option<Snapshot>, sqlx::Error> {
    sqlx::query_file_as!(
        Snapshot,
        "src/verification/look.sql",
        payment.provider.wire_name(),
        payment.external_transaction_id,
        ASK_EVERY.as_secs_f64(),
        ASKER_DEAD_AFTER.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await
}

/// Locks the intent's row until the transaction ends. True while it is pending or processing.
pub(super) async fn lock_and_see_if_open(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<bool, sqlx::Error> {
    let is_open = sqlx::query_scalar!(
        r#"SELECT status IN ('pending', 'processing') AS "is_open!"
           FROM payment_intents WHERE payment_intent_id = $1 FOR NO KEY UPDATE"#,
        intent_id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(is_open.unwrap_or(false))
}

/// Records that the gateway calls the payment paid, with all that follows, and commits by itself in one round trip; who waits for
/// the answer sees all of it or nothing. Waits for no lock: where another transaction holds the intent's row, a final word is
/// recorded or a refund is known, nothing is changed.
pub(super) async fn fulfil_if_plain(
    connection: &mut Connection,
    payment: &Payment,
    verification: &NewVerification<'_>,
    job: &NewJob,
    asked: Asked<'_>,
) -> Result<Fulfilled, sqlx::Error> {
    let row = sqlx::query_file!(
        "src/verification/fulfil.sql",
        verification.payment_intent_id,
        payment.provider.wire_name(),
        payment.external_transaction_id,
        verification.amount_minor,
        verification.response,
        verification.verified_at,
        job.job_type.wire_name(),
        job.payload,
        job.priority,
        job.idempotency_key,
        asked.number,
        asked.answer,
    )
    .fetch_one(connection)
    .await?;
    Ok(match (row.is_recorded, row.job_id) {
        (true, Some(job)) => Fulfilled::WithJob(JobId(job)),
        (true, None) => Fulfilled::WithOlderJob,
        (false, _) => Fulfilled::Not,
    })
}

/// Notes what came of a question, for those who wait for it; nothing when another asked again meanwhile. With `hold`, a
/// pending intent keeps its goods beyond the reservation's end. An answer that there is no money says when there was none.
pub(super) async fn note_answer_if_asker(
    connection: &mut Connection,
    intent_id: &str,
    asks: i32,
    answer: &str,
    hold: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_intents
         SET metadata = jsonb_set(metadata, '{gateway}', (metadata -> 'gateway')
               || jsonb_build_object('answer', $3::text, 'answered_at', now())
               || CASE WHEN $3 IN ('not_found', 'cancelled', 'expired')
                       THEN jsonb_build_object('unpaid_at', metadata #> '{gateway,asked_at}') ELSE '{}' END),
             status = CASE WHEN $4 AND status = 'pending' THEN 'processing' ELSE status END
         WHERE payment_intent_id = $1 AND (metadata #>> '{gateway,asks}')::integer = $2",
        intent_id,
        asks,
        answer,
        hold,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The final word that is recorded for this payment.
pub(super) async fn recorded(
    connection: &mut Connection,
    payment: &Payment,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT status FROM payment_gateway_verifications WHERE provider = $1 AND external_transaction_id = $2",
        payment.provider.wire_name(),
        payment.external_transaction_id,
    )
    .fetch_optional(connection)
    .await
}

/// Records a final word. Money outweighs a `failed` that was recorded before it; anything else that is recorded stays. False
/// when it stays.
pub(super) async fn record_unless_final(
    connection: &mut Connection,
    payment: &Payment,
    verification: &NewVerification<'_>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO payment_gateway_verifications AS v
           (provider, external_transaction_id, payment_intent_id, status, amount_verified, verification_response, verified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (provider, external_transaction_id) DO UPDATE
         SET status = EXCLUDED.status, amount_verified = EXCLUDED.amount_verified,
             verification_response = EXCLUDED.verification_response, verified_at = EXCLUDED.verified_at
         WHERE v.status = 'failed' AND EXCLUDED.status <> 'failed'",
        payment.provider.wire_name(),
        payment.external_transaction_id,
        verification.payment_intent_id,
        verification.status.wire_name(),
        verification.amount_minor,
        verification.response,
        verification.verified_at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves an intent whose payment came to nothing. One that was moved before, or has its order, stays.
pub(super) async fn end_if_undecided(
    connection: &mut Connection,
    intent_id: &str,
    status: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_intents SET status = $2, updated_at = $3
         WHERE payment_intent_id = $1 AND status IN ('pending', 'processing')",
        intent_id,
        status,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves an intent that is paid, whatever we had made of it before; one that has its order stays.
pub(super) async fn begin_unless_succeeded(
    connection: &mut Connection,
    intent_id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_intents SET status = 'processing', updated_at = $2
         WHERE payment_intent_id = $1 AND status NOT IN ('processing', 'succeeded')",
        intent_id,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
