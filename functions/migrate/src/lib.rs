//! The `migrate` function: the same code as `makegood migrate`, for databases that only Lambda can reach.

use makegood::runtime::Coded;
use makegood::schema::{self, BuildProgress};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;

/// Why the invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateFunctionError {
    /// The migration itself.
    #[error(transparent)]
    Schema(#[from] schema::SchemaError),
    /// The report could not be written.
    #[error("the report can't be written as JSON: {0}")]
    Report(#[from] serde_json::Error),
}

impl Coded for MigrateFunctionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Schema(error) => error.code(),
            Self::Report(_) => "report_unwritable",
        }
    }
}

/// Migrates and answers with the report. `{"limitRole": "self"}` also sets the time limits of the role that logs in, or of the role
/// named ([`schema::limit_role`]); the statements are in the answer.
///
/// # Errors
/// As [`schema::migrate`]; the message says what to do next.
pub async fn handle(options: &PgConnectOptions, payload: Value) -> Result<Value, MigrateFunctionError> {
    let report = schema::migrate(options, &log_progress).await?;
    report
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let mut answer = serde_json::to_value(report)?;
    if let Some(role) = payload.get("limitRole").and_then(Value::as_str) {
        answer["limits"] = schema::limit_role(options, role).await?.into();
    }
    Ok(answer)
}

fn log_progress(progress: BuildProgress) {
    tracing::info!(
        index = progress.index,
        phase = progress.phase,
        done = progress.done,
        total = progress.total,
        "building"
    );
}
