//! `makegood dead-letters replay`.

use super::filter::FilterArguments;
use crate::act;
use crate::database;
use crate::exit::{self, BadInput, USAGE};
use crate::output::{Done, Output};
use anyhow::{Context, bail};
use indicatif::ProgressBar;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::runtime;
use operate::audit::Act;
use operate::dead_letter::{
    Bulk, DeadLetterFilter, DeadLetterId, DeadLetterStatus, Edit, LEASE_SECONDS, Plan, Replay, Replayer,
};
use operate::edit::{Change, EditId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

/// How often a run looks again at dead letters that another run owns.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often it does so: past the end of a lease that was taken just now.
const LOOKS: i32 = LEASE_SECONDS + 10;

/// Send dead letters back to the queue that each came from.
///
/// By id, at once. By filter, it says what it would do, and does it with --yes: in chunks that each commit, the oldest
/// first. Stopped at any moment it can be run again and goes on with the rest; a dead letter that was being sent just then
/// may reach its queue twice, which leaves the same rows. What fails once more is parked again as the same dead letter; after
/// five times it is refused unless --force says otherwise.
///
/// A payload that the function would refuse again is refused here, with the field's name. One that changes who, what or how much is
/// not sent: another operator must confirm it (`makegood edits`), unless SINGLE_OPERATOR is yes.
///
/// Examples:
///   makegood dead-letters replay 6f1c2a6e-… --payload corrected.json --reason "the course's id was missing"
///   makegood dead-letters replay --error-code database_unavailable --since 2h        (says what it would do)
///   makegood dead-letters replay --error-code database_unavailable --since 2h --yes --reason "database is back"
///
/// Exit code: 0 all sent, or a dry run that refuses none; 1 some were refused, wait or were not sent, all others
/// were; 2 wrong usage; 3 it could not look, or a queue takes none: run it again.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(group = clap::ArgGroup::new("letters").required(true).multiple(true)
    .args(["ids", "all", "source", "function", "error_code", "event_type", "event_id", "correlation_id", "since", "until"]))]
pub struct Arguments {
    /// These dead letters.
    #[arg(value_name = "ID", conflicts_with_all = ["all", "source", "function", "error_code", "event_type", "event_id", "correlation_id", "since", "until", "yes"])]
    ids: Vec<Uuid>,
    /// All parked dead letters.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: FilterArguments,
    /// Send this file instead of the payload; for one dead letter. Both are kept.
    #[arg(long, value_name = "FILE", requires = "ids")]
    payload: Option<PathBuf>,
    /// Only say what would be sent where. By filter this is so unless --yes is given.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// Send also what came back five times.
    #[arg(long)]
    force: bool,
    /// Why; it is kept in the audit log. Needed unless it is a dry run.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who does it; it is kept in the audit log. Needed unless it is a dry run.
    #[arg(long = "as", value_name = "NAME", env = "USER", hide_env_values = true)]
    actor: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment, the database and the queues.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let is_for_real = arguments.yes || (!arguments.ids.is_empty() && !arguments.dry_run);
    let act = match (&arguments.actor, &arguments.reason) {
        (Some(actor), Some(reason)) => Some(act::act(actor, reason).await?),
        (None, _) | (_, None) => None,
    };
    if is_for_real && act.is_none() {
        output.refused("--as and --reason are missing; say who sends, and why, or use --dry-run");
        return Ok(ExitCode::from(USAGE));
    }
    if arguments.ids.len() > 1 && arguments.payload.is_some() {
        output.refused("--payload is for one dead letter; give one id");
        return Ok(ExitCode::from(USAGE));
    }
    let replayer = Replayer::read(
        &Environment::of_process(),
        &runtime::aws().await,
        database::open().await?,
    );
    let act = act.filter(|_| is_for_real);
    if !arguments.ids.is_empty() {
        return match act {
            Some(act) => replay_each(arguments, &replayer, &act, output).await,
            None => preview_each(arguments, &replayer, output).await,
        };
    }
    let filter = arguments
        .filter
        .filter(Some(DeadLetterStatus::Parked), Clock::System.now());
    match act {
        Some(act) => replay_all(&replayer, filter, arguments.force, &act, output).await,
        None => dry_run(&replayer, &filter, arguments.force, output).await,
    }
}

fn edit(arguments: &Arguments) -> anyhow::Result<Option<Edit>> {
    let Some(file) = &arguments.payload else {
        return Ok(None);
    };
    let body = std::fs::read_to_string(file)
        .with_context(|| format!("{} can't be read; give the path of a JSON file", file.display()))
        .map_err(BadInput::of)?;
    Ok(Some(Edit { body }))
}

async fn replay_each(
    arguments: &Arguments,
    replayer: &Replayer,
    act: &Act,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let edit = edit(arguments)?;
    let mut done = Vec::new();
    for id in &arguments.ids {
        let outcome = replayer
            .replay(DeadLetterId(*id), edit.as_ref(), arguments.force, act)
            .await
            .with_context(|| format!("{id} may have been sent or not; replaying it again is safe"))?;
        done.push(match outcome {
            Replay::Sent { queue, generation } => {
                Done::changed(*id, &format!("sent to {queue}, for time {generation}"))
            }
            Replay::Refused { reason, .. } => Done::refused(*id, &reason),
            Replay::NotSent { reason } => Done::refused(*id, &format!("not sent: {reason}")),
            Replay::Waits { edit, changes } => Done::refused(*id, &waits(edit, &changes)),
        });
    }
    output.changes(&done)
}

/// That an edit is not sent yet, and what to do.
fn waits(edit: EditId, changes: &[Change]) -> String {
    let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
    format!(
        "not sent: it changes {}, so another operator must confirm it: makegood edits confirm {edit}",
        fields.join(", ")
    )
}

async fn preview_each(
    arguments: &Arguments,
    replayer: &Replayer,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let edit = edit(arguments)?;
    let mut done = Vec::new();
    for id in &arguments.ids {
        let preview = replayer
            .preview(DeadLetterId(*id), edit.as_ref(), arguments.force)
            .await?;
        done.push(match preview {
            Ok(destination) => Done::changed(*id, &format!("would be sent to {}", destination.queue)),
            Err(refusal) => Done::refused(*id, &refusal),
        });
    }
    output.changes(&done)
}

async fn dry_run(
    replayer: &Replayer,
    filter: &DeadLetterFilter,
    forced: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let plan = plan(replayer, filter, forced, output).await?;
    let mut lines = plan_lines(&plan);
    lines.push("nothing was sent; add --yes and --reason to send".to_owned());
    output.answer(&plan, &lines)?;
    Ok(exit::of(plan.refused.is_empty()))
}

async fn plan(
    replayer: &Replayer,
    filter: &DeadLetterFilter,
    forced: bool,
    output: Output,
) -> anyhow::Result<Plan> {
    let bar = output.waiting_for("reading the parked dead letters")?;
    let plan = replayer.plan(filter, forced).await;
    bar.finish_and_clear();
    Ok(plan?)
}

fn plan_lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!(
        "{} parked dead letters, {} would be sent",
        plan.dead_letters,
        plan.sendable()
    )];
    let destinations = &plan.destinations;
    lines.extend(
        destinations
            .iter()
            .map(|queue| format!("  {} to {}", queue.dead_letters, queue.queue)),
    );
    lines.extend(plan.refused.iter().map(|refusal| {
        let first = refusal.examples.first().map(Uuid::to_string).unwrap_or_default();
        format!(
            "  {} refused: {} (first: {first})",
            refusal.dead_letters, refusal.reason
        )
    }));
    lines
}

/// What a run did.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    sent: u64,
    /// Reason by dead letter.
    refused: BTreeMap<String, String>,
    /// What the queue said, by dead letter.
    not_sent: BTreeMap<String, String>,
    /// Dead letters that another run still owns; run it again later.
    claimed_by_others: i64,
}

async fn replay_all(
    replayer: &Replayer,
    filter: DeadLetterFilter,
    forced: bool,
    act: &Act,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let plan = plan(replayer, &filter, forced, output).await?;
    let bar = output.count_progress(plan.dead_letters)?;
    let bulk = replayer.begin_bulk(filter, forced).await?;
    let mut report = Report::default();
    for _ in 0..LOOKS {
        run_once(replayer, &bulk, act, &mut report, &bar).await?;
        report.claimed_by_others = replayer.claimed_by_others(&bulk).await?.dead_letters;
        if report.claimed_by_others == 0 {
            break;
        }
        bar.set_message(format!(
            "{} are being sent by another run; waiting",
            report.claimed_by_others
        ));
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    bar.finish_and_clear();
    output.answer(&report, &report.lines())?;
    Ok(exit::of(report.is_complete()))
}

/// One walk through the dead letters. Ends early when a queue takes nothing: the rest would fare no better.
async fn run_once(
    replayer: &Replayer,
    bulk: &Bulk,
    act: &Act,
    report: &mut Report,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let chunk = replayer
            .replay_chunk(bulk, after, act)
            .await
            .context("stopped; what was sent is kept, run the same command again to go on")?;
        let sent_before = report.sent;
        for (id, outcome) in &chunk.outcomes {
            report.count(*id, outcome);
        }
        bar.inc(report.sent - sent_before);
        let tried = chunk.outcomes.iter().find_map(|(_, outcome)| match outcome {
            Replay::NotSent { reason } => Some(reason),
            Replay::Sent { .. } | Replay::Refused { .. } | Replay::Waits { .. } => None,
        });
        if let Some(reason) = tried.filter(|_| report.sent == sent_before) {
            bail!(
                "{} dead letters were sent, then none of a chunk: {reason}; check the queue's URL and the permission to send, \
                 then run the same command again to go on",
                report.sent
            );
        }
        after = chunk.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

impl Report {
    fn count(&mut self, id: DeadLetterId, outcome: &Replay) {
        let id = id.to_string();
        match outcome {
            Replay::Sent { .. } => {
                self.sent += 1;
                self.not_sent.remove(&id);
            }
            Replay::Refused { reason, .. } => {
                self.refused.insert(id, reason.clone());
            }
            Replay::NotSent { reason } => {
                self.not_sent.insert(id, reason.clone());
            }
            Replay::Waits { edit, changes } => {
                self.refused.insert(id, waits(*edit, changes));
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.refused.is_empty() && self.not_sent.is_empty() && self.claimed_by_others == 0
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} sent", self.sent)];
        let refused = self.refused.iter();
        lines.extend(refused.map(|(id, reason)| format!("{id} refused: {reason}")));
        let not_sent = self.not_sent.iter();
        lines.extend(not_sent.map(|(id, reason)| format!("{id} not sent: {reason}")));
        if self.claimed_by_others > 0 {
            lines.push(format!(
                "{} are being sent by another run; run it again later",
                self.claimed_by_others
            ));
        }
        lines
    }
}
