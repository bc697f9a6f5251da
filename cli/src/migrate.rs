//! `makegood migrate`.

use crate::database;
use crate::output::{Output, show_progress};
use makegood::schema::{self, IndexOutcome, MigrationReport};
use std::process::ExitCode;

/// Bring the database to this version's schema.
///
/// Additive, safe on a live database, any number of times and by several at once. Builds missing indexes
/// concurrently. Where existing duplicates forbid a constraint it goes on without, warns, and a later run (or
/// `makegood ensure-index`) builds it.
///
/// Example: `makegood migrate --json`
///
/// Exit code: 0 migrated, warnings included; 1 an error; 2 wrong usage.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// Those of the environment and of [`schema::migrate`].
pub async fn run(_: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let options = database::options().await?;
    let bar = output.build_progress()?;
    bar.set_message("migrating");
    let report = schema::migrate(&options, &|progress| show_progress(&bar, &progress)).await;
    bar.finish_and_clear();
    let report = report?;
    output.answer(&report, &lines(&report))?;
    output.warn(&report.warnings);
    Ok(ExitCode::SUCCESS)
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
                IndexOutcome::Duplicates => "could not build",
            };
            format!("{outcome} {} on {}", index.index, index.table)
        });
    let summary = format!(
        "{} applied now, {} before",
        report.applied.len(),
        report.already_applied
    );
    applied.chain(built).chain([summary]).collect()
}
