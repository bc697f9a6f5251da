//! Edits that wait for a second operator: listed, shown, confirmed, withdrawn.

use super::frame::{Section, page as framed};
use super::parts::{self, Change as Form, Empty, REASON, Tone};
use super::text::reindent;
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::audit::{Act, Caller};
use operate::edit::{self, Change, EditId, EditStatus, ProposedEdit, is_second};
use serde_json::Value;
use uuid::Uuid;

pub const PATH: &str = "/admin/edits";
const EMPTY: Empty<'_> = Empty {
    calm: "No edit like that.",
    waiting: ("pending", "No edit waits for another operator."),
    filtered: "No edit is like that.",
};
pub const FIELDS: [&str; 2] = ["status", "after"];

pub async fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let states = EditStatus::ALL.map(EditStatus::wire_name);
    let status = query.one_of("status", EditStatus::from_wire_name, &states);
    let place = super::place(&mut query);
    if !query.wrong().is_empty() {
        let filter = parts::filter(PATH, &fields(&query));
        return Ok(super::refused(
            visit,
            Section::DeadLetters,
            "Edits",
            &filter,
            &query,
        ));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let page = edit::list(&mut connection, status.unwrap_or(EditStatus::Pending), &place).await?;
    drop(connection);
    let rows: Vec<_> = page.items.iter().map(|edit| row(visit, edit)).collect();
    let body = html! {
        p.trail { a href="/admin/dead-letters" { "Dead letters" } }
        h1 { "Edits" }
        p.lead { "What changes who gets something, what, or how much is sent when a second operator has confirmed it." }
        (parts::filter(PATH, &fields(&query)))
        @if rows.is_empty() { (parts::empty(PATH, &query, &EMPTY)) }
        @else { (parts::table("Edits", &["Edit", "State", "Proposed", "By", "Changes", "Why"], &rows)) }
        (parts::pager(PATH, &query, page.next.map(|next| next.to_string())))
    };
    Ok(framed(visit, Section::DeadLetters, "Edits", &body))
}

fn fields(query: &Asked) -> Markup {
    let states = EditStatus::ALL.map(|status| (status.wire_name(), status.wire_name()));
    html! { (parts::choice(query, "status", "State", &states)) }
}

fn badge(status: EditStatus) -> Markup {
    let look = match status {
        EditStatus::Pending => Tone::Waiting,
        EditStatus::Confirmed => Tone::Good,
        EditStatus::Withdrawn => Tone::Over,
    };
    parts::badge(look, status.wire_name())
}

fn row(visit: &Visit<'_>, edit: &ProposedEdit) -> Vec<Markup> {
    let fields: Vec<&str> = edit.changes.iter().map(|change| change.field.as_str()).collect();
    let what = if edit.dead_letter().is_some() {
        "a dead letter"
    } else {
        "an event"
    };
    vec![
        html! { a href=(format!("{PATH}/{}", edit.id)) { (parts::whole(what)) } },
        badge(edit.status),
        parts::when(visit, edit.proposed_at),
        html! { (edit.proposed_by) },
        html! { span.clip { (fields.join(", ")) } },
        html! { span.clip { (edit.reason) } },
    ]
}

pub async fn one(visit: &Visit<'_>, id: Uuid) -> Result<Answer, Fault> {
    let mut connection = visit.admin.database.acquire().await?;
    let found = edit::show(&mut connection, EditId(id)).await?;
    drop(connection);
    let edit = found.ok_or(Fault::NotFound("edit"))?;
    let body = html! {
        p.trail { a href=(PATH) { "Edits" } }
        h1 { "Edit " (badge(edit.status)) }
        (facts(visit, &edit))
        (changes(&edit.changes))
        @if let Some(body) = &edit.body { h2 { "What would be sent" } pre.code tabindex="0" { (reindent(body).unwrap_or_else(|| body.clone())) } }
        @if edit.status == EditStatus::Pending && visit.may_act() { (decisions(visit, &edit)) }
    };
    Ok(framed(visit, Section::DeadLetters, &format!("Edit {id}"), &body))
}

fn facts(visit: &Visit<'_>, edit: &ProposedEdit) -> Markup {
    let of = html! {
        @match edit.dead_letter() {
            Some(id) => { a href=(format!("/admin/dead-letters/{id}")) { "the dead letter " (parts::short(&id.to_string())) } }
            None => { span.id { (edit.subject) } }
        }
    };
    let decided = html! {
        @match (&edit.decided_by, edit.decided_at) {
            (Some(by), Some(at)) => { (by) ", " (parts::when(visit, at)) }
            _ => { span.none { "—" } }
        }
    };
    parts::facts(&[
        ("Of", of),
        (
            "Proposed",
            html! { (edit.proposed_by) ", " (parts::when(visit, edit.proposed_at)) },
        ),
        ("Why", html! { (edit.reason) }),
        ("Decided", decided),
        ("Id", html! { span.id { (edit.id) } }),
        ("On the record", parts::audit_of(&edit.subject)),
    ])
}

/// What an edit changes, field by field.
pub fn changes(changes: &[Change]) -> Markup {
    let told = |value: Option<&Value>| html! { @match value { Some(value) => { code { (value) } } None => { span.none { "nothing" } } } };
    let rows: Vec<_> = changes
        .iter()
        .map(|change| {
            vec![
                html! { code { (change.field) } },
                told(change.from.as_ref()),
                told(change.to.as_ref()),
            ]
        })
        .collect();
    parts::table("What it changes", &["Field", "Was", "Would be"], &rows)
}

/// The forms, or why this operator can't confirm it.
fn decisions(visit: &Visit<'_>, edit: &ProposedEdit) -> Markup {
    let caller = Some(Caller::login(&visit.operator.subject));
    let act = Act::new(&visit.operator.actor, "to see whether it may be").map(|act| Act { caller, ..act });
    let why_not = act.ok().and_then(|act| is_second(edit, &act).err());
    html! {
        @match why_not {
            Some(why) => { p.panel { "You can't confirm this: " (why) "." } }
            None => {
                (Form {
                    action: format!("{PATH}/{}/confirm", edit.id),
                    title: "Confirm",
                    hint: "It is sent at once, and the audit log keeps both names.",
                    more: html! {},
                    reason: REASON,
                    button: "Confirm and send",
                    destructive: false,
                }.form(visit))
            }
        }
        (Form {
            action: format!("{PATH}/{}/withdraw", edit.id),
            title: "Withdraw",
            hint: "Nothing is sent. A dead letter stays as it is.",
            more: html! {},
            reason: REASON,
            button: "Withdraw this edit",
            destructive: true,
        }.form(visit))
    }
}
