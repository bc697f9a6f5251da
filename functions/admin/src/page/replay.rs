//! Many dead letters sent back: a dry run first, then in steps of a few seconds, each of which commits. A run that was left goes on
//! where it stopped, here or by the same filter later.

use super::dead_letters::{PATH, filter, refused};
use super::frame::{Section, page as framed};
use super::parts::{self, Change, REASON, Tone};
use super::text::count;
use super::text::exact;
use crate::http::{Answer, Asked, Form};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::dead_letter::{MOST_GENERATIONS, Plan};

/// What narrows a replay: it takes parked ones alone, so it knows no status.
pub const FILTER: [&str; 7] = [
    "source",
    "function",
    "error",
    "type",
    "event",
    "correlation",
    "since",
];
/// The parameters of the dry run.
pub const FIELDS: [&str; 8] = [
    "source",
    "function",
    "error",
    "type",
    "event",
    "correlation",
    "since",
    "force",
];

fn number(value: u64) -> String {
    count(i64::try_from(value).unwrap_or(i64::MAX))
}

/// What a replay of this filter would do now.
pub async fn plan(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let forced = query.ticked("force");
    let filter = filter(&mut query, visit.now);
    if !query.wrong().is_empty() {
        return Ok(refused(visit, &query));
    }
    // An age such as "the last hour" is fixed now, so that what is replayed is what was planned.
    let query = query.only(&FILTER).with(
        "since",
        &filter.since.map(|since| since.to_rfc3339()).unwrap_or_default(),
    );
    let plan = visit.admin.replayer.plan(&filter, forced).await?;
    let body = html! {
        p.trail { a href=(PATH) { "Dead letters" } }
        h1 { "Replay, dry run" }
        (chosen(&query))
        (result(&plan))
        @if plan.sendable() > 0 { (go(visit, &query, forced, &plan)) }
        @else if plan.dead_letters > 0 { p { "None of them can go as it is. Open an example and fix its body, or fix the cause that is named; then look again." } }
        @if !forced && plan.refused.iter().any(|refused| refused.code == "loop") {
            p { a href=(parts::address(&format!("{PATH}/replay"), &query.with("force", "yes"))) { "Plan it with those that came back " (MOST_GENERATIONS) " times or more" } }
        }
    };
    Ok(framed(visit, Section::DeadLetters, "Replay, dry run", &body))
}

fn chosen(query: &Form) -> Markup {
    let is_all = query.fields().next().is_none();
    html! {
        p.lead {
            "Parked dead letters"
            @if is_all { ", all of them" }
            @for (name, value) in query.fields() { " · " (name) " " code { (value) } }
        }
    }
}

fn result(plan: &Plan) -> Markup {
    let go = plan.destinations.iter().map(|queue| {
        vec![
            parts::badge(Tone::Good, "would go"),
            html! { (number(queue.dead_letters)) },
            html! { "to " (queue.queue) },
        ]
    });
    let stay = plan.refused.iter().map(|refused| {
        let examples = html! { (parts::prose(&refused.reason)) @if let Some(first) = refused.examples.first() { " · " a href=(format!("{PATH}/{first}")) { "an example" } } };
        vec![parts::badge(Tone::Bad, "would stay"), html! { (number(refused.dead_letters)) }, examples]
    });
    let rows: Vec<_> = go.chain(stay).collect();
    html! {
        @if rows.is_empty() { p.nothing { "No parked dead letter is like that, so nothing would be sent. " a href=(PATH) { "All dead letters" } } }
        @else { (parts::table("Dry run", &["What", "Dead letters", "Where, or why not"], &rows)) }
    }
}

fn go(visit: &Visit<'_>, query: &Form, forced: bool, plan: &Plan) -> Markup {
    let hidden = html! { (parts::hidden(query)) input type="hidden" name="of" value=(plan.dead_letters); @if forced { input type="hidden" name="force" value="yes"; } };
    let hint = "Each goes to the queue that it came from, the oldest first. It goes in steps of a few seconds; leaving the page stops it between two.";
    Change {
        action: format!("{PATH}/replay"),
        title: "Replay",
        hint,
        more: hidden,
        reason: REASON,
        button: &format!("Replay {} dead letters", number(plan.sendable())),
        destructive: false,
    }
    .form(visit)
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Dead letters that are in their queues again.
    pub sent: u64,
    /// Dead letters that were refused, or not taken.
    pub left: u64,
    /// How many there were when the run was planned; 0 when nobody knows.
    pub of: u64,
}

/// A run that is not at its end: `run` holds what the next step needs.
pub fn progress(visit: &Visit<'_>, progress: Progress, run: &Form, reason: &str) -> Answer {
    let body = html! {
        p.trail { a href=(PATH) { "Dead letters" } }
        h1 { "Replay under way" }
        p.lead role="status" { strong { (number(progress.sent)) } " sent back, " (number(progress.left)) " left where they are, and more to go." }
        @if progress.of > 0 {
            p { progress.run max=(progress.of) value=((progress.sent + progress.left).min(progress.of)) aria-label="Dead letters" {} " of " (number(progress.of)) " planned" }
        }
        form.change method="post" action=(format!("{PATH}/replay")) {
            (parts::csrf(visit))
            (parts::hidden(run))
            input type="hidden" name="reason" value=(exact(reason));
            button autofocus { "Go on" }
        }
        p { a href=(PATH) { "Stop here" } }
    };
    framed(visit, Section::DeadLetters, "Replay under way", &body)
}
