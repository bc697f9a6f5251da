//! Time and the sweeps: what would take hours is made older in the database, and the sweeps that would come within minutes
//! are run at once, through the deployed function.

use crate::settings::Settings;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sqlx::PgPool;

/// Makes the checkouts of `late` buyers two hours older, and their reservations with them: their links and reservations have
/// ended. Those whose tab is `closed` become ten minutes older, for which reconcile waits before it asks about a payment.
pub(super) async fn let_time_pass(pool: &PgPool, late: &[String], closed: &[String]) -> Result<()> {
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "UPDATE payment_intents
         SET created_at = created_at - interval '2 hours', updated_at = updated_at - interval '2 hours',
             expires_at = expires_at - interval '2 hours'
         WHERE payment_intent_id = ANY($1)",
        late
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "UPDATE inventory_reservations
         SET created_at = created_at - interval '2 hours', expires_at = expires_at - interval '2 hours'
         WHERE payment_intent_id = ANY($1)",
        late
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "UPDATE payment_intents
         SET created_at = created_at - interval '10 minutes', updated_at = updated_at - interval '10 minutes'
         WHERE payment_intent_id = ANY($1)",
        closed
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Runs a sweep now; what it answers.
pub(crate) async fn run(settings: &Settings, http: &reqwest::Client, sweep: &str) -> Result<Value> {
    let answer = http
        .post(&settings.sweep_url)
        .json(&json!({"sweep": sweep}))
        .send()
        .await;
    let answer = answer.context("the deployed sweep can't be run; see local/stack/status.sh")?;
    let failed = answer.headers().contains_key("x-amz-function-error") || !answer.status().is_success();
    let text = answer.text().await?;
    if failed {
        bail!("the sweep {sweep} failed: {text}; see its log");
    }
    Ok(serde_json::from_str(&text)?)
}
