//! Who did what by hand, and why.

use super::frame::{Section, page as framed};
use super::parts::{self, Empty};
use crate::http::{Answer, Form};
use crate::visit::{Fault, Visit};
use makegood::audit::{self, Action, AuditEntry, AuditFilter};
use maud::{Markup, html};
use serde_json::Value;

const PATH: &str = "/admin/audit";
const EMPTY: Empty<'_> = Empty {
    calm: "Nobody has changed anything by hand yet.",
    waiting: ("", ""),
    filtered: "Nobody did anything like that.",
};
const FIELDS: [&str; 4] = ["actor", "action", "subject", "after"];

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let query = visit.request.query.only(&FIELDS);
    let text = |name: &str| query.text(name).map(str::to_owned);
    let filter = AuditFilter {
        actor: text("actor"),
        action: text("action"),
        subject: text("subject"),
    };
    let mut connection = visit.admin.database.acquire().await?;
    let page = audit::list(&mut connection, &filter, &super::asked::<i64>(&query)).await?;
    drop(connection);
    let rows: Vec<_> = page.items.iter().map(|entry| row(visit, entry)).collect();
    let body = html! {
        h1 { "Audit log" }
        (parts::filter(PATH, &fields(&query)))
        @if rows.is_empty() { (parts::empty(PATH, &query, &EMPTY)) }
        @else { (parts::table("Audit log", &["When", "Who", "What", "To what", "Why", "Details"], &rows)) }
        (parts::pager(PATH, &query, page.next.map(|next| next.to_string())))
    };
    Ok(framed(visit, Section::Audit, "Audit log", &body))
}

fn fields(query: &Form) -> Markup {
    let actions = Action::ALL.map(|action| (action.wire_name(), action.wire_name()));
    html! {
        (parts::choice(query, "action", "What", &actions))
        (parts::field(query, "actor", "Who"))
        (parts::field(query, "subject", "To what"))
    }
}

fn row(visit: &Visit<'_>, entry: &AuditEntry) -> Vec<Markup> {
    let is_empty = entry.details.as_object().is_none_or(serde_json::Map::is_empty);
    vec![
        parts::when(visit, entry.at),
        html! { (entry.actor) },
        parts::whole(&entry.action),
        subject(&entry.subject),
        html! { (entry.reason.as_deref().unwrap_or_default()) },
        html! { @if !is_empty { (details(&entry.details)) } },
    ]
}

fn details(value: &Value) -> Markup {
    html! { details { summary { "Details" } (parts::json(value)) } }
}

/// What has a page is linked.
fn subject(subject: &str) -> Markup {
    let (kind, id) = subject.split_once(':').unwrap_or_default();
    let page = match kind {
        "job" => "jobs",
        "case" => "cases",
        "dead_letter" => "dead-letters",
        "sweep" => return html! { a href="/admin/sweeps" { (parts::whole(subject)) } },
        _ => return html! { span.id { (subject) } },
    };
    html! { a.id href=(format!("/admin/{page}/{}", parts::segment(id))) title=(id) { (kind.replace('_', " ")) " " (parts::short(id)) } }
}
