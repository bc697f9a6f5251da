//! `makegood dead-letters`.

mod discard;
mod filter;
mod groups;
mod list;
mod replay;
mod restore;
mod show;

use crate::output::Output;
use std::process::ExitCode;

/// Look at messages that could not be processed, and send them back.
///
/// A dead letter is kept until an operator deals with it. Fix the cause first: its reason names it. Then replay it: it goes
/// back to the very queue that it came from, nowhere else. Replays are safe: an event delivered any number of times
/// leaves the same rows.
///
/// Examples:
///   makegood dead-letters groups
///   makegood dead-letters list --since 2h
///   makegood dead-letters show 6f1c2a6e-…
///   makegood dead-letters replay 6f1c2a6e-… --reason "course added" --payload corrected.json
///   makegood dead-letters replay --error-code database_unavailable            (says what it would do)
///   makegood dead-letters replay --error-code database_unavailable --yes --reason "database is back"
///   makegood dead-letters discard 6f1c2a6e-… --reason "test message of the payment service"
///
/// The queues are QUEUE_URL_<TOPIC> (comma-separated, such as QUEUE_URL_PURCHASE_CREATED) and JOBS_QUEUE_URL.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Arguments),
    Groups(groups::Arguments),
    Show(show::Arguments),
    Replay(replay::Arguments),
    Discard(discard::Arguments),
    Restore(restore::Arguments),
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments, output).await,
        Command::Groups(arguments) => groups::run(arguments, output).await,
        Command::Show(arguments) => show::run(arguments, output).await,
        Command::Replay(arguments) => replay::run(arguments, output).await,
        Command::Discard(arguments) => discard::run(arguments, output).await,
        Command::Restore(arguments) => restore::run(arguments, output).await,
    }
}
