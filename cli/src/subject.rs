//! `makegood subject`.

use crate::output::Output;
use makegood::ids::UserId;
use serde_json::json;
use std::process::ExitCode;

/// Print the id that the rows of a buyer have, for the subject of their token.
///
/// A subject that is a UUID is the id itself. Any other is its UUIDv5 under the namespace 6d616b65-676f-6f64-8000-000000000001: write the
/// buyer's cart under it, and look for the buyer with it. Asks no database.
///
/// Examples:
///   makegood subject 'auth0|6502c1d8e2'
///   makegood trace "$(makegood subject 'auth0|6502c1d8e2')"
///
/// Exit code: 0 printed; 2 wrong usage, such as a blank subject; 3 it could not write.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The claim `sub` of the token, as it is.
    #[arg(value_parser = of_subject)]
    subject: UserId,
}

/// The buyer whom a text names, for arguments.
///
/// # Errors
/// When it names no user.
pub fn of_subject(text: &str) -> Result<UserId, String> {
    UserId::of_subject(text).ok_or_else(|| "a subject must not be blank".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the answer can't be written.
pub fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let id = arguments.subject.to_string();
    output.answer(&json!({"userId": id}), std::slice::from_ref(&id))?;
    Ok(ExitCode::SUCCESS)
}
