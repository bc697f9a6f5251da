//! Time limits of the role that the functions log in with, kept by the server: the only ones that a statement outside a
//! transaction has there. No pooler pins for them, since nothing is sent in a session.

use super::SchemaError;
use super::session::{HAS_TRANSACTION_TIMEOUT, SchemaSession};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

/// The settings and their values. Each is longer than what a transaction sets for itself, so that it is the backstop and never
/// the first to end a statement; docs/reliability.md has the reasons.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "15s"),
];
const TRANSACTION_LIMIT: (&str, &str) = ("transaction_timeout", "120s");

/// How long to wait for a migration that runs at the same time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sets the limits of this role in this database, for sessions that begin after it; `self` is the role of these options. Gives
/// back the statements that did so. Safe to run any number of times. Takes the schema lock.
///
/// # Errors
/// Those of the database: 42704 when there is no such role, 42501 when this session may not alter it.
pub async fn limit_role(options: &PgConnectOptions, role: &str) -> Result<Vec<String>, SchemaError> {
    let mut session = SchemaSession::open(options, PATIENCE).await?;
    let statements = set(&mut session, role).await;
    session.close().await;
    statements
}

async fn set(session: &mut SchemaSession, role: &str) -> Result<Vec<String>, SchemaError> {
    let mut limits = LIMITS.to_vec();
    if session.server_version() >= HAS_TRANSACTION_TIMEOUT {
        limits.push(TRANSACTION_LIMIT);
    }
    let mut lines = Vec::new();
    for (setting, value) in limits {
        let statement: String = sqlx::query_scalar(
            "SELECT format('ALTER ROLE %I IN DATABASE %I SET %s = %L', CASE $1 WHEN 'self' THEN current_user ELSE $1 END,
                           current_database(), $2, $3)",
        )
        .bind(role)
        .bind(setting)
        .bind(value)
        .fetch_one(&mut session.conn)
        .await?;
        sqlx::raw_sql(AssertSqlSafe(statement.clone()))
            .execute(&mut session.conn)
            .await?;
        lines.push(statement);
    }
    Ok(lines)
}
