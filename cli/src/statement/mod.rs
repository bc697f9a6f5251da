//! `makegood statement`.

mod import;
mod lines;

use crate::act::Moment;
use crate::database;
use crate::exit::{self, FOUND};
use crate::output::{Output, instant, table};
use chrono_tz::Tz;
use import::ImportArguments;
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::money::money;
use operate::statement::{self, EntryRow, Total};
use serde::Serialize;
use std::process::ExitCode;

/// Look at what the providers themselves say of payments and refunds, and take in what merchants export.
///
/// Examples:
///   makegood statement check
///   makegood statement show pay_FS8TWyPrCsa0OB
///   makegood statement import khalti.csv --provider khalti --id Pidx --amount Amount --status Status --at "Created at" --reason "October"
///
/// The sweep `statement` reads Razorpay's lists by itself. eSewa and Khalti have none that a program can ask for: import their files.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(CheckArguments),
    Show(ShowArguments),
    Import(Box<ImportArguments>),
}

/// Show totals by day, provider and outcome, and every difference that no case answers for.
///
/// Example: `makegood statement check --since 30d`
///
/// Exit code: 0 nothing differs without a case; 1 something does; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct CheckArguments {
    /// Since this instant, or so long ago.
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: Moment,
}

/// Show the entries of an id: the provider's of a payment, refund or settlement, or ours.
///
/// Example: `makegood statement show pay_FS8TWyPrCsa0OB --json`
///
/// Exit code: 0 shown; 1 there is none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// The id.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    id: String,
}

/// The answer of `check`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    totals: Vec<Total>,
    unanswered: Vec<EntryRow>,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment, the file and the database.
pub async fn run(arguments: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Check(arguments) => {
            let (database, timezone) = database::open_with_timezone().await?;
            check(&database, timezone, arguments, output, clock).await
        }
        Command::Show(arguments) => show(&database::open().await?, arguments, output).await,
        Command::Import(arguments) => import::run(arguments, output, clock).await,
    }
}

async fn check(
    database: &Database,
    timezone: Tz,
    arguments: &CheckArguments,
    output: Output,
    clock: Clock,
) -> anyhow::Result<ExitCode> {
    let since = arguments.since.instant(clock.now());
    let mut connection = database.acquire().await?;
    let checked = Checked {
        totals: statement::totals(&mut connection, since, timezone).await?,
        unanswered: statement::unanswered(&mut connection).await?,
    };
    let mut lines = totals(&checked.totals);
    if checked.totals.is_empty() {
        lines = vec![format!("no statement has an entry since {}", instant(since))];
    }
    if !checked.unanswered.is_empty() {
        lines.push("differs, and no case answers for it:".to_owned());
        lines.extend(entries(&checked.unanswered));
    }
    output.answer(&checked, &lines)?;
    Ok(exit::of(checked.unanswered.is_empty()))
}

async fn show(database: &Database, arguments: &ShowArguments, output: Output) -> anyhow::Result<ExitCode> {
    let mut connection = database.acquire().await?;
    let found = statement::entries(&mut connection, &arguments.id).await?;
    if found.is_empty() {
        output.refused("no statement has an entry of this id; `makegood statement check` says what is read");
        return Ok(ExitCode::from(FOUND));
    }
    output.answer(&found, &entries(&found))?;
    Ok(ExitCode::SUCCESS)
}

fn totals(totals: &[Total]) -> Vec<String> {
    let columns = [
        "day", "provider", "what", "outcome", "entries", "sum", "fees", "net",
    ];
    let cells = |total: &Total| {
        vec![
            total.day.to_string(),
            total.provider.clone(),
            total.kind.clone(),
            total.outcome.clone(),
            total.entries.to_string(),
            money(total.amount_minor, &total.currency),
            money(total.fee_minor, &total.currency),
            money(total.net_minor, &total.currency),
        ]
    };
    table(&columns, totals.iter().map(cells))
}

fn entries(entries: &[EntryRow]) -> Vec<String> {
    let columns = [
        "at", "entry", "what", "outcome", "amount", "provider", "ours", "done",
    ];
    let cells = |entry: &EntryRow| {
        vec![
            instant(entry.occurred_at),
            entry.entry_id.clone(),
            entry.kind.clone(),
            entry.outcome.clone(),
            money(entry.amount_minor, &entry.currency),
            entry.provider.clone(),
            entry.subject.clone().unwrap_or_default(),
            entry.acted.clone().unwrap_or_default(),
        ]
    };
    table(&columns, entries.iter().map(cells))
}
