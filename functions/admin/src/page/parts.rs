//! Pieces that several pages are made of.

use super::text::{age, clock_time, exact, sentence};
use crate::access::CSRF_FIELD;
use crate::http::{Asked, Form, Wrong};
use crate::sweeps::SWEEPS;
use crate::visit::Visit;
use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use uuid::Uuid;

/// What stays as it is in a segment of a path.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// How something stands: by a sign, a word, and only then a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Busy,
    Waiting,
    Bad,
    Over,
}

/// A sign and a word.
pub fn badge(look: Tone, word: &str) -> Markup {
    let (name, sign) = match look {
        Tone::Good => ("good", "✓"),
        Tone::Busy => ("busy", "◐"),
        Tone::Waiting => ("waiting", "○"),
        Tone::Bad => ("bad", "✕"),
        Tone::Over => ("over", "–"),
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

/// The same in a list, where the beginning of a UUID tells it from its neighbours.
pub fn find_short(id: &str) -> Markup {
    let address = address("/admin/search", &Form::default().with("q", id));
    html! { a.id href=(address) title=(id) { (short(id)) } }
}

/// An id as a list shows it.
pub fn short(id: &str) -> Markup {
    match Uuid::try_parse(id).ok().and(id.get(..8)) {
        Some(beginning) => html! { span.whole { (beginning) "…" } },
        None => whole(id),
    }
}

/// The longest word that a list on a wide page keeps in one piece.
const LONGEST_WHOLE: usize = 36;

/// A word that is not broken on a wide page, unless it is far too long.
pub fn whole(word: &str) -> Markup {
    html! { span.whole[word.len() <= LONGEST_WHOLE && word.is_ascii()] { (word) } }
}

/// The field that makes a form ours.
pub fn csrf(visit: &Visit<'_>) -> Markup {
    html! { input type="hidden" name=(CSRF_FIELD) value=(visit.csrf.as_str()); }
}

/// The fields of a query again, unseen.
pub fn hidden(fields: &Form) -> Markup {
    html! { @for (name, value) in fields.fields() { input type="hidden" name=(name) value=(exact(value)); } }
}

/// A change: what it does, its reason, its button.
#[derive(Debug)]
pub struct Change<'a> {
    /// Where the form goes.
    pub action: String,
    /// What it is.
    pub title: &'a str,
    /// What comes of it.
    pub hint: &'a str,
    /// Further fields.
    pub more: Markup,
    /// What the reason is called.
    pub reason: &'a str,
    /// What the button says.
    pub button: &'a str,
    /// Whether something is lost by it.
    pub destructive: bool,
}

/// What the reason of most changes is called.
pub const REASON: &str = "Reason, for the audit log";

impl Change<'_> {
    /// As a form; nothing for a viewer.
    pub fn form(&self, visit: &Visit<'_>) -> Markup {
        if !visit.may_act() {
            return html! {};
        }
        let id = format!("reason-{}", segment(self.button));
        html! {
            form.change method="post" action=(self.action) {
                (csrf(visit))
                h3 { (self.title) }
                @if !self.hint.is_empty() { p.hint { (self.hint) } }
                (self.more)
                (reason_called(&id, self.reason))
                button.destructive[self.destructive] { (self.button) }
            }
        }
    }
}

/// The field that every change has.
pub fn reason(id: &str) -> Markup {
    reason_called(id, REASON)
}

fn reason_called(id: &str, name: &str) -> Markup {
    html! {
        label for=(id) { (name) }
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

/// A field of a filter that takes a few values. Another one that was asked for is shown as it is.
pub fn choice(asked: &Asked, name: &str, label: &str, values: &[(&str, &str)]) -> Markup {
    let chosen = asked.text(name);
    let other = chosen.filter(|chosen| !values.iter().any(|(value, _)| value == chosen));
    let why = asked.why(name);
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) aria-invalid=[why.map(|_| "true")] aria-describedby=[why.map(|_| wrong_id(name))] {
                option value="" { "any" }
                @for (value, word) in values { option value=(value) selected[chosen == Some(value)] { (word) } }
                @if let Some(other) = other { option value=(exact(other)) selected { (other) } }
            }
            (wrong(name, why))
        }
    }
}

/// A field of a filter that takes a text.
pub fn field(asked: &Asked, name: &str, label: &str) -> Markup {
    let why = asked.why(name);
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(exact(asked.text(name).unwrap_or_default())) maxlength="200" autocomplete="off"
                autocapitalize="none" spellcheck="false" aria-invalid=[why.map(|_| "true")] aria-describedby=[why.map(|_| wrong_id(name))];
            (wrong(name, why))
        }
    }
}

fn wrong_id(name: &str) -> String {
    format!("wrong-{name}")
}

/// What is wrong with a field, beside it.
fn wrong(name: &str, why: Option<&str>) -> Markup {
    html! { @if let Some(why) = why { p.wrong id=(wrong_id(name)) { (sentence(&format!("{why}."))) } } }
}

/// All that is not understood, and what came of it.
pub fn not_understood(text: &Markup, wrong: &[Wrong]) -> Markup {
    html! {
        div.said data-tone="bad" role="alert" {
            p { strong { "✕ Not understood." } " " (text) }
            ul { @for wrong in wrong { li { code { (wrong.name) } " " (wrong.why) } } }
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

/// What a list says when nothing is in it.
#[derive(Debug)]
pub struct Empty<'a> {
    /// When nothing was ever in it.
    pub calm: &'a str,
    /// When this status alone was asked for, whose rows wait for a person.
    pub waiting: (&'a str, &'a str),
    /// When any other filter finds nothing.
    pub filtered: &'a str,
}

/// An empty list: that this is well, or the way to all of its rows.
pub fn empty(path: &str, query: &Form, empty: &Empty<'_>) -> Markup {
    let (status, nothing_waits) = empty.waiting;
    let text = if *query == Form::default().with("status", status) {
        nothing_waits
    } else {
        empty.filtered
    };
    html! {
        p.nothing {
            @if query.fields().next().is_none() { (empty.calm) } @else { (text) " " a href=(path) { "Show all" } }
        }
    }
}

/// What is shown where there is nothing to show.
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

/// What to do next, as the command line says it.
pub fn next_step(text: &str) -> Markup {
    html! { "Next: " (prose(text)) }
}

/// Where the next step can be taken in the console: the sweep, dead letter, job or case that it names.
pub fn place_of(next_step: &str) -> Option<(String, &'static str)> {
    let sweep = SWEEPS
        .into_iter()
        .find(|sweep| next_step.contains(&format!("\"{}\"", sweep.name)));
    if let Some(sweep) = sweep {
        return Some((format!("/admin/sweeps#{}", sweep.name), "Run the sweep here"));
    }
    let pages = [
        ("dead-letters", "Open the dead letter"),
        ("jobs", "Open the job"),
        ("cases", "Open the case"),
    ];
    pages.into_iter().find_map(|(page, words)| {
        let (_, rest) = next_step.split_once(&format!("makegood {page} "))?;
        let id = rest.split_whitespace().nth(1)?.trim_matches(['`', ';', ',', '.']);
        let id = Uuid::try_parse(id).ok()?;
        Some((format!("/admin/{page}/{id}"), words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_step_leads_to_the_page_where_it_can_be_taken() {
        let id = "0192f0c1-7e1d-7c3a-9a51-2f6f0d1c9b11";
        let place = |text: &str| place_of(text).map(|(address, _)| address);
        assert_eq!(
            place(&format!("`makegood dead-letters show {id}`; fix the cause")),
            Some(format!("/admin/dead-letters/{id}"))
        );
        assert_eq!(
            place(&format!(
                "fix the cause, then `makegood jobs retry {id} --reason …`"
            )),
            Some(format!("/admin/jobs/{id}"))
        );
        assert_eq!(
            place(&format!("`makegood cases show {id}`")),
            Some(format!("/admin/cases/{id}"))
        );
        assert_eq!(
            place("invoke `sweep` with {\"sweep\": \"stale-jobs\"}"),
            Some("/admin/sweeps#stale-jobs".to_owned())
        );
        for text in [
            "wait",
            "`makegood jobs show <id>`, then retry or cancel it",
            "`makegood jobs`",
        ] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
