//! `makegood normalise-times`.

use crate::database;
use crate::exit;
use crate::output::Output;
use makegood::clock::Clock;
use operate::times::{self, Normalised, Unread};
use std::process::ExitCode;

/// Write the days and times that were chosen in older rows in their normal form.
///
/// Active purchases, allocations that stand or wait, and sessions from today on: `16:00` becomes `4:00 PM`, `2026-12-10T18:30:00Z` becomes
/// the day that it is at the school, a schedule in JSON text becomes an object. A few hundred rows a transaction, so that other
/// writers wait for a moment only. What can't be read stays as it is and is listed. Safe to run any number of times.
///
/// Example: `makegood normalise-times --json | jq .unread`
///
/// Exit code: 0 everything that was chosen is in its normal form; 1 some can't be read and are listed; 2 wrong usage; 3 it could not look or write.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(_: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let (database, timezone) = database::open_with_timezone().await?;
    let bar = output.waiting_for("reading what was chosen")?;
    let done = times::normalise(&database, timezone, clock.today(timezone)).await;
    bar.finish_and_clear();
    let done = done?;
    output.answer(&done, &lines(&done))?;
    Ok(exit::of(done.unread.is_empty()))
}

fn lines(done: &Normalised) -> Vec<String> {
    let counts = format!(
        "rewritten: {} purchases, {} allocations, {} sessions",
        done.purchases, done.allocations, done.sessions
    );
    let unread = done.unread.iter().map(line);
    [counts].into_iter().chain(unread).collect()
}

fn line(unread: &Unread) -> String {
    let Unread {
        table,
        id,
        field,
        value,
    } = unread;
    format!("can't be read: {table} {id}, {field}: {value}")
}
