//! Who did what by hand, and why.

use super::frame::{Section, page as framed};
use super::parts::{self, Empty};
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::audit::{self, Action, AuditEntry, AuditFilter};
use serde_json::Value;

const PATH: &str = "/admin/audit";
const EMPTY: Empty<'_> = Empty {
    calm: "Nothing has been changed by hand yet.",
    waiting: ("", ""),
    filtered: "No change is like that.",
};
pub const FIELDS: [&str; 4] = ["actor", "action", "subject", "after"];

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let actions = Action::ALL.map(Action::wire_name);
    let filter = AuditFilter {
        actor: query.words("actor"),
        action: query
            .one_of("action", Action::from_wire_name, &actions)
            .map(|action| action.wire_name().to_owned()),
        subject: query.words("subject"),
    };
    let place = super::place::<i64>(&mut query);
    if !query.wrong().is_empty() {
        let filter = parts::filter(PATH, &fields(&query));
        return Ok(super::refused(
            visit,
            Section::Audit,
            "Audit log",
            &filter,
            &query,
        ));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let page = audit::list(&mut connection, &filter, &place).await?;
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

fn fields(query: &Asked) -> Markup {
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
