//! `makegood replay-event`.

use crate::act::act;
use crate::database;
use crate::exit::{self, BadInput};
use crate::output::Output;
use anyhow::{Context, anyhow, bail};
use makegood::config::Environment;
use makegood::delivery::Trigger;
use makegood::event::Event;
use makegood::ids::CorrelationId;
use makegood::limits;
use makegood::outbox::{OutboxRow, SqsTransport, Transport, read_routes};
use makegood::runtime;
use operate::audit::{self, Act, Action};
use operate::dead_letter::{Replayer, event_subject};
use operate::edit;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use uuid::Uuid;

/// Send an event to its topic's queues again.
///
/// The file holds one event, or a trigger sample such as those in events/ (SQS or MSK), of which every record
/// is sent. Each event is read as the functions read it and refused if they would refuse it; it is sent as it
/// stands. Replays are safe: an event delivered any number of times leaves the same rows.
///
/// The queues are QUEUE_URL_<TOPIC> (comma-separated), such as QUEUE_URL_PURCHASE_CONFIRMED. Who sends what and why is in the
/// audit log of the database before anything is sent; a dry run needs no database.
///
/// An event that the outbox does not have as it stands in the file waits until another operator confirms it (`makegood edits`), unless
/// SINGLE_OPERATOR is yes.
///
/// Example: `makegood replay-event events/purchase-confirmed.json --dry-run`
///
/// Exit code: 0 all sent, or all would be; 1 some wait for another operator, all others were sent; 2 wrong usage, or a file with something else than events; 3 the audit log can't be
/// written, so that nothing is sent, or a queue is not known or does not take them, and what was not sent is named.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The JSON file.
    file: PathBuf,
    /// Only read the file and say what would be sent where.
    #[arg(long)]
    dry_run: bool,
    /// Why; it is kept in the audit log.
    #[arg(
        long,
        value_name = "TEXT",
        visible_alias = "note",
        required_unless_present = "dry_run"
    )]
    reason: Option<String>,
    /// Who does it; it is kept in the audit log.
    #[arg(
        long = "as",
        value_name = "NAME",
        env = "USER",
        hide_env_values = true,
        default_value = ""
    )]
    actor: String,
}

/// One event and where it went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replay {
    event_id: String,
    event_type: &'static str,
    topic: &'static str,
    queues: Vec<String>,
    sent: bool,
    /// The edit that waits for another operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    edit: Option<Uuid>,
    /// Why it neither was sent nor waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the file, an event, or the environment can't be read, or a queue does not take an event.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let events = read_events(&arguments.file).map_err(BadInput::of)?;
    let by = match &arguments.reason {
        Some(reason) if !arguments.dry_run => Some(act(&arguments.actor, reason).await?),
        _ => None,
    };
    let mut environment = Environment::of_process();
    let types: BTreeSet<_> = events.iter().map(|(event, _)| event.event_type()).collect();
    let routes = read_routes(&mut environment, &types.into_iter().collect::<Vec<_>>());
    environment.finish()?;
    let Some(by) = by else {
        let replays: Vec<_> = events
            .iter()
            .map(|(event, _)| replay(event, &routes, false))
            .collect();
        output.answer(&replays, &replays.iter().map(line).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    };
    let replayer = Replayer::read(
        &Environment::of_process(),
        &runtime::aws().await,
        database::open().await?,
    );
    let (known, others) = known(&replayer, events).await?;
    let mut replays: Vec<_> = known
        .iter()
        .map(|(event, _)| replay(event, &routes, true))
        .collect();
    record(&replayer, &by, &replays).await?;
    send(&known, routes.clone()).await?;
    for (event, payload) in &others {
        let mut waiting = replay(event, &routes, false);
        match replayer.propose_event(event, payload, &by).await? {
            Ok(edit) => waiting.edit = Some(edit.0),
            Err(refusal) => waiting.refused = Some(refusal.to_string()),
        }
        replays.push(waiting);
    }
    output.answer(&replays, &replays.iter().map(line).collect::<Vec<_>>())?;
    Ok(exit::of(others.is_empty()))
}

type Events = Vec<(Event, Value)>;

/// Those that may be sent at once: as the outbox has them, or all of them where there is one operator; and the others.
async fn known(replayer: &Replayer, events: Events) -> anyhow::Result<(Events, Events)> {
    if replayer.single_operator {
        return Ok((events, Vec::new()));
    }
    let ids: Vec<String> = events
        .iter()
        .map(|(event, _)| event.envelope().event_id.clone())
        .collect();
    let mut connection = replayer.database.acquire().await?;
    let published = edit::published(&mut connection, &ids).await?;
    Ok(events.into_iter().partition(|(event, payload)| {
        let before = published.get(&event.envelope().event_id).map(Value::to_string);
        edit::changes(before.as_deref(), &payload.to_string()).is_empty()
    }))
}

fn replay(event: &Event, routes: &HashMap<String, Vec<String>>, sent: bool) -> Replay {
    let topic = event.event_type().topic();
    Replay {
        event_id: event.envelope().event_id.clone(),
        event_type: event.event_type().wire_name(),
        topic,
        queues: routes.get(topic).cloned().unwrap_or_default(),
        sent,
        edit: None,
        refused: None,
    }
}

fn line(replay: &Replay) -> String {
    if let Some(edit) = replay.edit {
        return format!(
            "not sent: the outbox does not have {} like this, so another operator must confirm it: makegood edits confirm {edit}",
            replay.event_id
        );
    }
    if let Some(why) = &replay.refused {
        return format!("refused: {}: {why}", replay.event_id);
    }
    let verb = if replay.sent { "sent" } else { "would send" };
    format!(
        "{verb} {} ({}) to {}",
        replay.event_id,
        replay.event_type,
        replay.queues.join(", ")
    )
}

/// Says in the audit log what is about to be sent.
async fn record(replayer: &Replayer, by: &Act, replays: &[Replay]) -> anyhow::Result<()> {
    let subjects: Vec<(String, Value)> = replays
        .iter()
        .map(|replay| {
            let details = json!({"eventType": replay.event_type, "queues": replay.queues});
            (event_subject(&replay.event_id), details)
        })
        .collect();
    let mut transaction = replayer.database.begin().await?;
    audit::record_all(&mut transaction, by, Action::ReplayEvent, &subjects).await?;
    transaction
        .commit()
        .await
        .context("the audit log can't be written, so nothing was sent")
}

async fn send(events: &[(Event, Value)], routes: HashMap<String, Vec<String>>) -> anyhow::Result<()> {
    let client = limits::queues(&runtime::aws().await);
    let rows: Vec<_> = events
        .iter()
        .map(|(event, payload)| row(event, payload))
        .collect();
    let results = Transport::Sqs(SqsTransport::new(client, routes))
        .send(&rows)
        .await;
    let failures = rows.iter().zip(results).filter_map(|(row, result)| {
        result.err().map(|reason| {
            format!(
                "{} was not sent to every queue of {}: {reason}",
                row.event_id, row.topic
            )
        })
    });
    let failures: Vec<_> = failures.collect();
    if failures.is_empty() {
        return Ok(());
    }
    bail!(
        "{}; check the queues' URLs and the permission to send, then run the same command again",
        failures.join("; ")
    )
}

fn row(event: &Event, payload: &Value) -> OutboxRow {
    OutboxRow {
        id: 0,
        event_id: event.envelope().event_id.clone(),
        event_type: event.event_type().wire_name().to_owned(),
        topic: event.event_type().topic().to_owned(),
        correlation: CorrelationId::from_text(&event.envelope().correlation_id),
        payload: payload.clone(),
    }
}

fn read_events(file: &Path) -> anyhow::Result<Vec<(Event, Value)>> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{name} can't be read; give the path of a JSON file"))?;
    let document: Value =
        serde_json::from_str(&text).with_context(|| format!("{name} is not JSON; fix it first"))?;
    let payloads = payloads(document, &text).with_context(|| format!("{name} holds no event"))?;
    if payloads.is_empty() {
        bail!("{name} holds no event; give an event with a `type`, or an SQS or MSK sample of such");
    }
    payloads
        .iter()
        .map(|payload| read_event(payload))
        .collect::<Result<_, _>>()
        .with_context(|| {
            format!("{name} holds an event that every function would refuse; fix it, see events/schema/")
        })
}

/// The event itself, or the bodies of a trigger's records.
fn payloads(document: Value, text: &str) -> anyhow::Result<Vec<String>> {
    if document.get("type").is_some() {
        return Ok(vec![text.to_owned()]);
    }
    let (_, deliveries) = Trigger::decode(document).map_err(|_| {
        anyhow!(
            "it has no `type` and is neither an SQS nor an MSK sample; see events/ for what can be replayed"
        )
    })?;
    Ok(deliveries
        .into_iter()
        .filter_map(|delivery| delivery.payload)
        .collect())
}

fn read_event(payload: &str) -> anyhow::Result<(Event, Value)> {
    Ok((Event::parse(payload)?, serde_json::from_str(payload)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"type":"PURCHASE_CREATED","timestamp":1,"userId":"u","role":"student",
        "purchaseId":"11111111-1111-4111-8111-111111111111","studentId":"22222222-2222-4222-8222-222222222222",
        "courseId":"33333333-3333-4333-8333-333333333333","purchaseTier":30,"metadata":{}}"#;

    fn read(text: &str) -> anyhow::Result<Vec<String>> {
        payloads(serde_json::from_str(text).unwrap(), text)
    }

    #[test]
    fn a_plain_event_and_an_sqs_sample_of_it_are_the_same_event() {
        let sample =
            serde_json::json!({ "Records": [{ "messageId": "m", "body": EVENT, "eventSource": "aws:sqs" }] });
        assert_eq!(read(EVENT).unwrap(), read(&sample.to_string()).unwrap());
    }

    #[test]
    fn a_file_without_event_says_what_can_be_replayed() {
        let message = read("{\"sweep\":\"outbox\"}").unwrap_err().to_string();
        assert!(message.contains("neither an SQS nor an MSK sample"), "{message}");
    }

    #[test]
    fn an_event_that_functions_refuse_is_refused_with_the_fields_name() {
        let error = read_event(&EVENT.replace("studentId", "student")).unwrap_err();
        assert!(format!("{error:#}").contains("studentId"), "{error:#}");
    }
}
