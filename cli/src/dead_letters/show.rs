//! `makegood dead-letters show`.

use crate::database;
use crate::exit::FOUND;
use crate::output::{Output, instant};
use makegood::{config::Environment, runtime};
use operate::dead_letter::{self, DeadLetter, DeadLetterId, Destination, Refusal, Replayer};
use serde::Serialize;
use std::process::ExitCode;
use uuid::Uuid;

/// Show one dead letter: its reason, its payload, and where a replay would send it.
///
/// Example: `makegood dead-letters show 6f1c2a6e-… --payload > dead-letter.json`
///
/// Exit code: 0 shown; 1 there is none; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Its id.
    id: Uuid,
    /// Print nothing but the payload, to be corrected and given to `replay --payload`.
    #[arg(long, conflicts_with = "json")]
    payload: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    dead_letter: DeadLetter,
    replay_to: Option<String>,
    replay_refused: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let id = DeadLetterId(arguments.id);
    let database = database::open().await?;
    let mut connection = database.acquire().await?;
    let Some(dead_letter) = dead_letter::show(&mut connection, id).await? else {
        output.refused(&Refusal::NotFound.to_string());
        return Ok(ExitCode::from(FOUND));
    };
    drop(connection);
    if arguments.payload {
        output.plain(dead_letter.body.as_deref().unwrap_or_default())?;
        return Ok(ExitCode::SUCCESS);
    }
    let replayer = Replayer::read(&Environment::of_process(), &runtime::aws().await, database);
    let shown = shown(dead_letter, replayer.preview(id, None, false).await?);
    output.answer(&shown, &lines(&shown))?;
    Ok(ExitCode::SUCCESS)
}

fn shown(dead_letter: DeadLetter, preview: Result<Destination, Refusal>) -> Shown {
    let (replay_to, replay_refused) = match preview {
        Ok(destination) => (Some(destination.queue), None),
        Err(refusal) => (None, Some(refusal.to_string())),
    };
    Shown {
        dead_letter,
        replay_to,
        replay_refused,
    }
}

fn lines(shown: &Shown) -> Vec<String> {
    let row = &shown.dead_letter.row;
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let correlation = row.correlation_id.map(|id| id.to_string());
    let replay = match (&shown.replay_to, &shown.replay_refused) {
        (Some(queue), _) => format!("would go to {queue}"),
        (None, refused) => format!("refused: {}", known(refused)),
    };
    let mut lines = vec![
        format!("id             {}", row.id),
        format!(
            "status         {}, replayed {} times",
            row.status, row.replay_count
        ),
        format!("parked         {}", instant(row.parked_at)),
        format!("source         {}", row.source),
        format!("function       {}", known(&row.function_name)),
        format!("error code     {}", known(&row.error_code)),
        format!("reason         {}", row.failure_reason),
        format!("attempts       {}", row.attempts),
        format!(
            "event          {} {}",
            known(&row.event_type),
            known(&row.event_id)
        ),
        format!("correlation    {}", known(&correlation)),
        format!("replay         {replay}"),
    ];
    lines.push(match &shown.dead_letter.body {
        Some(body) => format!("payload\n{body}"),
        None => "payload        none, or it can't be unpacked; see --json".to_owned(),
    });
    lines
}
