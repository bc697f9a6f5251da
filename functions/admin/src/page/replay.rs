//! Many dead letters sent back: a dry run first, then in steps of a few seconds, each of which commits. A run that was left goes on
//! where it stopped, here or by the same filter later.

use super::dead_letters::{PATH, filter, refused};
use super::frame::{Section, page as framed, page_with_status};
use super::parts::{self, REASON, Tone};
use super::text::count;
use super::text::exact;
use crate::http::{Answer, Asked, Form};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::dead_letter::{DeadLetterFilter, MOST_GENERATIONS, Plan};

/// How many dead letters go without their number being typed.
pub const MOST_UNTYPED: i64 = 100;
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
    show(visit, 200, &query, &filter, forced, None).await
}

/// What was typed into a form that is shown again, and what is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Again<'a> {
    /// The reason that was given.
    pub reason: &'a str,
    /// The number that was typed.
    pub typed: &'a str,
}

/// The plan again, of now, since the number of dead letters was not typed as it was shown. Nothing was sent.
pub async fn plan_again(
    visit: &Visit<'_>,
    query: &Form,
    filter: &DeadLetterFilter,
    forced: bool,
    again: Again<'_>,
) -> Result<Answer, Fault> {
    show(visit, 400, query, filter, forced, Some(again)).await
}

async fn show(
    visit: &Visit<'_>,
    status: u16,
    query: &Form,
    filter: &DeadLetterFilter,
    forced: bool,
    again: Option<Again<'_>>,
) -> Result<Answer, Fault> {
    let plan = visit.admin.replayer.plan(filter, forced).await?;
    let body = html! {
        p.trail { a href=(PATH) { "Dead letters" } }
        h1 { "Replay, dry run" }
        (chosen(query))
        (result(&plan))
        @if plan.sendable() > 0 && visit.may_act() { (go(visit, query, forced, &plan, again)) }
        @else if plan.sendable() > 0 { p { "An operator can send them." } }
        @else if plan.dead_letters > 0 { p { "None of them can go as it is. Open an example and fix its body, or fix the cause that is named; then look again." } }
        @if !forced && plan.refused.iter().any(|refused| refused.code == "loop") {
            p { a href=(parts::address(&format!("{PATH}/replay"), &query.with("force", "yes"))) { "Plan it with those that came back " (MOST_GENERATIONS) " times or more" } }
        }
    };
    Ok(page_with_status(
        visit,
        status,
        Section::DeadLetters,
        "Replay, dry run",
        &body,
    ))
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

fn go(visit: &Visit<'_>, query: &Form, forced: bool, plan: &Plan, again: Option<Again<'_>>) -> Markup {
    let planned = plan.sendable();
    html! {
        form.change method="post" action=(format!("{PATH}/replay")) {
            (parts::csrf(visit))
            (parts::hidden(query))
            input type="hidden" name="of" value=(plan.dead_letters);
            input type="hidden" name="planned" value=(planned);
            @if forced { input type="hidden" name="force" value="yes"; }
            h3 { "Replay" }
            p.hint { "Each goes to the queue that it came from, the oldest first. It goes in steps of a few seconds; leaving the page stops it between two." }
            @if planned > MOST_UNTYPED.unsigned_abs() || again.is_some() { (number_field(planned, again)) }
            label for="reason-replay" { (REASON) }
            input #reason-replay name="reason" required maxlength="1000" autocomplete="off" value=(exact(again.map_or("", |again| again.reason)));
            button { "Replay " (number(planned)) " dead letters" }
        }
    }
}

/// So many are not sent by one press: their number is typed.
fn number_field(planned: u64, again: Option<Again<'_>>) -> Markup {
    let is_wrong = again.is_some();
    html! {
        label for="typed" { "Type " (planned) ", the number of dead letters" }
        input #typed name="typed" required inputmode="numeric" maxlength="20" autocomplete="off" value=(exact(again.map_or("", |again| again.typed)))
            aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("wrong-typed")];
        @if is_wrong { p.wrong #wrong-typed { "Nothing was sent: this must be the number that the dry run shows, which is " (planned) " now." } }
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Dead letters that are in their queues again.
    pub sent: u64,
    /// Dead letters that were refused, or not taken.
    pub left: u64,
    /// How many there were when the run was planned; 0 when that is not known.
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
