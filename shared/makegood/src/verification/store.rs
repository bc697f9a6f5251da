//! Intents and verifications as this stage reads and writes them. None of these commits.

use super::{ASK_EVERY, ASKER_DEAD_AFTER, Payment, VerificationStatus};
use crate::db::Connection;
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

/// The payment; none when no intent is known by this id at this gateway.
pub(super) async fn read(
    connection: &mut Connection,
    payment: &Payment,
) -> Result<Option<Snapshot>, sqlx::Error> {
    sqlx::query_file_as!(
        Snapshot,
        "src/verification/read.sql",
        payment.provider.wire_name(),
        payment.external_transaction_id,
        ASK_EVERY.as_secs_f64(),
        ASKER_DEAD_AFTER.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await
}

/// Takes the question; gives back its number, or none when somebody else has it or had an answer just now.
pub(super) async fn claim_question_if_due(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_file_scalar!(
        "src/verification/claim.sql",
        intent_id,
        ASK_EVERY.as_secs_f64(),
        ASKER_DEAD_AFTER.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await
}

/// Notes what came of a question, for those who wait for it; nothing when somebody asked again meanwhile. With `hold`, a
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
