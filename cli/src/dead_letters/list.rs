//! `makegood dead-letters list`.

use super::filter::FilterArguments;
use crate::act::{PageArguments, next_line};
use crate::database;
use crate::output::{Output, instant, one_line, table};
use makegood::clock::Clock;
use operate::dead_letter::{self, DeadLetterRow, DeadLetterStatus};
use std::process::ExitCode;

/// List dead letters, the newest first.
///
/// Example: `makegood dead-letters list --since 2h --error-code missing_field`
///
/// Exit code: 0 listed, also when there are none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Of this status.
    #[arg(long, default_value = "parked", value_parser = ["parked", "replayed", "discarded", "all"])]
    status: String,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    page: PageArguments,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let status = DeadLetterStatus::from_wire_name(&arguments.status);
    let filter = arguments.filter.filter(status, Clock::System.now());
    let database = database::open().await?;
    let mut connection = database.acquire().await?;
    let page = dead_letter::list(&mut connection, &filter, &arguments.page.request()).await?;
    let mut lines = table(
        &["parked", "id", "status", "source", "code", "reason"],
        page.items.iter().map(cells),
    );
    lines.extend(next_line(page.next));
    output.answer(&page, &lines)?;
    Ok(ExitCode::SUCCESS)
}

fn cells(row: &DeadLetterRow) -> Vec<String> {
    let status = match row.replay_count {
        0 => row.status.to_string(),
        count => format!("{} ({count}×)", row.status),
    };
    vec![
        instant(row.parked_at),
        row.id.to_string(),
        status,
        row.source.clone(),
        row.error_code.clone().unwrap_or_default(),
        one_line(&row.failure_reason, 80),
    ]
}
