//! `makegood privacy`.

use crate::act::ActArguments;
use crate::database;
use crate::exit::{self, BadInput, FOUND};
use crate::output::{Output, table};
use crate::subject::of_subject;
use anyhow::{Context, anyhow};
use makegood::clock::Clock;
use makegood::db::Isolation;
use makegood::ids::UserId;
use operate::privacy::{Erasing, Erasure, Export, Person, erase, export};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use uuid::Uuid;

/// Give out what is known of one person, or erase it.
///
/// Examples:
///   makegood privacy export --student 0d5f9e58-… --out student.json
///   makegood privacy erase --buyer 6f1c2a6e-… --reason "request 4711" --dry-run
///   makegood privacy export --buyer 'auth0|6502c1d8e2'
///
/// docs/privacy.md lists what is kept, for how long, and what an erasure does with it.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Export(ExportArguments),
    Erase(EraseArguments),
}

/// Whose data.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct PersonArguments {
    /// A student, in the course pipeline.
    #[arg(long, value_name = "UUID")]
    student: Option<Uuid>,
    /// A buyer, in the shop: their id, or the subject of their token.
    #[arg(long, value_name = "SUBJECT", value_parser = of_subject)]
    buyer: Option<UserId>,
}

impl PersonArguments {
    fn person(&self) -> anyhow::Result<Person> {
        match (self.student, self.buyer) {
            (Some(id), _) => Ok(Person::Student(id)),
            (_, Some(id)) => Ok(Person::Buyer(id.0)),
            (None, None) => Err(BadInput::of(anyhow!("give --student or --buyer")).into()),
        }
    }
}

/// Write all that the database knows of a person as one JSON document, a list a table. Changes nothing.
///
/// Without --json and --out it says how many rows of each table there are.
///
/// Example: `makegood privacy export --student 0d5f9e58-… --out student.json`
///
/// Exit code: 0 written; 1 nothing is known of this person; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct ExportArguments {
    #[command(flatten)]
    person: PersonArguments,
    /// Write the document into this file, which no other user of this machine can read; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Erase what is personal of a person. Amounts, states and ids of payments stay, which bookkeeping and repeats need.
///
/// The audit log has it first, under a pseudonym: don't name the person in the reason. Each table is a transaction of its own; an erasure that
/// was interrupted is run again. What comes late for the person is acknowledged and makes nothing. Other services have to erase what they
/// know by themselves.
///
/// Examples:
///   makegood privacy erase --student 0d5f9e58-… --reason "request 4711" --dry-run
///   makegood privacy erase --buyer 6f1c2a6e-… --reason "request 4712" --also-open
///
/// Exit code: 0 erased, also when it was before; 1 refused: something is open, or nothing is known of this person; or something is left for
/// the next run; 2 wrong usage; 3 it could not look or act: run it again.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct EraseArguments {
    #[command(flatten)]
    person: PersonArguments,
    /// Erase although something is open: courses end, what was paid and not delivered becomes a case, dead letters are discarded.
    #[arg(long)]
    also_open: bool,
    /// Say what would be erased, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    act: ActArguments,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Export(arguments) => give_out(arguments, output, clock).await,
        Command::Erase(arguments) => remove(arguments, output, clock).await,
    }
}

async fn give_out(arguments: &ExportArguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let person = arguments.person.person()?;
    let database = database::open().await?;
    let mut transaction = database.begin_as(Isolation::Snapshot).await?;
    let found = export(&mut transaction, person, clock.now()).await?;
    transaction.rollback().await?;
    if found.is_empty() {
        output.refused(&format!("nothing is known of {person}"));
        return Ok(ExitCode::from(FOUND));
    }
    let lines = table(
        &["table", "rows"],
        found
            .tables
            .iter()
            .map(|(name, rows)| vec![name.clone(), rows.len().to_string()]),
    );
    match &arguments.out {
        None => output.answer(&found, &lines)?,
        Some(path) => {
            write(path, &found)?;
            let file = path.display().to_string();
            output.answer(&json!({"person": person, "file": file}), &lines)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, found: &Export) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} can't be made", path.display()))
        .map_err(BadInput::of)?;
    let document = serde_json::to_string_pretty(found)?;
    writeln!(file, "{document}").with_context(|| format!("{} can't be written", path.display()))
}

async fn remove(arguments: &EraseArguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let person = arguments.person.person()?;
    let (database, timezone) = database::open_with_timezone().await?;
    let erasing = Erasing {
        database: &database,
        act: &act,
        also_open: arguments.also_open,
        now: clock.now(),
        timezone,
    };
    match erase(&erasing, person, arguments.dry_run).await? {
        Ok(erasure) => {
            output.answer(&erasure, &lines(&erasure, arguments.dry_run))?;
            Ok(exit::of(erasure.is_complete))
        }
        Err(refused) => {
            output.refused(&refused.to_string());
            Ok(ExitCode::from(FOUND))
        }
    }
}

fn lines(erasure: &Erasure, is_rehearsal: bool) -> Vec<String> {
    let verb = if is_rehearsal { "would be erased" } else { "erased" };
    let mut lines = vec![format!("{}: {verb}", erasure.subject)];
    lines.extend(table(
        &["table", "rows"],
        erasure
            .rows
            .iter()
            .map(|(name, rows)| vec![(*name).to_owned(), rows.to_string()]),
    ));
    lines.extend(erasure.open.iter().map(|open| format!("was open: {open}")));
    if erasure.keeps_id {
        lines.push(
            "the id stays in its columns: a foreign key of another table holds it; delete or change it there"
                .to_owned(),
        );
    }
    lines.extend(erasure.left.iter().map(|open| format!("left: {open}")));
    if !erasure.is_complete && erasure.left.is_empty() {
        lines.push(
            "rows of this person kept coming in; find out who writes them, then run this again".to_owned(),
        );
    }
    lines
}
