//! Dead letters: sent back, edited or as they are, one or many; or discarded, and restored.

use crate::http::{Answer, Asked, Form};
use crate::page::{self, Again, Progress};
use crate::visit::{Fault, Said, Visit};
use maud::{Markup, html};
use operate::dead_letter::{
    self, Bulk, DeadLetterId, Discard, Edit, Replay, Restore, discard_parked_dead_letter,
    restore_discarded_dead_letter,
};
use operate::page::Cursor;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const LIST: &str = "/admin/dead-letters";
/// How long one step of a run over many dead letters goes on: a browser, and the API, wait 30 s.
const STEP: Duration = Duration::from_secs(8);

fn page_of(id: Uuid) -> String {
    format!("{LIST}/{id}")
}

/// The body that was typed, unless it is the dead letter's own.
async fn edit_of(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Option<Edit>, Fault> {
    let mut connection = visit.admin.database.acquire().await?;
    let dead_letter = dead_letter::show(&mut connection, DeadLetterId(id))
        .await?
        .ok_or(Fault::NotFound("dead letter"))?;
    drop(connection);
    let typed = form.raw("body").unwrap_or_default().replace("\r\n", "\n");
    let kept = dead_letter.body.as_deref().unwrap_or_default();
    let is_kept = typed == kept.replace("\r\n", "\n")
        || page::reindent(kept).is_some() && page::is_same_json(&typed, kept);
    Ok((!is_kept).then_some(Edit { body: typed }))
}

/// Whether one that came back too often is to go all the same.
fn is_forced(form: &Form) -> Result<bool, Fault> {
    let mut asked = Asked::of(form, &["csrf", "reason", "body", "force"]);
    let forced = asked.ticked("force");
    if form.raw("body").is_none() {
        asked.note("body", "is missing");
    }
    page::understood(&asked)?;
    Ok(forced)
}

fn note(is_good: bool, text: &str) -> Markup {
    html! {
        p.said data-tone=(if is_good { "good" } else { "bad" }) role="status" {
            strong { (if is_good { "✓ Dry run." } else { "✕ Not sent." }) } " " (text)
        }
    }
}

/// Says what a replay would do with the body as it was typed.
pub async fn dry_run(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let forced = is_forced(form)?;
    let edit = edit_of(visit, id, form).await?;
    let previewed = visit
        .admin
        .replayer
        .preview(DeadLetterId(id), edit.as_ref(), forced)
        .await?;
    let kind = if edit.is_some() {
        "The edited dead letter"
    } else {
        "The dead letter as it is"
    };
    let said = match previewed {
        Ok(destination) => note(
            true,
            &format!("{kind} would go to {}. Nothing was sent.", destination.queue),
        ),
        Err(refusal) => note(false, &format!("{kind} would stay: {refusal}.")),
    };
    page::edit_again(visit, id, 200, form, &said).await
}

/// Sends one dead letter back. What is refused is shown again as it was typed.
pub async fn replay(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let forced = is_forced(form)?;
    let act = match visit.act(form) {
        Ok(act) => act,
        Err(error) => {
            return page::edit_again(visit, id, 400, form, &note(false, &format!("{error}."))).await;
        }
    };
    let edit = edit_of(visit, id, form).await?;
    match visit
        .admin
        .replayer
        .replay(DeadLetterId(id), edit.as_ref(), forced, &act)
        .await?
    {
        Replay::Sent { queue, .. } => {
            let kind = if edit.is_some() {
                "The edited dead letter"
            } else {
                "The dead letter"
            };
            Ok(visit.go_on(&page_of(id), &Said::done(format!("{kind} is in {queue} again."))))
        }
        Replay::Refused { reason, .. } => {
            page::edit_again(visit, id, 422, form, &note(false, &format!("{reason}."))).await
        }
        Replay::NotSent { reason } => Ok(visit.go_on(
            &page_of(id),
            &Said::not_done(format!("Its queue did not take it: {reason}")),
        )),
        Replay::Waits { edit, .. } => Ok(visit.go_on(
            &format!("/admin/edits/{edit}"),
            &Said::done("The edit is kept. It is sent when another operator has confirmed it."),
        )),
    }
}

/// Gives a dead letter up.
pub async fn discard(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut transaction = visit.admin.database.begin().await?;
    let discarded = discard_parked_dead_letter(&mut transaction, DeadLetterId(id), &act).await?;
    transaction.commit().await?;
    let said = match discarded {
        Discard::Discarded => {
            Said::done("The dead letter is discarded. It stays here with its body, and can be restored.")
        }
        Discard::Refused(refusal) => Said::not_done(format!("{refusal}.")),
    };
    Ok(visit.go_on(&page_of(id), &said))
}

/// Takes a discard back.
pub async fn restore(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut transaction = visit.admin.database.begin().await?;
    let restored = restore_discarded_dead_letter(&mut transaction, DeadLetterId(id), &act).await?;
    transaction.commit().await?;
    let said = match restored {
        Restore::Restored => Said::done("The dead letter is parked again, and can be sent back."),
        Restore::Refused(refusal) => Said::not_done(format!("{refusal}.")),
    };
    Ok(visit.go_on(&page_of(id), &said))
}

/// The fields of a run over many: who and why, its filter, and how far it is.
pub const FIELDS: [&str; 17] = [
    "csrf",
    "reason",
    "source",
    "function",
    "error",
    "type",
    "event",
    "correlation",
    "since",
    "force",
    "started",
    "cursor",
    "sent",
    "left",
    "of",
    "planned",
    "typed",
];
const COUNT: &str = "a number";

/// A number as a person types it, its thousands apart or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count(u64);

impl FromStr for Count {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.replace(',', "").parse().map(Self)
    }
}

/// Sends the dead letters of a filter back for a few seconds, from where the step before ended. More than a hundred
/// begin only with their number typed.
pub async fn replay_many(visit: &Visit<'_>, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut asked = Asked::of(form, &FIELDS);
    let filter = page::dead_letter_filter(&mut asked, visit.now);
    let forced = asked.ticked("force");
    let started = asked.instant("started");
    let mut cursor: Option<Cursor> = asked.parsed("cursor", "where the step before ended");
    let mut progress = Progress {
        sent: asked.parsed("sent", COUNT).unwrap_or_default(),
        left: asked.parsed("left", COUNT).unwrap_or_default(),
        of: asked.parsed("of", COUNT).unwrap_or_default(),
    };
    if started.is_some() != cursor.is_some() {
        asked.note("cursor", "and started belong together");
    }
    let planned: Option<Count> = asked.parsed("planned", COUNT);
    let typed: Option<Count> = asked.parsed("typed", COUNT);
    page::understood(&asked)?;
    let filter_fields = asked.only(&page::REPLAY_FILTER);
    let is_typed = planned.is_some() && typed == planned;
    let replayer = &visit.admin.replayer;
    if started.is_none() && !is_typed && replayer.has_more_than(&filter, page::MOST_UNTYPED).await? {
        let again = Again {
            reason: act.reason.as_str(),
            typed: asked.text("typed").unwrap_or_default(),
        };
        return page::plan_again(visit, &filter_fields, &filter, forced, again).await;
    }
    let bulk = match started {
        Some(started) => Bulk {
            filter,
            forced,
            started,
        },
        None => visit.admin.replayer.begin_bulk(filter, forced).await?,
    };
    let until = (Instant::now() + STEP).min(visit.deadline.instant());
    loop {
        let chunk = visit.admin.replayer.replay_chunk(&bulk, cursor, &act).await?;
        for (_, outcome) in &chunk.outcomes {
            match outcome {
                Replay::Sent { .. } => progress.sent += 1,
                Replay::Refused { .. } | Replay::NotSent { .. } | Replay::Waits { .. } => progress.left += 1,
            }
        }
        cursor = chunk.next;
        let Some(next) = cursor else {
            return Ok(visit.go_on(LIST, &ended(progress)));
        };
        if Instant::now() >= until {
            let run = filter_fields
                .with("force", if bulk.forced { "yes" } else { "" })
                .with("started", &bulk.started.to_rfc3339())
                .with("cursor", &next.to_string())
                .with("sent", &progress.sent.to_string())
                .with("left", &progress.left.to_string())
                .with("of", &progress.of.to_string());
            return Ok(page::progress(visit, progress, &run, act.reason.as_str()));
        }
    }
}

fn ended(progress: Progress) -> Said {
    let text = format!(
        "{} dead letters are in their queues again, {} were left where they are.",
        progress.sent, progress.left
    );
    if progress.sent == 0 && progress.left > 0 {
        Said::not_done(text)
    } else {
        Said::done(text)
    }
}
