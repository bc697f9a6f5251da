//! The command `makegood`: thin commands over the shared crate. Answers go to standard output, progress and
//! warnings to standard error.
// Those macros panic when the reader has gone; output.rs does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod act;
mod caller;
mod cases;
mod check_database;
mod database;
mod dead_letters;
mod doctor;
mod edits;
mod ensure_index;
mod exit;
mod jobs;
mod migrate;
mod normalise_times;
mod output;
mod preflight;
mod privacy;
mod refund_record;
mod refunds;
mod replay_event;
mod shell;
mod statement;
mod subject;
mod trace;

use clap::{CommandFactory, Parser, Subcommand};
use makegood::clock::Clock;
use output::Output;
use std::process::ExitCode;

/// Looks after Makegood's database and events.
///
/// The database is DATABASE_URL, or DATABASE_SECRET_ARN with DATABASE_PROXY_ENDPOINT and DATABASE_NAME.
/// `migrate` and `ensure-index` need the database itself, not a pooler: they hold a session lock.
#[derive(Debug, Parser)]
#[command(name = "makegood", version = env!("MAKEGOOD_VERSION"), after_help = exit::TABLE)]
struct Arguments {
    /// Print the answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Migrate(migrate::Arguments),
    EnsureIndex(ensure_index::Arguments),
    CheckDatabase(check_database::Arguments),
    Doctor(doctor::Arguments),
    NormaliseTimes(normalise_times::Arguments),
    Trace(trace::Arguments),
    ReplayEvent(replay_event::Arguments),
    DeadLetters(dead_letters::Arguments),
    Edits(edits::Arguments),
    Jobs(jobs::Arguments),
    Cases(cases::Arguments),
    Refunds(refunds::Arguments),
    Statement(statement::Arguments),
    Privacy(privacy::Arguments),
    Subject(subject::Arguments),
    Preflight(preflight::Arguments),
    Completions(shell::Completions),
    Man(shell::Man),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output { json: arguments.json };
    let clock = Clock::System;
    let result = match arguments.command {
        Command::Migrate(arguments) => migrate::run(&arguments, output).await,
        Command::EnsureIndex(arguments) => ensure_index::run(&arguments, output).await,
        Command::CheckDatabase(arguments) => check_database::run(&arguments, output, clock).await,
        Command::Doctor(arguments) => doctor::run(&arguments, output, clock).await,
        Command::NormaliseTimes(arguments) => normalise_times::run(&arguments, output, clock).await,
        Command::Trace(arguments) => trace::run(&arguments, output, clock).await,
        Command::ReplayEvent(arguments) => replay_event::run(&arguments, output).await,
        Command::DeadLetters(arguments) => dead_letters::run(&arguments, output).await,
        Command::Edits(arguments) => edits::run(&arguments, output).await,
        Command::Jobs(arguments) => jobs::run(&arguments, output).await,
        Command::Cases(arguments) => cases::run(&arguments, output).await,
        Command::Refunds(arguments) => refunds::run(&arguments, output, clock).await,
        Command::Statement(arguments) => statement::run(&arguments, output, clock).await,
        Command::Privacy(arguments) => privacy::run(&arguments, output, clock).await,
        Command::Completions(arguments) => shell::completions(&arguments, Arguments::command(), output),
        Command::Man(arguments) => shell::man(&arguments, Arguments::command(), output),
        Command::Subject(arguments) => subject::run(&arguments, output),
        Command::Preflight(arguments) => preflight::run(&arguments, output, clock).await,
    };
    result.unwrap_or_else(|error| output.failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_json_an_example_and_its_exit_codes_in_its_help() {
        let mut command = Arguments::command();
        command.build();
        let mut leaves = Vec::new();
        collect_leaves(&command, &mut leaves);
        assert!(leaves.len() >= 20, "{}", leaves.len());
        for mut leaf in leaves {
            let help = leaf.render_long_help().to_string();
            for promise in [
                "--json",
                "Example",
                "makegood ",
                "Exit code: 0 ",
                "; 2 wrong usage",
                "; 3 ",
            ] {
                assert!(
                    help.contains(promise),
                    "{promise:?} is not in the help of {}:\n{help}",
                    leaf.get_name()
                );
            }
        }
    }

    fn collect_leaves(command: &clap::Command, leaves: &mut Vec<clap::Command>) {
        let mut below = command
            .get_subcommands()
            .filter(|command| command.get_name() != "help")
            .peekable();
        if below.peek().is_none() {
            leaves.push(command.clone());
        }
        below.for_each(|command| collect_leaves(command, leaves));
    }
}
