//! Dead letters in groups, by error or by event: how many, since when, and the way to exactly those in the list.

use super::dead_letters::{self, AGES, PATH as LIST};
use super::frame::{Section, page as framed};
use super::parts::{self, Empty};
use super::text::count;
use crate::http::{Answer, Asked, Form};
use crate::visit::{Fault, Visit};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use operate::dead_letter::{
    DeadLetterStatus, ErrorGroup, EventGroup, Groups, MOST_LOOKED_AT, NONE, by_error, by_event,
};
use uuid::Uuid;

const PATH: &str = "/admin/dead-letters/groups";
pub const FIELDS: [&str; 3] = ["by", "status", "since"];
/// What the list is narrowed by, of these.
const NARROWS: [&str; 2] = ["status", "since"];
const TITLE: &str = "Dead letters in groups";
const EMPTY: Empty<'_> = Empty {
    calm: "No message was ever parked. There is nothing to do here.",
    waiting: ("parked", "Nothing is parked, so nothing waits for you here."),
    filtered: "No dead letter is like that.",
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Error,
    Event,
}

fn by_of(name: &str) -> Option<By> {
    match name {
        "error" => Some(By::Error),
        "event" => Some(By::Event),
        _ => None,
    }
}

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let by = query
        .one_of("by", by_of, &["error", "event"])
        .unwrap_or(By::Error);
    let filter = dead_letters::filter(&mut query, visit.now);
    if !query.wrong().is_empty() {
        let fields = parts::filter(PATH, &filter_fields(&query));
        return Ok(super::refused(
            visit,
            Section::DeadLetters,
            TITLE,
            &fields,
            &query,
        ));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let groups = match by {
        By::Error => {
            let groups = by_error(&mut connection, &filter).await?;
            html! { (notes(&groups)) (errors(visit, &query, &groups.groups)) }
        }
        By::Event => {
            let groups = by_event(&mut connection, &filter).await?;
            html! { (notes(&groups)) (events(visit, &query, &groups.groups)) }
        }
    };
    drop(connection);
    let body = html! {
        p.trail { a href=(parts::address(LIST, &query.only(&NARROWS))) { "Dead letters" } }
        h1 { (TITLE) }
        (kinds(&query, by))
        (parts::filter(PATH, &filter_fields(&query)))
        (groups)
    };
    Ok(framed(visit, Section::DeadLetters, TITLE, &body))
}

fn kinds(query: &Form, by: By) -> Markup {
    let choice = |value: By, name: &str, words: &str| {
        html! { a href=(parts::address(PATH, &query.with("by", name))) aria-current=[(value == by).then_some("true")] { (words) } }
    };
    html! {
        nav.ranges aria-label="In groups" {
            (choice(By::Error, "error", "By error"))
            (choice(By::Event, "event", "By event"))
        }
    }
}

fn filter_fields(query: &Asked) -> Markup {
    let states = DeadLetterStatus::ALL.map(|status| (status.wire_name(), status.wire_name()));
    html! {
        (parts::hidden(&query.only(&["by"])))
        (parts::choice(query, "status", "State", &states))
        (parts::choice(query, "since", "Parked in", &AGES))
    }
}

/// What the numbers leave out.
fn notes<T>(groups: &Groups<T>) -> Markup {
    html! {
        @if groups.is_cut {
            p.hint { "The newest " (count(MOST_LOOKED_AT)) " are counted here, so older ones are missing from each number." }
        }
        @if groups.further > 0 { p.hint { "The largest groups are shown; " (count(groups.further)) " smaller ones are not." } }
    }
}

/// The list of exactly this group.
fn list_of(query: &Form, fields: &[(&str, &str)]) -> String {
    let narrowed = fields
        .iter()
        .fold(query.only(&NARROWS), |form, (name, value)| form.with(name, value));
    parts::address(LIST, &narrowed)
}

fn example(id: Uuid) -> Markup {
    html! { a href=(format!("{LIST}/{id}")) title=(id) { (parts::short(&id.to_string())) } }
}

fn parked(visit: &Visit<'_>, first: DateTime<Utc>, last: DateTime<Utc>) -> [Markup; 2] {
    [parts::when(visit, first), parts::when(visit, last)]
}

fn errors(visit: &Visit<'_>, query: &Form, groups: &[ErrorGroup]) -> Markup {
    let rows: Vec<_> = groups.iter().map(|group| error(visit, query, group)).collect();
    let heads = [
        "Error",
        "Dead letters",
        "Events",
        "First parked",
        "Last parked",
        "Example",
    ];
    table(query, &heads, &rows)
}

fn table(query: &Form, heads: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        @if rows.is_empty() { (parts::empty(PATH, &query.with("by", ""), &EMPTY)) }
        @else { (parts::table(TITLE, heads, rows)) }
    }
}

fn error(visit: &Visit<'_>, query: &Form, group: &ErrorGroup) -> Vec<Markup> {
    let (function, code) = (group.function_name.as_deref(), group.error_code.as_deref());
    let list = list_of(
        query,
        &[
            ("function", function.unwrap_or(NONE)),
            ("error", code.unwrap_or(NONE)),
        ],
    );
    let [first, last] = parked(visit, group.first_parked_at, group.last_parked_at);
    vec![
        html! {
            a href=(list) { (parts::whole(code.unwrap_or("no code"))) } " "
            span.age { @match function { Some(function) => { "in " (function) } None => { "in no function" } } }
            br; span.clip { (group.failure_reason) }
        },
        html! { (count(group.dead_letters)) },
        html! { (count(group.events)) },
        first,
        last,
        example(group.example),
    ]
}

fn events(visit: &Visit<'_>, query: &Form, groups: &[EventGroup]) -> Markup {
    let rows: Vec<_> = groups.iter().map(|group| event(visit, query, group)).collect();
    let heads = [
        "Event",
        "Dead letters",
        "Errors",
        "First parked",
        "Last parked",
        "Example",
        "About",
    ];
    table(query, &heads, &rows)
}

fn event(visit: &Visit<'_>, query: &Form, group: &EventGroup) -> Vec<Markup> {
    let about = group.correlation_id.map(|id| id.to_string());
    let [first, last] = parked(visit, group.first_parked_at, group.last_parked_at);
    vec![
        html! {
            @match group.event_id.as_deref() {
                Some(id) if is_askable(id) => { a.id href=(list_of(query, &[("event", id)])) { (id) } }
                Some(id) => { span.id { (id) } }
                None => { a href=(list_of(query, &[("event", NONE)])) { "no event id" } }
            }
            @if let Some(kind) = &group.event_type { br; span.age { (kind) } }
        },
        html! { (count(group.dead_letters)) },
        html! { @for error in &group.errors { span.whole { (error) } " " } },
        first,
        last,
        example(group.example),
        html! { @match about { Some(id) => { (parts::find_short(&id)) } None => { span.none { "—" } } } },
    ]
}

/// Whether the list understands this id as it is: one that is too long, or has blanks around it, is no parameter.
fn is_askable(id: &str) -> bool {
    let mut asked = Asked::of(&Form::default().with("event", id), &["event"]);
    asked.words("event").as_deref() == Some(id)
}
