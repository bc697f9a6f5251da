//! `makegood jobs`.

use crate::act::{ActArguments, PageArguments, next_line};
use crate::database;
use crate::exit::FOUND;
use crate::output::{Done, Output, instant, one_line, table};
use clap::builder::NonEmptyStringValueParser;
use makegood::config::Environment;
use makegood::db::Database;
use makegood::job::{JobId, Waker};
use makegood::runtime;
use operate::job::{self, Cancellation, JobFilter, JobRefusal, JobRow, JobStatus, Retry};
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

/// Look at the jobs of the order pipeline, run failed ones again, cancel pending ones.
///
/// Examples:
///   makegood jobs list --status failed
///   makegood jobs list --intent pi_khalti_1767817344753_0a1b2c3d
///   makegood jobs show 6f1c2a6e-…
///   makegood jobs retry 6f1c2a6e-… --reason "vendor profile added"
///   makegood jobs cancel 6f1c2a6e-… --reason "refunded at the gateway"
///
/// A retried job is published on JOBS_QUEUE_URL; without it, the stale-jobs sweep wakes it within five minutes.
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
    Retry(ChangeArguments),
    Cancel(CancelArguments),
}

/// List jobs, the newest first.
///
/// Example: `makegood jobs list --status failed --type finalize_order`
///
/// Exit code: 0 listed, also when there are none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Of this status.
    #[arg(long, default_value = "all",
          value_parser = ["pending", "processing", "completed", "failed", "cancelled", "all"])]
    status: String,
    /// Of this type: `finalize_order`, `handle_payment_failure`, `process_refund`.
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    job_type: Option<String>,
    /// About this payment intent.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    intent: Option<String>,
    #[command(flatten)]
    page: PageArguments,
}

/// Show one job with all that is known of it.
///
/// Example: `makegood jobs show 6f1c2a6e-… --json`
///
/// Exit code: 0 shown; 1 there is no such job; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// Its id.
    id: Uuid,
}

/// Make failed or cancelled jobs runnable again, with three more attempts, and wake the worker.
///
/// Example: `makegood jobs retry 6f1c2a6e-… --reason "vendor profile added"`
///
/// Exit code: 0 all are runnable; 1 one of them was refused, and the others are runnable; 2 wrong usage; 3 it could not look or
/// act.
#[derive(Debug, clap::Args)]
struct ChangeArguments {
    /// Their ids.
    #[arg(required = true)]
    ids: Vec<Uuid>,
    #[command(flatten)]
    act: ActArguments,
}

/// Cancel pending jobs. One that is running is left alone.
///
/// When the buyer has paid and gets no order by it, a case is opened, so that the payment is not forgotten.
///
/// Example: `makegood jobs cancel 6f1c2a6e-… --reason "refunded at the gateway"`
///
/// Exit code: 0 all are cancelled; 1 one of them was refused, and the others are cancelled; 2 wrong usage; 3 it could not look or
/// act.
#[derive(Debug, clap::Args)]
struct CancelArguments {
    #[command(flatten)]
    change: ChangeArguments,
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
        Command::Retry(arguments) => retry(&database, arguments, output).await,
        Command::Cancel(arguments) => cancel(&database, &arguments.change, output).await,
    }
}

async fn list(database: &Database, arguments: &ListArguments, output: Output) -> anyhow::Result<ExitCode> {
    let filter = JobFilter {
        status: JobStatus::from_wire_name(&arguments.status),
        job_type: arguments.job_type.clone(),
        payment_intent_id: arguments.intent.clone(),
    };
    let mut connection = database.acquire().await?;
    let page = job::list(&mut connection, &filter, &arguments.page.request()).await?;
    let mut lines = table(
        &["created", "id", "type", "status", "tries", "intent", "last error"],
        page.items.iter().map(cells),
    );
    lines.extend(next_line(page.next));
    output.answer(&page, &lines)?;
    Ok(ExitCode::SUCCESS)
}

fn cells(job: &JobRow) -> Vec<String> {
    vec![
        instant(job.created_at),
        job.id.to_string(),
        job.job_type.clone(),
        job.status.to_string(),
        format!("{}/{}", job.attempts, job.max_attempts),
        job.payment_intent_id().unwrap_or_default().to_owned(),
        one_line(job.last_error.as_deref().unwrap_or_default(), 80),
    ]
}

async fn show(database: &Database, arguments: &ShowArguments, output: Output) -> anyhow::Result<ExitCode> {
    let mut connection = database.acquire().await?;
    let Some(job) = job::show(&mut connection, JobId(arguments.id)).await? else {
        output.refused(&JobRefusal::NotFound.to_string());
        return Ok(ExitCode::from(FOUND));
    };
    output.answer(&job, &lines(&job))?;
    Ok(ExitCode::SUCCESS)
}

fn lines(job: &JobRow) -> Vec<String> {
    let at = |name: &str, moment: Option<chrono::DateTime<chrono::Utc>>| {
        moment.map(|moment| format!("{name:<15}{}", instant(moment)))
    };
    let lease = job
        .locked_by
        .as_ref()
        .map(|worker| format!("held by        {worker}"));
    let error = job
        .last_error
        .as_ref()
        .map(|error| format!("last error     {error}"));
    let fixed = [
        format!("id             {}", job.id),
        format!("type           {}", job.job_type),
        format!("status         {}", job.status),
        format!("tries          {} of {}", job.attempts, job.max_attempts),
        format!("payload        {}", job.payload),
    ];
    let known = [
        lease,
        at("held until", job.locked_until),
        error,
        at("created", Some(job.created_at)),
        at("not before", Some(job.scheduled_for)),
        at("completed", job.completed_at),
        at("failed", job.failed_at),
    ];
    fixed.into_iter().chain(known.into_iter().flatten()).collect()
}

async fn retry(database: &Database, arguments: &ChangeArguments, output: Output) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let waker = Waker::read(&Environment::of_process(), &runtime::aws().await);
    let mut done = Vec::new();
    for id in &arguments.ids {
        let mut transaction = database.begin().await?;
        let outcome = job::retry_failed_job(&mut transaction, JobId(*id), &act).await?;
        transaction.commit().await?;
        done.push(match outcome {
            Retry::Runnable { max_attempts } => {
                let woken = match &waker {
                    Some(waker) => waker.wake(&[JobId(*id)], Duration::ZERO).await == 1,
                    None => false,
                };
                let waking = if woken {
                    "the worker is woken"
                } else {
                    "the worker was not woken, the stale-jobs sweep will within five minutes"
                };
                Done::changed(*id, &format!("runnable, {max_attempts} tries in all; {waking}"))
            }
            Retry::Refused(refusal) => Done::refused(*id, &refusal),
        });
    }
    output.changes(&done)
}

async fn cancel(
    database: &Database,
    arguments: &ChangeArguments,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let mut done = Vec::new();
    for id in &arguments.ids {
        let mut transaction = database.begin().await?;
        let outcome = job::cancel_pending_job(&mut transaction, JobId(*id), &act).await?;
        transaction.commit().await?;
        done.push(match outcome {
            Cancellation::Cancelled { opened_case: true } => {
                Done::changed(*id, "cancelled; the buyer has paid, so a case was opened")
            }
            Cancellation::Cancelled { opened_case: false } => Done::changed(*id, "cancelled"),
            Cancellation::Refused(refusal) => Done::refused(*id, &refusal),
        });
    }
    output.changes(&done)
}
