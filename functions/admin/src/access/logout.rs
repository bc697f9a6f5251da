//! Logins that ended by logout before their token did. A token that somebody copied opens nothing after its owner has logged out.

use super::Operator;
use chrono::{DateTime, Utc};
use makegood::db::{Database, ErrorClass, classify};

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
