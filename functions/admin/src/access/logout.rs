//! Logins that ended by logout before their token did: a copied token opens nothing after its owner has logged out. And
//! logins that were finished: an answer of the issuer is good for one of them.

use super::Operator;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use makegood::db::{Database, ErrorClass, classify};
use sha2::{Digest, Sha256};

/// Whether this operator's login ended by logout.
///
/// # Errors
/// Those of the database. A table that is not there yet (the migration comes after the function) is not one: then no login ended.
pub async fn has_ended(database: &Database, operator: &Operator) -> Result<bool, sqlx::Error> {
    let mut connection = database.acquire().await?;
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM console_logouts WHERE session = $1) AS "ended!""#,
        operator.session
    )
    .fetch_one(&mut connection)
    .await;
    match found {
        Err(error) if classify(&error) == ErrorClass::SchemaDrift => {
            tracing::error!(%error, "logouts can't be looked up; run makegood migrate");
            Ok(false)
        }
        found => found,
    }
}

/// Ends this operator's login, and forgets the logouts whose tokens have expired.
///
/// # Errors
/// Those of the database.
pub async fn end(database: &Database, operator: &Operator, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut connection = database.acquire().await?;
    sqlx::query!(
        "WITH expired AS (DELETE FROM console_logouts WHERE until < $3)
         INSERT INTO console_logouts (session, until) VALUES ($1, $2) ON CONFLICT (session) DO NOTHING",
        operator.session,
        operator.expires_at,
        now
    )
    .execute(&mut connection)
    .await?;
    Ok(())
}

/// Notes that the login of this state is finished. False when it was before. Without the database a login may be finished twice: the runbook
/// is wanted then, and needs none.
pub async fn use_up(database: &Database, state: &str, until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    match note_used(database, state, until, now).await {
        Ok(is_first) => is_first,
        Err(error) => {
            let code = classify(&error).code();
            tracing::error!(code, %error, "a finished login could not be noted");
            true
        }
    }
}

async fn note_used(
    database: &Database,
    state: &str,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let mut connection = database.acquire().await?;
    let done = sqlx::query!(
        "WITH expired AS (DELETE FROM console_logouts WHERE until < $3)
         INSERT INTO console_logouts (session, until) VALUES ($1, $2) ON CONFLICT (session) DO NOTHING",
        format!("login:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(state))),
        until,
        now
    )
    .execute(&mut connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
