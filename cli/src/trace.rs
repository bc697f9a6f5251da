//! `makegood trace`.

use crate::database;
use crate::exit::{self, FOUND};
use crate::output::Output;
use clap::builder::NonEmptyStringValueParser;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use makegood::clock::Clock;
use makegood::db::Database;
use operate::timeline::{self, Entry, Match, Moment, Subject, Timeline};
use std::process::ExitCode;

/// Show what became of a payment: one line of time from the gateway to what was paid for.
///
/// Takes the id of a payment (ours or the provider's), of an intent, an order or its number, a student or buyer, an event, a
/// correlation, a purchase, an allocation, a session, a job, a dead letter or a case. Where a person has several payments, each is
/// listed; trace one of them for its line of time. Shows ids and amounts, no addresses and no names.
///
/// Times are the school's (BUSINESS_TIMEZONE). Below each is how long after the step before it was: `+1.2 s`.
///
/// Examples:
///   makegood trace 0192f0c1-7e1d-7c3a-9a51-2f6f0d1c9b11
///   makegood trace pay_NdHk2mWqXzR1aB
///   makegood trace ORD-20260112-7F3K9QXA --json
///
/// Exit code: 0 all is there, or nothing is owed; 1 something is missing, or the id is not known; 2 wrong usage; 3 it could not
/// look.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The id.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let id = arguments.id.as_str();
    let (database, timezone) = database::open_with_timezone().await?;
    let moment = Moment {
        now: clock.now(),
        timezone,
    };
    let mut connection = database.acquire().await?;
    let matches = timeline::find(&mut connection, id).await?;
    drop(connection);
    match matches.as_slice() {
        [] => not_found(id, output),
        [only] => show(&database, &only.subject, moment, output).await,
        several => list(several, output),
    }
}

fn not_found(id: &str, output: Output) -> anyhow::Result<ExitCode> {
    let line = format!(
        "{id} is not known: no payment, intent, order, student, event, job or dead letter. Was it recorded at all? Look at the log \
         of receive-payment or create-order-intent"
    );
    output.answer(&Vec::<Timeline>::new(), &[line])?;
    Ok(ExitCode::from(FOUND))
}

async fn show(
    database: &Database,
    subject: &Subject,
    moment: Moment,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let Some(found) = timeline::timeline(database, subject, moment).await? else {
        return not_found(&subject.id(), output);
    };
    output.answer(&found, &lines(&found, &moment))?;
    Ok(exit::of(found.gap.is_none()))
}

/// Several are listed, not judged: a script asks for one.
fn list(several: &[Match], output: Output) -> anyhow::Result<ExitCode> {
    let told = several.iter().map(|found| {
        let at = found.at.map(|at| at.to_rfc3339()).unwrap_or_default();
        format!("{at}  {}  {}", found.subject, found.summary)
    });
    let last = format!("{} matches; trace one of them", several.len());
    output.answer(&several, &told.chain([last]).collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

fn lines(found: &Timeline, moment: &Moment) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["when", "", "what", "ids"]);
    for entry in &found.entries {
        table.add_row(row(entry, moment));
    }
    let left_out = (found.left_out > 0).then(|| format!("… {} older entries are left out", found.left_out));
    let next = found.gap.as_ref().map(|gap| format!("→ {}", gap.next_step));
    [found.title.clone()]
        .into_iter()
        .chain(left_out)
        .chain([table.to_string()])
        .chain(next)
        .collect()
}

fn row(entry: &Entry, moment: &Moment) -> [String; 4] {
    let ids: Vec<String> = entry
        .ids
        .iter()
        .map(|(name, id)| format!("{name} {id}"))
        .collect();
    let at = entry.at.map(|at| moment.tell(at));
    let since = entry.millis_since_before.map(timeline::told_since);
    [
        at.into_iter().chain(since).collect::<Vec<_>>().join("\n"),
        entry.status.word().to_owned(),
        entry.what.clone(),
        ids.join("\n"),
    ]
}
