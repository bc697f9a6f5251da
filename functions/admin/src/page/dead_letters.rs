//! Dead letters: listed, read, edited, sent back, discarded, restored.

use super::frame::{Section, page as framed, page_with_status};
use super::parts::{self, Change, Empty, REASON, Tone};
use super::text::{exact, reindent};
use crate::http::{Answer, Asked, Form};
use crate::visit::{Fault, Visit};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, PreEscaped, html};
use operate::case::{CaseRow, open_of_payment};
use operate::dead_letter::{
    self, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterRow, DeadLetterStatus, MOST_GENERATIONS,
};
use operate::edit::{self, ProposedEdit};
use uuid::Uuid;

pub const PATH: &str = "/admin/dead-letters";
/// The list's parameters.
pub const FIELDS: [&str; 9] = [
    "status",
    "source",
    "function",
    "error",
    "type",
    "event",
    "correlation",
    "since",
    "after",
];
const EMPTY: Empty<'_> = Empty {
    calm: "No message was ever parked. There is nothing to do here.",
    waiting: ("parked", "Nothing is parked, so nothing waits for you here."),
    filtered: "No dead letter is like that.",
};
const SINCE: &str = "one of 1h, 24h, 7d, 30d, or an instant such as 2026-11-21T03:00:00Z";
/// How far back a list goes.
pub const AGES: [(&str, &str); 4] = [
    ("1h", "the last hour"),
    ("24h", "the last day"),
    ("7d", "the last week"),
    ("30d", "the last month"),
];

/// The filter that is asked for.
pub fn filter(asked: &mut Asked, now: DateTime<Utc>) -> DeadLetterFilter {
    let states = DeadLetterStatus::ALL.map(DeadLetterStatus::wire_name);
    DeadLetterFilter {
        status: asked.one_of("status", DeadLetterStatus::from_wire_name, &states),
        source: asked.words("source"),
        function: asked.words("function"),
        error_code: asked.words("error"),
        event_type: asked.words("type"),
        event_id: asked.words("event"),
        correlation_id: asked.parsed("correlation", "a whole UUID"),
        since: since(asked, now),
        until: None,
    }
}

/// One of [`AGES`], or an instant, which a run over many dead letters keeps.
fn since(asked: &mut Asked, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let back = match asked.text("since")? {
        "1h" => TimeDelta::hours(1),
        "24h" => TimeDelta::hours(24),
        "7d" => TimeDelta::days(7),
        "30d" => TimeDelta::days(30),
        _ => {
            let instant = asked.instant("since");
            if instant.is_none() {
                asked.refuse("since", SINCE);
            }
            return instant;
        }
    };
    Some(now - back)
}

pub async fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let filter = filter(&mut query, visit.now);
    let place = super::place(&mut query);
    if !query.wrong().is_empty() {
        return Ok(refused(visit, &query));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let page = dead_letter::list(&mut connection, &filter, &place).await?;
    drop(connection);
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|dead_letter| row(visit, dead_letter))
        .collect();
    // What is not shown is not offered: only parked ones are replayed.
    let can_replay = visit.may_act()
        && filter
            .status
            .is_none_or(|status| status == DeadLetterStatus::Parked);
    let groups = parts::address(&format!("{PATH}/groups"), &query.only(&["status", "since"]));
    let bulk = parts::address(&format!("{PATH}/replay"), &query.only(&super::REPLAY_FILTER));
    let body = html! {
        h1 { "Dead letters" }
        p.actions {
            a href=(groups) { "In groups, by error or by event" }
            a href=(super::edits::PATH) { "Edits that wait for a second operator" }
        }
        (parts::filter(PATH, &filter_fields(&query)))
        @if rows.is_empty() { (parts::empty(PATH, &query, &EMPTY)) }
        @else {
            @if can_replay { p.actions { a.button href=(bulk) { "Replay all parked of this filter…" } span.hint { "A dry run first." } } }
            (parts::table("Dead letters", &["Dead letter", "State", "Parked", "Why", "From", "About"], &rows))
        }
        (parts::pager(PATH, &query, page.next.map(|next| next.to_string())))
    };
    Ok(framed(visit, Section::DeadLetters, "Dead letters", &body))
}

/// The filter again, with what is wrong beside each field. No row is read.
pub fn refused(visit: &Visit<'_>, asked: &Asked) -> Answer {
    let filter = parts::filter(PATH, &filter_fields(asked));
    super::refused(visit, Section::DeadLetters, "Dead letters", &filter, asked)
}

fn filter_fields(query: &Asked) -> Markup {
    let states = DeadLetterStatus::ALL.map(|status| (status.wire_name(), status.wire_name()));
    html! {
        (parts::choice(query, "status", "State", &states))
        (parts::choice(query, "since", "Parked in", &AGES))
        (parts::field(query, "source", "Queue"))
        (parts::field(query, "function", "Function"))
        (parts::field(query, "error", "Error code"))
        (parts::field(query, "type", "Event type"))
        (parts::field(query, "event", "Event id"))
        (parts::field(query, "correlation", "Correlation id"))
    }
}

fn badge(status: DeadLetterStatus) -> Markup {
    let look = match status {
        DeadLetterStatus::Parked => Tone::Bad,
        DeadLetterStatus::Replayed => Tone::Good,
        DeadLetterStatus::Discarded => Tone::Over,
    };
    parts::badge(look, status.wire_name())
}

fn row(visit: &Visit<'_>, dead_letter: &DeadLetterRow) -> Vec<Markup> {
    let about = dead_letter.correlation_id.map(|id| id.to_string());
    vec![
        html! { a href=(format!("{PATH}/{}", dead_letter.id)) { (parts::whole(dead_letter.event_type.as_deref().unwrap_or("no event"))) } },
        html! { (badge(dead_letter.status)) @if dead_letter.replay_count > 0 { " " span.age { "sent back " (dead_letter.replay_count) "×" } } },
        parts::when(visit, dead_letter.parked_at),
        html! { span.id { (dead_letter.error_code.as_deref().unwrap_or_default()) } br; span.clip { (dead_letter.failure_reason) } },
        html! { (dead_letter.source) },
        html! { @match about { Some(id) => { (parts::find_short(&id)) } None => { span.none { "—" } } } },
    ]
}

pub async fn one(visit: &Visit<'_>, id: Uuid) -> Result<Answer, Fault> {
    show(visit, id, 200, None, &html! {}).await
}

/// The dead letter again, with what was typed and what is to be said about it.
pub async fn edit_again(
    visit: &Visit<'_>,
    id: Uuid,
    status: u16,
    form: &Form,
    said: &Markup,
) -> Result<Answer, Fault> {
    show(visit, id, status, Some(form), said).await
}

async fn show(
    visit: &Visit<'_>,
    id: Uuid,
    status: u16,
    form: Option<&Form>,
    said: &Markup,
) -> Result<Answer, Fault> {
    let mut connection = visit.admin.database.acquire().await?;
    let found = dead_letter::show(&mut connection, DeadLetterId(id)).await?;
    let dead_letter = found.ok_or(Fault::NotFound("dead letter"))?;
    let cases = match dead_letter.row.correlation_id {
        Some(payment) => open_of_payment(&mut connection, payment).await?,
        None => Vec::new(),
    };
    let edit = edit::pending_of(&mut connection, &DeadLetterId(id).subject()).await?;
    drop(connection);
    let is_parked = dead_letter.row.status == DeadLetterStatus::Parked;
    let body = html! {
        (said)
        p.trail { a href=(PATH) { "Dead letters" } }
        h1 { (dead_letter.row.event_type.as_deref().unwrap_or("No event")) " " (badge(dead_letter.row.status)) }
        p.panel.reason { strong { (dead_letter.row.error_code.as_deref().unwrap_or("no code")) } " " (dead_letter.row.failure_reason) }
        @if !cases.is_empty() { (same_trouble(&cases)) }
        @if let Some(edit) = &edit { (waits(edit)) }
        (facts(visit, &dead_letter))
        @if is_parked && visit.may_act() { (replay(visit, &dead_letter, form)) } @else { h2 { "Body" } (body_of(&dead_letter)) }
        @if let Some(document) = &dead_letter.document { details.more { summary { "The document that was parked" } (parts::json(document)) } }
        @if is_parked { (discard(visit, id)) }
        @if can_be_restored(&dead_letter) { (restore(visit, id)) }
    };
    Ok(page_with_status(
        visit,
        status,
        Section::DeadLetters,
        &format!("Dead letter {id}"),
        &body,
    ))
}

/// The open cases of its payment: the same trouble, seen from the money.
fn same_trouble(cases: &[CaseRow]) -> Markup {
    html! {
        p.panel {
            "Its payment has an open case, so this is one task: fix the cause, replay this, and resolve the case when it is delivered. "
            @for case in cases { a.button href=(format!("/admin/cases/{}", case.id)) { "Open the case " (case.kind) } " " }
        }
    }
}

/// That an edit of it waits for another operator.
fn waits(edit: &ProposedEdit) -> Markup {
    html! {
        p.panel {
            (edit.proposed_by) " proposed an edit of it, which waits for another operator. "
            a.button href=(format!("{}/{}", super::edits::PATH, edit.id)) { "Look at the edit" }
        }
    }
}

fn facts(visit: &Visit<'_>, dead_letter: &DeadLetter) -> Markup {
    let row = &dead_letter.row;
    let about = row.correlation_id.map(|id| id.to_string());
    let found = |id: Option<&str>| html! { @match id { Some(id) => { (parts::find(id)) } None => { span.none { "—" } } } };
    parts::facts(&[
        ("Parked", parts::when(visit, row.parked_at)),
        ("From the queue", html! { (row.source) }),
        ("Parked by", parts::or_dash(row.function_name.as_deref())),
        (
            "Tried",
            html! { (parts::times(row.attempts)) @if row.permanent { "; no retry could help" } },
        ),
        (
            "Sent back",
            html! { (parts::times(row.replay_count)) @if let Some(at) = row.replayed_at { ", last " (parts::when(visit, at)) } },
        ),
        ("About", found(about.as_deref())),
        ("Event id", found(row.event_id.as_deref())),
        ("Message id", html! { span.id { (dead_letter.message_id) } }),
        ("Id", html! { span.id { (row.id) } }),
        ("On the record", parts::audit_of(&DeadLetterId(row.id).subject())),
        (
            "What it means",
            parts::runbook(visit, "a-dead-letter-deadlettered--0", "Runbook"),
        ),
    ])
}

/// A text area drops a line break at its beginning, so it is given one to drop.
fn text_area(text: &str) -> Markup {
    html! { textarea #body name="body" rows="18" spellcheck="false" autocapitalize="none" autocomplete="off" wrap="soft" { (PreEscaped("\n")) (exact(text)) } }
}

fn replay(visit: &Visit<'_>, dead_letter: &DeadLetter, form: Option<&Form>) -> Markup {
    let kept = dead_letter.body.as_deref().unwrap_or_default();
    let shown = reindent(kept).unwrap_or_else(|| kept.to_owned());
    let typed = form
        .and_then(|form| form.raw("body"))
        .map_or(shown, |body| body.replace("\r\n", "\n"));
    let reason = form.and_then(|form| form.raw("reason")).unwrap_or_default();
    let to = |action: &str| format!("{PATH}/{}/{action}", dead_letter.row.id);
    let came_back = dead_letter.row.replay_count >= MOST_GENERATIONS;
    html! {
        form.change.wide method="post" action=(to("replay")) {
            (parts::csrf(visit))
            h2 { "Edit and send back" }
            p.hint {
                "To " (dead_letter.row.source) " only, not to others that read the same events. Space between tokens does not count as a change."
                @if !visit.admin.replayer.single_operator { " What changes who, what or how much waits until another operator confirms it." }
            }
            label for="body" { "Body" }
            (text_area(&typed))
            @if came_back {
                p.check { input #force type="checkbox" name="force" value="yes"; label for="force" { "Send it although it came back " (dead_letter.row.replay_count) " times" } }
            }
            label for="reason-replay" { "Reason, for the audit log" }
            input #reason-replay name="reason" required maxlength="1000" autocomplete="off" value=(exact(reason));
            div.go {
                button.quiet formaction=(to("dry-run")) formnovalidate { "Dry run" }
                button { "Replay this dead letter" }
            }
        }
    }
}

fn body_of(dead_letter: &DeadLetter) -> Markup {
    html! {
        @match &dead_letter.body {
            Some(body) => { pre.code tabindex="0" { (reindent(body).unwrap_or_else(|| body.clone())) } }
            None => { (parts::nothing("It has no body, or one that can't be unpacked.")) }
        }
    }
}

/// Whether it is discarded, and something of it is left.
fn can_be_restored(dead_letter: &DeadLetter) -> bool {
    let is_left = dead_letter.body.is_some() || dead_letter.document.is_some();
    dead_letter.row.status == DeadLetterStatus::Discarded && is_left
}

fn restore(visit: &Visit<'_>, id: Uuid) -> Markup {
    Change {
        action: format!("{PATH}/{id}/restore"),
        title: "Take the discard back",
        hint: "It is parked again, where it was in the list, and can be sent back.",
        more: html! {},
        reason: REASON,
        button: "Restore this dead letter",
        destructive: false,
    }
    .form(visit)
}

fn discard(visit: &Visit<'_>, id: Uuid) -> Markup {
    let hint = "It stays here with its body, and is not sent back unless it is restored.";
    Change {
        action: format!("{PATH}/{id}/discard"),
        title: "Give it up",
        hint,
        more: html! {},
        reason: REASON,
        button: "Discard this dead letter",
        destructive: true,
    }
    .form(visit)
}
