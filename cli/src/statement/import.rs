//! `makegood statement import`.

use super::lines::{Columns, Meaning, Reading, words_of};
use crate::act::ActArguments;
use crate::database;
use crate::exit::BadInput;
use crate::output::Output;
use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::gateway::Provider;
use makegood::statement::{self, Entry, Judged, Outcome, judge_payment};
use operate::audit::{self, Action};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

/// How many entries are compared and kept at once.
const CHUNK: usize = 1_000;
/// How many lines that can't be read are told.
const MOST_TOLD: usize = 20;

/// Take in a file of payments as eSewa's or Khalti's merchants export it, and compare it with what is here.
///
/// Name the columns of your file as its first line has them. The whole file is read before anything is kept: with one line that can't be read,
/// nothing is. The same file again changes nothing. An id that stands twice counts as its last line.
///
/// What the provider took and is not paid here is settled by the sweep `statement`: it asks the gateway, and makes the order or opens a case.
///
/// Examples:
///   makegood statement import khalti.csv --provider khalti --id Pidx --amount Amount --status Status --at "Created at" --dry-run --reason "October"
///   makegood statement import esewa.csv --provider esewa --id "Transaction UUID" --amount Amount --status Status --at Date
///       --moved Paid --reason "October"
///
/// Exit code: 0 taken in, or compared; 2 wrong usage, or a line that can't be read: nothing is kept; 3 it could not look or act.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ImportArguments {
    /// The file: CSV with a first line of names.
    file: PathBuf,
    /// Whose it is.
    #[arg(long, value_name = "NAME", value_parser = Provider::ALL.map(Provider::wire_name))]
    provider: String,
    /// The column of the transaction's id: what the checkout sent, eSewa's `transaction_uuid` or Khalti's `pidx`.
    #[arg(long, value_name = "COLUMN")]
    id: String,
    /// The column of the amount in whole units, such as 1,500.00.
    #[arg(long, value_name = "COLUMN")]
    amount: String,
    /// The column of the status.
    #[arg(long, value_name = "COLUMN")]
    status: String,
    /// The column of the time.
    #[arg(long, value_name = "COLUMN")]
    at: String,
    /// The column of the provider's fee.
    #[arg(long, value_name = "COLUMN")]
    fee: Option<String>,
    /// The column of how much went back.
    #[arg(long, value_name = "COLUMN")]
    refunded: Option<String>,
    /// A status that means that the money came in; may be given several times.
    #[arg(long, value_name = "STATUS")]
    moved: Vec<String>,
    /// A status that means that all of it went back.
    #[arg(long, value_name = "STATUS")]
    returned: Vec<String>,
    /// A status that means that nothing is decided.
    #[arg(long, value_name = "STATUS")]
    waiting: Vec<String>,
    /// A status that means that no money moved.
    #[arg(long, value_name = "STATUS")]
    failed: Vec<String>,
    /// The file's currency.
    #[arg(long, value_name = "CODE", default_value = "NPR")]
    currency: String,
    /// The zone of its times, where they name none.
    #[arg(long, value_name = "ZONE", default_value = "Asia/Kathmandu")]
    timezone: Tz,
    /// Compare, say what would come of it, and keep nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    act: ActArguments,
}

/// What it came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Lines of the file.
    lines: u64,
    /// How many came to each outcome.
    outcomes: BTreeMap<&'static str, u64>,
    /// Cases opened now.
    cases: u64,
    /// Whether anything was kept.
    kept: bool,
}

/// Reads the file twice: once to see that each line can be read, and once to take it in, a thousand entries at a time.
///
/// # Errors
/// Those of the file, the environment and the database.
pub(super) async fn run(
    arguments: &ImportArguments,
    output: Output,
    clock: Clock,
) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let reading = arguments.reading()?;
    let lines = arguments.check(&reading)?;
    let database = database::open().await?;
    let mut answer = Answer {
        lines,
        kept: !arguments.dry_run,
        ..Answer::default()
    };
    if answer.kept {
        let file = arguments
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let details = json!({"file": file, "lines": lines});
        let mut transaction = database.begin().await?;
        let subject = format!("statement:{}", arguments.provider);
        audit::record(
            &mut transaction,
            &act,
            Action::ImportStatement,
            &subject,
            &details,
        )
        .await?;
        transaction.commit().await?;
    }
    let mut chunk = Vec::with_capacity(CHUNK);
    for line in arguments.open()?.records() {
        chunk.push(
            reading
                .entry(&line?)
                .map_err(|error| anyhow!("the file changed meanwhile: {error}"))?,
        );
        if chunk.len() == CHUNK {
            arguments
                .take(&database, std::mem::take(&mut chunk), clock.now(), &mut answer)
                .await?;
        }
    }
    arguments.take(&database, chunk, clock.now(), &mut answer).await?;
    output.answer(&answer, &told(&answer))?;
    Ok(ExitCode::SUCCESS)
}

impl ImportArguments {
    fn open(&self) -> anyhow::Result<csv::Reader<File>> {
        let file = File::open(&self.file).with_context(|| self.file.display().to_string());
        let file = file.map_err(BadInput::of)?;
        Ok(csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file))
    }

    fn reading(&self) -> anyhow::Result<Reading> {
        let names = self.open()?.headers().map_err(BadInput::of)?.clone();
        let place = |name: &str| {
            let found = names
                .iter()
                .position(|other| other.eq_ignore_ascii_case(name.trim()));
            found.ok_or_else(|| {
                let all = names.iter().collect::<Vec<_>>().join(", ");
                BadInput::of(anyhow!("the file has no column {name:?}; it has: {all}"))
            })
        };
        let optional = |name: &Option<String>| name.as_deref().map(place).transpose();
        let columns = Columns {
            id: place(&self.id)?,
            amount: place(&self.amount)?,
            status: place(&self.status)?,
            at: place(&self.at)?,
            fee: optional(&self.fee)?,
            refunded: optional(&self.refunded)?,
        };
        let provider: Provider = self.provider.parse().map_err(BadInput::of)?;
        let mut statuses = words_of(provider);
        for (words, meaning) in [
            (&self.moved, Meaning::Moved),
            (&self.returned, Meaning::Returned),
            (&self.waiting, Meaning::Waiting),
            (&self.failed, Meaning::Failed),
        ] {
            statuses.extend(words.iter().map(|word| (word.trim().to_lowercase(), meaning)));
        }
        Ok(Reading {
            columns,
            statuses,
            currency: self.currency.to_uppercase(),
            timezone: self.timezone,
        })
    }

    /// How many lines there are; refused with those that can't be read.
    fn check(&self, reading: &Reading) -> anyhow::Result<u64> {
        let (mut lines, mut wrong) = (0, Vec::new());
        for record in self.open()?.records() {
            lines += 1;
            let told = match &record {
                Ok(line) => reading.entry(line).err().map(|error| {
                    let number = line.position().map_or(0, csv::Position::line);
                    format!("line {number}: {error}")
                }),
                Err(error) => Some(error.to_string()),
            };
            wrong.extend(told);
            if wrong.len() >= MOST_TOLD {
                break;
            }
        }
        if wrong.is_empty() {
            return Ok(lines);
        }
        let file = self.file.display();
        Err(BadInput::of(anyhow!(
            "{file} can't be read; nothing was kept:\n{}",
            wrong.join("\n")
        ))
        .into())
    }

    async fn take(
        &self,
        database: &Database,
        entries: Vec<Entry>,
        now: DateTime<Utc>,
        answer: &mut Answer,
    ) -> anyhow::Result<()> {
        let ids: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
        let mut transaction = database.begin().await?;
        let ours = statement::of_intents(&mut transaction, &self.provider, &ids).await?;
        let judged: Vec<Judged> = entries
            .into_iter()
            .map(|entry| {
                let ours = ours.get(&entry.id);
                let outcome = judge_payment(&entry, ours, now);
                *answer.outcomes.entry(outcome.wire_name()).or_default() += 1;
                Judged {
                    outcome,
                    subject: ours.map(|ours| ours.subject.clone()),
                    acted: (outcome == Outcome::TheirsOnly).then_some("imported"),
                    entry,
                }
            })
            .collect();
        if answer.kept {
            answer.cases +=
                statement::keep_with_cases(&mut transaction, &self.provider, judged, "makegood", now).await?;
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        Ok(())
    }
}

fn told(answer: &Answer) -> Vec<String> {
    let mut lines = vec![format!("{} lines", answer.lines)];
    lines.extend(
        answer
            .outcomes
            .iter()
            .map(|(outcome, count)| format!("{outcome}: {count}")),
    );
    lines.push(if answer.kept {
        format!(
            "kept; {} cases opened. What is theirs only is settled by the sweep `statement`, within the hour",
            answer.cases
        )
    } else {
        "nothing was kept (--dry-run)".to_owned()
    });
    lines
}
