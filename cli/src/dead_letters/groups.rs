//! `makegood dead-letters groups`.

use crate::act::Moment;
use crate::database;
use crate::output::{Output, instant, one_line, table};
use clap::ValueEnum;
use makegood::clock::Clock;
use operate::dead_letter::{
    DeadLetterFilter, DeadLetterStatus, ErrorGroup, EventGroup, Groups, NONE, by_error, by_event,
};
use std::process::ExitCode;

/// Count dead letters in groups, the largest first.
///
/// By error: which function parked them with which code, how many, of how many events, the first and the last time, and an
/// example. By event: the dead letters of one event, which each function parks for itself. The newest 10,000 are counted, and
/// the 100 largest groups are shown.
///
/// Example: `makegood dead-letters groups --by error --since 2h`
///
/// Exit code: 0 counted, also when there are none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What makes a group.
    #[arg(long, value_enum, default_value = "error")]
    by: By,
    /// Of this status.
    #[arg(long, default_value = "parked", value_parser = ["parked", "replayed", "discarded", "all"])]
    status: String,
    /// Parked at or after this instant, or so long ago: 2026-11-21T03:00:00Z, 30m, 2h, 7d.
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Parked before this instant, or so long ago.
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// The function and the error code.
    Error,
    /// The event's id.
    Event,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let now = Clock::System.now();
    let filter = DeadLetterFilter {
        status: DeadLetterStatus::from_wire_name(&arguments.status),
        since: arguments.since.map(|moment| moment.instant(now)),
        until: arguments.until.map(|moment| moment.instant(now)),
        ..DeadLetterFilter::default()
    };
    let database = database::open().await?;
    let mut connection = database.acquire().await?;
    match arguments.by {
        By::Error => {
            let groups = by_error(&mut connection, &filter).await?;
            output.answer(&groups, &error_lines(&groups))?;
        }
        By::Event => {
            let groups = by_event(&mut connection, &filter).await?;
            output.answer(&groups, &event_lines(&groups))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn error_lines(groups: &Groups<ErrorGroup>) -> Vec<String> {
    let heads = [
        "dead letters",
        "events",
        "first",
        "last",
        "function",
        "code",
        "example",
        "its reason",
    ];
    let rows = groups.groups.iter().map(|group| {
        vec![
            group.dead_letters.to_string(),
            group.events.to_string(),
            instant(group.first_parked_at),
            instant(group.last_parked_at),
            group.function_name.clone().unwrap_or_else(|| NONE.to_owned()),
            group.error_code.clone().unwrap_or_else(|| NONE.to_owned()),
            group.example.to_string(),
            one_line(&group.failure_reason, 80),
        ]
    });
    let mut lines = table(&heads, rows);
    lines.extend(notes(groups));
    lines
}

fn event_lines(groups: &Groups<EventGroup>) -> Vec<String> {
    let heads = [
        "dead letters",
        "first",
        "last",
        "event",
        "correlation",
        "example",
        "errors",
    ];
    let rows = groups.groups.iter().map(|group| {
        let correlation = group.correlation_id.map(|id| id.to_string());
        vec![
            group.dead_letters.to_string(),
            instant(group.first_parked_at),
            instant(group.last_parked_at),
            one_line(group.event_id.as_deref().unwrap_or(NONE), 80),
            correlation.unwrap_or_else(|| NONE.to_owned()),
            group.example.to_string(),
            one_line(&group.errors.join(", "), 80),
        ]
    });
    let mut lines = table(&heads, rows);
    lines.extend(notes(groups));
    lines
}

/// What the numbers leave out.
fn notes<T>(groups: &Groups<T>) -> Vec<String> {
    let cut = groups.is_cut.then(|| {
        format!(
            "only the newest {} were looked at: give --since, or look at older ones with --until",
            groups.looked_at
        )
    });
    let further = (groups.further > 0).then(|| format!("{} smaller groups are not shown", groups.further));
    cut.into_iter().chain(further).collect()
}
