//! `makegood refunds`.

use crate::act::{PageArguments, next_line};
use crate::database;
use crate::exit::FOUND;
use crate::output::{Output, instant, table};
use crate::refund_record::{self, RecordArguments};
use makegood::clock::Clock;
use makegood::db::Database;
use operate::refund::{self, RefundRow};
use std::process::ExitCode;

/// Look at money that went back, and record what the provider does not report.
///
/// Examples:
///   makegood refunds list
///   makegood refunds show rfnd_FS8TWyPrCsa0OB
///   makegood refunds record --order ORD-20261121-7Q4K2M00 --amount 2499.00 --reference 4711 --reason "damaged"
///
/// Moving money stays with you: refund at the provider, and its message ends what it paid for. Where it sends none, record it.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(ListArguments),
    Show(ShowArguments),
    Record(RecordArguments),
}

/// List refunds, the newest first.
///
/// Example: `makegood refunds list --status failed`
///
/// Exit code: 0 listed, also when there are none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Of this status.
    #[arg(long, default_value = "all", value_parser = ["created", "failed", "processed", "all"])]
    status: String,
    #[command(flatten)]
    page: PageArguments,
}

/// Show the refunds of a refund's, payment's or intent's id, ours or the provider's.
///
/// Example: `makegood refunds show rfnd_FS8TWyPrCsa0OB --json`
///
/// Exit code: 0 shown; 1 there is none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// The id.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    id: String,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::List(arguments) => list(&database::open().await?, arguments, output).await,
        Command::Show(arguments) => show(&database::open().await?, arguments, output).await,
        Command::Record(arguments) => refund_record::run(arguments, output, clock).await,
    }
}

async fn list(database: &Database, arguments: &ListArguments, output: Output) -> anyhow::Result<ExitCode> {
    let status = Some(arguments.status.as_str()).filter(|status| *status != "all");
    let mut connection = database.acquire().await?;
    let page = refund::list(&mut connection, status, &arguments.page.request()).await?;
    let mut lines = lines(&page.items);
    lines.extend(next_line(page.next));
    output.answer(&page, &lines)?;
    Ok(ExitCode::SUCCESS)
}

async fn show(database: &Database, arguments: &ShowArguments, output: Output) -> anyhow::Result<ExitCode> {
    let mut connection = database.acquire().await?;
    let refunds = refund::show(&mut connection, &arguments.id).await?;
    if refunds.is_empty() {
        output
            .refused("no refund has this id, or is of a payment with it; `makegood refunds list` shows all");
        return Ok(ExitCode::from(FOUND));
    }
    output.answer(&refunds, &lines(&refunds))?;
    Ok(ExitCode::SUCCESS)
}

fn lines(refunds: &[RefundRow]) -> Vec<String> {
    let columns = ["told", "refund", "status", "amount", "provider", "of"];
    let cells = |refund: &RefundRow| {
        vec![
            instant(refund.told_at),
            refund.provider_refund_id.clone(),
            refund.status.clone(),
            refund.amount(),
            refund.provider.clone(),
            refund.paid_by(),
        ]
    };
    table(&columns, refunds.iter().map(cells))
}
