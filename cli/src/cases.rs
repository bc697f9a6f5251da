//! `makegood cases`.

use crate::act::{ActArguments, PageArguments, next_line};
use crate::database;
use crate::exit::{BadInput, FOUND};
use crate::output::{Done, Output, instant, table};
use makegood::case::CaseKind;
use makegood::db::{Connection, Database};
use operate::audit::{Act, Actor};
use operate::case::{self, CaseChange, CaseFilter, CaseId, CaseRow, CaseStatus};
use std::process::ExitCode;
use uuid::Uuid;

/// Look at payments that only a person can decide about, and put the decision on the record.
///
/// Examples:
///   makegood cases list
///   makegood cases show 6f1c2a6e-…
///   makegood cases assign 6f1c2a6e-… --to asha --reason "on call"
///   makegood cases note 6f1c2a6e-… --note "asked the bank"
///   makegood cases resolve 6f1c2a6e-… --note "refunded at Khalti, reference 4711"
///
/// A resolved case stays resolved, except that one of a paid order opens again when its job is retried and fails once more.
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
    Assign(AssignArguments),
    Note(NoteArguments),
    Resolve(ResolveArguments),
}

/// List cases, the newest first.
///
/// Example: `makegood cases list --kind refund_due`
///
/// Exit code: 0 listed, also when there are none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Of this status.
    #[arg(long, default_value = "open", value_parser = ["open", "resolved", "all"])]
    status: String,
    /// Of this kind.
    #[arg(long, value_parser = CaseKind::ALL.map(CaseKind::wire_name))]
    kind: Option<String>,
    #[command(flatten)]
    page: PageArguments,
}

/// Show one case with all that is known of it.
///
/// Example: `makegood cases show 6f1c2a6e-… --json`
///
/// Exit code: 0 shown; 1 there is no such case; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// Its id.
    id: Uuid,
}

/// Give an open case to a person.
///
/// Example: `makegood cases assign 6f1c2a6e-… --to asha --reason "on call"`
///
/// Exit code: 0 done; 1 refused: there is no such case, or it is resolved; 2 wrong usage; 3 it could not look or act.
#[derive(Debug, clap::Args)]
struct AssignArguments {
    /// Its id.
    id: Uuid,
    /// Who works on it from now on.
    #[arg(long, value_name = "NAME")]
    to: String,
    #[command(flatten)]
    act: ActArguments,
}

/// Add a note to a case: the reason, with who and when.
///
/// Example: `makegood cases note 6f1c2a6e-… --note "asked the bank"`
///
/// Exit code: 0 done; 1 there is no such case; 2 wrong usage; 3 it could not look or act.
#[derive(Debug, clap::Args)]
struct NoteArguments {
    /// Its id.
    id: Uuid,
    #[command(flatten)]
    act: ActArguments,
}

/// Resolve an open case: the reason says how.
///
/// Example: `makegood cases resolve 6f1c2a6e-… --note "refunded at Khalti, reference 4711"`
///
/// Exit code: 0 done; 1 refused: there is no such case, or it is resolved; 2 wrong usage; 3 it could not look or act.
#[derive(Debug, clap::Args)]
struct ResolveArguments {
    /// Its id.
    id: Uuid,
    #[command(flatten)]
    act: ActArguments,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let database = database::open().await?;
    match &arguments.command {
        Command::List(arguments) => list(&database, arguments, output).await,
        Command::Show(arguments) => show(&database, arguments, output).await,
        Command::Assign(_) | Command::Note(_) | Command::Resolve(_) => {
            change(&database, &arguments.command, output).await
        }
    }
}

async fn list(database: &Database, arguments: &ListArguments, output: Output) -> anyhow::Result<ExitCode> {
    let filter = CaseFilter {
        status: CaseStatus::from_wire_name(&arguments.status),
        kind: arguments.kind.as_deref().and_then(CaseKind::from_wire_name),
    };
    let mut connection = database.acquire().await?;
    let page = case::list(&mut connection, filter, &arguments.page.request()).await?;
    let mut lines = table(
        &["opened", "id", "kind", "status", "amount", "subject", "assignee"],
        page.items.iter().map(cells),
    );
    lines.extend(next_line(page.next));
    output.answer(&page, &lines)?;
    Ok(ExitCode::SUCCESS)
}

fn cells(case: &CaseRow) -> Vec<String> {
    vec![
        instant(case.opened_at),
        case.id.to_string(),
        case.kind.clone(),
        case.status.wire_name().to_owned(),
        amount(case),
        case.subject.clone(),
        case.assignee().unwrap_or_default().to_owned(),
    ]
}

fn amount(case: &CaseRow) -> String {
    case.amount().unwrap_or_default()
}

async fn show(database: &Database, arguments: &ShowArguments, output: Output) -> anyhow::Result<ExitCode> {
    let mut connection = database.acquire().await?;
    let Some(case) = case::show(&mut connection, CaseId(arguments.id)).await? else {
        output.refused(&CaseChange::NotFound.to_string());
        return Ok(ExitCode::from(FOUND));
    };
    output.answer(&case, &lines(&case)?)?;
    Ok(ExitCode::SUCCESS)
}

fn lines(case: &CaseRow) -> anyhow::Result<Vec<String>> {
    let resolved = match (case.resolved_at, &case.resolved_by, &case.note) {
        (Some(at), Some(by), Some(note)) => format!("{} by {by}: {note}", instant(at)),
        _ => "no".to_owned(),
    };
    Ok(vec![
        format!("id             {}", case.id),
        format!("kind           {}", case.kind),
        format!("status         {}", case.status.wire_name()),
        format!("subject        {}", case.subject),
        format!("amount         {}", amount(case)),
        format!("opened         {}", instant(case.opened_at)),
        format!("assignee       {}", case.assignee().unwrap_or("none")),
        format!("resolved       {resolved}"),
        format!("details\n{}", serde_json::to_string_pretty(&case.details)?),
    ])
}

/// What is done to a case.
enum Change {
    Assign(Actor),
    Note,
    Resolve,
}

async fn make(
    connection: &mut Connection,
    id: CaseId,
    change: &Change,
    act: &Act,
) -> Result<(CaseChange, String), sqlx::Error> {
    Ok(match change {
        Change::Assign(assignee) => (
            case::assign_open_case(connection, id, assignee, act).await?,
            format!("assigned to {}", assignee.as_str()),
        ),
        Change::Note => (case::note_on_case(connection, id, act).await?, "noted".to_owned()),
        Change::Resolve => (
            case::resolve_open_case(connection, id, act).await?,
            "resolved".to_owned(),
        ),
    })
}

async fn change(database: &Database, command: &Command, output: Output) -> anyhow::Result<ExitCode> {
    // What was typed is read before the database is asked for anything.
    let (id, change, act) = match command {
        Command::Assign(AssignArguments { id, to, act }) => {
            let assignee = Actor::new(to).map_err(BadInput::of)?;
            (*id, Change::Assign(assignee), act.act().await?)
        }
        Command::Note(NoteArguments { id, act }) => (*id, Change::Note, act.act().await?),
        Command::Resolve(ResolveArguments { id, act }) => (*id, Change::Resolve, act.act().await?),
        Command::List(_) | Command::Show(_) => return Ok(ExitCode::SUCCESS),
    };
    let mut transaction = database.begin().await?;
    let (outcome, what) = make(&mut transaction, CaseId(id), &change, &act).await?;
    transaction.commit().await?;
    output.changes(&[match outcome {
        CaseChange::Done => Done::changed(id, &what),
        refused => Done::refused(id, &refused),
    }])
}
