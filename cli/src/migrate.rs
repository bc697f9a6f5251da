//! `makegood migrate`.

use crate::database;
use crate::output::{Output, show_progress};
use makegood::database::{Finding, Weight, check};
use makegood::db::Database;
use makegood::schema::{self, IndexOutcome, MigrationReport};
use sqlx::postgres::PgConnectOptions;
use std::process::ExitCode;

/// Bring the database to this version's schema.
///
/// Additive, safe on a live database, any number of times and by several at once. Builds missing indexes
/// concurrently. Where existing duplicates forbid a constraint it goes on without, warns, and a later run (or
/// `makegood ensure-index`) builds it. What blinds or breaks afterwards (`makegood check-database`) is a warning too. Tables with
/// rows and without statistics, as after a bulk load, are counted (ANALYZE).
///
/// Example: `makegood migrate --json`
///
/// Exit code: 0 migrated, warnings included; 2 wrong usage; 3 it could not look or migrate.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also set the time limits of this role in this database: the role that the functions log in with, or `self`
    ///
    /// `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` (and `transaction_timeout` from PostgreSQL 17
    /// on), by `ALTER ROLE … IN DATABASE … SET`. Whatever else logs in with this role to this database gets them too.
    #[arg(long, value_name = "ROLE")]
    limit_role: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and of [`schema::migrate`].
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let options = database::options().await?;
    let bar = output.build_progress()?;
    bar.set_message("migrating");
    let report = schema::migrate(&options, &|progress| show_progress(&bar, &progress)).await;
    bar.finish_and_clear();
    let report = report?;
    let found = found_in(&options).await;
    let limits = match &arguments.limit_role {
        Some(role) => schema::limit_role(&options, role).await?,
        None => Vec::new(),
    };
    let lines = [lines(&report), limits.clone()].concat();
    let mut answer = serde_json::to_value(&report)?;
    let warnings = [report.warnings.clone(), found].concat();
    answer["warnings"] = warnings.clone().into();
    answer["limits"] = limits.into();
    output.answer(&answer, &lines)?;
    output.warn(&warnings);
    Ok(ExitCode::SUCCESS)
}

/// What blinds or breaks in the migrated database (`makegood check-database`), a line each.
async fn found_in(options: &PgConnectOptions) -> Vec<String> {
    let database = Database::with_options(options.clone(), 1);
    let found = match database.acquire().await {
        Ok(mut connection) => check(&mut connection).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(findings) => {
            let bad = findings.iter().filter(|finding| finding.weight != Weight::Risk);
            bad.map(Finding::line).collect()
        }
        Err(error) => vec![format!(
            "the database could not be looked at afterwards (makegood check-database): {error}"
        )],
    }
}

fn lines(report: &MigrationReport) -> Vec<String> {
    let applied = report
        .applied
        .iter()
        .map(|migration| format!("applied {:04} {}", migration.version, migration.description));
    let built = report
        .indexes
        .iter()
        .filter(|index| index.outcome != IndexOutcome::AlreadyValid)
        .map(|index| {
            let outcome = match index.outcome {
                IndexOutcome::AlreadyValid | IndexOutcome::Built => "built",
                IndexOutcome::Rebuilt => "rebuilt",
                IndexOutcome::Duplicates | IndexOutcome::Partitioned => "could not build",
            };
            format!("{outcome} {} on {}", index.index, index.table)
        });
    let analyzed = report
        .analyzed
        .iter()
        .map(|table| format!("counted {table}, which had rows and no statistics (ANALYZE)"));
    let summary = format!(
        "{} applied now, {} before",
        report.applied.len(),
        report.already_applied
    );
    applied.chain(built).chain(analyzed).chain([summary]).collect()
}
