//! `handle_payment_failure`: the buyer did not pay, so the stock is freed and the intent says so.

use crate::handler::FinalizeOrder;
use crate::intent;
use crate::payload::intent_id;
use crate::refusal::Refusal;
use crate::worker::Performed;
use makegood::db::Connection;
use makegood::job::{self, Completion, Job};
use makegood::stock::{self, ReleasedAs};
use serde_json::Value;

impl FinalizeOrder {
    /// Frees the reservation and marks the intent, in one transaction with the job's completion. An intent that is paid
    /// after all keeps its stock: the payment came after the job was written.
    pub(crate) async fn handle_payment_failure(&self, job: &Job) -> Result<Performed, sqlx::Error> {
        let Some(intent_id) = intent_id(&job.payload) else {
            return Ok(Performed::Refused(Refusal::NoIntentNamed));
        };
        let mut transaction = self.publisher.database.begin().await?;
        stock::lock_intent(&mut transaction, intent_id).await?;
        let Some(intent) = intent::load_locked(&mut transaction, intent_id).await? else {
            return Ok(Performed::Refused(Refusal::UnknownIntent(intent_id.to_owned())));
        };
        if !intent.is_paid && !intent.has_order {
            stock::release_if_active(&mut transaction, intent_id, ReleasedAs::Released).await?;
            mark_if_undecided(&mut transaction, intent_id, status(&job.payload)).await?;
        }
        match job::complete_job_if_owned(&mut transaction, &job.lease).await? {
            Completion::LostRace => Ok(Performed::LostLease),
            Completion::Completed => {
                transaction.commit().await?;
                Ok(Performed::Done)
            }
        }
    }
}

/// How the payment came to nothing: `cancelled` or `expired` where the payload says so, else `failed`.
fn status(payload: &Value) -> &'static str {
    match payload.get("status").and_then(Value::as_str) {
        Some("cancelled") => "cancelled",
        Some("expired") => "expired",
        _ => "failed",
    }
}

async fn mark_if_undecided(
    connection: &mut Connection,
    intent_id: &str,
    status: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_intents SET status = $2, updated_at = now()
         WHERE payment_intent_id = $1 AND status IN ('pending', 'processing')",
        intent_id,
        status,
    )
    .execute(connection)
    .await?;
    Ok(())
}
