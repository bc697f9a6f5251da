//! Pieces that several pages are made of.

use super::text::{age, clock_time};
use crate::access::CSRF_FIELD;
use crate::act::sweep::SWEEPS;
use crate::http::Form;
use crate::visit::Visit;
use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stays as it is in a segment of a path.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// How something stands: by a sign, a word, and only then a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Good,
    Busy,
    Waiting,
    Bad,
    Over,
}

/// A sign and a word.
pub fn badge(look: Look, word: &str) -> Markup {
    let (name, sign) = match look {
        Look::Good => ("good", "✓"),
        Look::Busy => ("busy", "◐"),
        Look::Waiting => ("waiting", "○"),
        Look::Bad => ("bad", "✕"),
        Look::Over => ("over", "–"),
    };
    html! { span.badge data-look=(name) { span aria-hidden="true" { (sign) } " " (word) } }
}

/// An instant as the school's clock shows it, UTC behind it, and how long ago.
pub fn when(visit: &Visit<'_>, at: DateTime<Utc>) -> Markup {
    html! { (moment(visit, at)) " " span.age { (age(at, visit.now)) } }
}

/// The same without how long ago.
pub fn moment(visit: &Visit<'_>, at: DateTime<Utc>) -> Markup {
    let utc = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    html! { time datetime=(utc) title=(utc) { (clock_time(at, visit.now, visit.admin.timezone)) } }
}

/// A segment of a path.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, IN_SEGMENT).to_string()
}

/// An address of ours with a query.
pub fn address(path: &str, query: &Form) -> String {
    let query = query.encode();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// An id that the search knows.
pub fn find(id: &str) -> Markup {
    let address = address("/admin/search", &Form::default().with("q", id));
    html! { a.id href=(address) { (id) } }
}

/// The field that makes a form ours.
pub fn csrf(visit: &Visit<'_>) -> Markup {
    html! { input type="hidden" name=(CSRF_FIELD) value=(visit.csrf.as_str()); }
}

/// The fields of a query again, unseen.
pub fn hidden(fields: &Form) -> Markup {
    html! { @for (name, value) in fields.fields() { input type="hidden" name=(name) value=(value); } }
}

/// A change: what it does, its reason, its button. `more` are further fields.
pub fn change(
    visit: &Visit<'_>,
    action: &str,
    title: &str,
    button: &str,
    hint: &str,
    more: &Markup,
) -> Markup {
    let id = format!("reason-{}", segment(button));
    html! {
        form.change method="post" action=(action) {
            (csrf(visit))
            h3 { (title) }
            @if !hint.is_empty() { p.hint { (hint) } }
            (more)
            (reason(&id))
            button { (button) }
        }
    }
}

/// The field that every change has.
pub fn reason(id: &str) -> Markup {
    html! {
        label for=(id) { "Reason, for the audit log" }
        input id=(id) name="reason" required maxlength="1000" autocomplete="off";
    }
}

/// What is known, by name.
pub fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } } }
}

/// A text, or a dash that says that there is none.
pub fn or_dash(value: Option<&str>) -> Markup {
    html! { @match value { Some(text) => { (text) } None => { span.none { "—" } } } }
}

/// The ways to the other pages of a list.
pub fn pager(path: &str, query: &Form, next: Option<String>) -> Markup {
    let is_first = query.text("after").is_none();
    html! {
        @if !is_first || next.is_some() {
            nav.pager aria-label="Pages" {
                @if !is_first { a href=(address(path, &query.with("after", ""))) rel="first" { "« Newest" } }
                @if let Some(next) = next { a href=(address(path, &query.with("after", &next))) rel="next" { "Older ›" } }
            }
        }
    }
}

/// A field of a filter that takes a few values.
pub fn choice(query: &Form, name: &str, label: &str, values: &[(&str, &str)]) -> Markup {
    let chosen = query.text(name);
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { "any" }
                @for (value, word) in values { option value=(value) selected[chosen == Some(value)] { (word) } }
            }
        }
    }
}

/// A field of a filter that takes a text.
pub fn field(query: &Form, name: &str, label: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(query.text(name).unwrap_or_default()) maxlength="200" autocomplete="off"
                autocapitalize="none" spellcheck="false";
        }
    }
}

/// A filter around its fields.
pub fn filter(path: &str, fields: &Markup) -> Markup {
    html! { form.filter action=(path) { (fields) div.go { button { "Filter" } a href=(path) { "All" } } } }
}

/// A list as a table, which a narrow screen shows as a stack of cards. Each row has as many cells as there are heads.
pub fn table(label: &str, heads: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table.rows role="table" aria-label=(label) {
            thead role="rowgroup" { tr role="row" { @for head in heads { th role="columnheader" scope="col" { (head) } } } }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" { @for (head, cell) in heads.iter().zip(row) { td role="cell" data-label=(head) { div { (cell) } } } }
                }
            }
        }
    }
}

/// What a list shows when nothing is in it.
pub fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

/// JSON on several lines.
pub fn json(value: &Value) -> Markup {
    html! { pre.code tabindex="0" { (serde_json::to_string_pretty(value).unwrap_or_default()) } }
}

/// The runbook's section.
pub fn runbook(visit: &Visit<'_>, anchor: &str, text: &str) -> Markup {
    let base = visit.admin.runbook_url.as_deref().unwrap_or("/admin/runbook");
    html! { a href=(format!("{base}#{anchor}")) { (text) } }
}

/// Where the audit log says what was done to this by hand.
pub fn audit_of(subject: &str) -> Markup {
    let address = address("/admin/audit", &Form::default().with("subject", subject));
    html! { a href=(address) { "Audit log" } }
}

/// A text in which commands stand between backticks.
pub fn prose(text: &str) -> Markup {
    html! { @for (index, piece) in text.split('`').enumerate() { @if index % 2 == 1 { code { (piece) } } @else { (piece) } } }
}

/// How often.
pub fn times(count: i32) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        _ => format!("{count} times"),
    }
}

/// What to do next, and the way to the sweep that it names.
pub fn next_step(text: &str) -> Markup {
    let sweep = SWEEPS
        .into_iter()
        .find(|(name, _)| text.contains(&format!("\"{name}\"")));
    html! { "Next: " (prose(text)) @if let Some((name, _)) = sweep { " · " a href=(format!("/admin/sweeps#{name}")) { "run it here" } } }
}
