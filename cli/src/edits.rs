//! `makegood edits`.

use crate::act::{ActArguments, PageArguments, next_line};
use crate::database;
use crate::exit::FOUND;
use crate::output::{Done, Output, instant, one_line, table};
use anyhow::Context;
use makegood::config::Environment;
use makegood::db::Database;
use makegood::runtime;
use operate::dead_letter::{Replay, Replayer};
use operate::edit::{self, Change, EditId, EditRefusal, EditStatus, ProposedEdit};
use serde_json::Value;
use std::process::ExitCode;
use uuid::Uuid;

/// Look at edits that wait for a second operator, confirm or withdraw them.
///
/// An edited dead letter that changes who, what or how much, and an event from a file that Makegood did not publish, are not sent at
/// once: another operator confirms them. That is another person in name and in what AWS answers for their credentials
/// (sts:GetCallerIdentity). A stack with one operator says so with SINGLE_OPERATOR=yes; then nothing waits.
///
/// Examples:
///   makegood edits list
///   makegood edits show 6f1c2a6e-…
///   makegood edits confirm 6f1c2a6e-… --reason "the course is the one on the invoice"
///   makegood edits withdraw 6f1c2a6e-… --reason "wrong student"
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
    Confirm(ChangeArguments),
    Withdraw(WithdrawArguments),
}

/// List edits, the newest first.
///
/// Example: `makegood edits list --status confirmed`
///
/// Exit code: 0 listed, also when there are none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Of this status.
    #[arg(long, default_value = "pending", value_parser = ["pending", "confirmed", "withdrawn"])]
    status: String,
    #[command(flatten)]
    page: PageArguments,
}

/// Show one edit: what it changes, and what would be sent.
///
/// Example: `makegood edits show 6f1c2a6e-… --json`
///
/// Exit code: 0 shown; 1 there is no such edit; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// Its id.
    id: Uuid,
}

/// Confirm what another operator proposed: it is sent.
///
/// The dead letter is looked at again, as at any replay. The queues are QUEUE_URL_<TOPIC> (comma-separated) and JOBS_QUEUE_URL.
///
/// Example: `makegood edits confirm 6f1c2a6e-… --reason "the course is the one on the invoice"`
///
/// Exit code: 0 sent; 1 refused or not sent; 2 wrong usage; 3 it could not look or act.
#[derive(Debug, clap::Args)]
struct ChangeArguments {
    /// Its id.
    id: Uuid,
    #[command(flatten)]
    act: ActArguments,
}

/// Withdraw an edit that waits: nothing is sent, and the dead letter stays as it is.
///
/// Example: `makegood edits withdraw 6f1c2a6e-… --reason "wrong student"`
///
/// Exit code: 0 withdrawn; 1 refused; 2 wrong usage; 3 it could not look or act.
#[derive(Debug, clap::Args)]
struct WithdrawArguments {
    #[command(flatten)]
    change: ChangeArguments,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment, the database and the queues.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let database = database::open().await?;
    match &arguments.command {
        Command::List(arguments) => list(&database, arguments, output).await,
        Command::Show(arguments) => show(&database, arguments, output).await,
        Command::Confirm(arguments) => confirm(database, arguments, output).await,
        Command::Withdraw(arguments) => withdraw(&database, &arguments.change, output).await,
    }
}

async fn list(database: &Database, arguments: &ListArguments, output: Output) -> anyhow::Result<ExitCode> {
    let status = EditStatus::from_wire_name(&arguments.status).unwrap_or(EditStatus::Pending);
    let mut connection = database.acquire().await?;
    let page = edit::list(&mut connection, status, &arguments.page.request()).await?;
    let mut lines = table(
        &["proposed", "id", "by", "of", "changes", "why"],
        page.items.iter().map(cells),
    );
    lines.extend(next_line(page.next));
    output.answer(&page, &lines)?;
    Ok(ExitCode::SUCCESS)
}

fn cells(edit: &ProposedEdit) -> Vec<String> {
    let fields: Vec<&str> = edit.changes.iter().map(|change| change.field.as_str()).collect();
    vec![
        instant(edit.proposed_at),
        edit.id.to_string(),
        one_line(&edit.proposed_by, 40),
        edit.subject.clone(),
        one_line(&fields.join(", "), 80),
        one_line(&edit.reason, 80),
    ]
}

async fn show(database: &Database, arguments: &ShowArguments, output: Output) -> anyhow::Result<ExitCode> {
    let mut connection = database.acquire().await?;
    let Some(edit) = edit::show(&mut connection, EditId(arguments.id)).await? else {
        output.refused(&EditRefusal::NotFound.to_string());
        return Ok(ExitCode::from(FOUND));
    };
    output.answer(&edit, &lines(&edit))?;
    Ok(ExitCode::SUCCESS)
}

fn lines(edit: &ProposedEdit) -> Vec<String> {
    let mut lines = vec![
        format!("id             {}", edit.id),
        format!("of             {}", edit.subject),
        format!("status         {}", edit.status),
        format!(
            "proposed       {} by {} ({})",
            instant(edit.proposed_at),
            edit.proposed_by,
            edit.caller
        ),
        format!("why            {}", edit.reason),
    ];
    if let (Some(by), Some(at)) = (&edit.decided_by, edit.decided_at) {
        lines.push(format!("decided        {} by {by}", instant(at)));
    }
    lines.extend(edit.changes.iter().map(change_line));
    if let Some(body) = &edit.body {
        lines.extend([String::new(), body.clone()]);
    }
    lines
}

fn change_line(change: &Change) -> String {
    let told = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), Value::to_string)
    };
    match (&change.from, &change.to) {
        (None, None) => format!("changes        {}", change.field),
        (from, to) => format!("changes        {}: {} → {}", change.field, told(from), told(to)),
    }
}

async fn confirm(
    database: Database,
    arguments: &ChangeArguments,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let replayer = Replayer::read(&Environment::of_process(), &runtime::aws().await, database);
    let confirmed = replayer
        .confirm(EditId(arguments.id), &act)
        .await
        .with_context(|| {
            format!(
                "{} may have been sent or not; confirming it again is safe",
                arguments.id
            )
        })?;
    let done = match confirmed {
        Ok(Replay::Sent { queue, .. }) => {
            Done::changed(arguments.id, &format!("confirmed and sent to {queue}"))
        }
        Ok(Replay::NotSent { reason }) => Done::refused(arguments.id, &format!("not sent: {reason}")),
        Ok(Replay::Refused { reason, .. }) => Done::refused(arguments.id, &reason),
        Ok(Replay::Waits { .. }) => Done::refused(arguments.id, &"it waits for another operator"),
        Err(refusal) => Done::refused(arguments.id, &refusal),
    };
    output.changes(&[done])
}

async fn withdraw(
    database: &Database,
    arguments: &ChangeArguments,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let mut transaction = database.begin().await?;
    let withdrawn = edit::withdraw(&mut transaction, EditId(arguments.id), &act).await?;
    transaction.commit().await?;
    let done = match withdrawn {
        Ok(()) => Done::changed(arguments.id, "withdrawn"),
        Err(refusal) => Done::refused(arguments.id, &refusal),
    };
    output.changes(&[done])
}
