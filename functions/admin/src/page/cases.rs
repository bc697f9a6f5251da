//! Payment cases: what only a person can decide.

use super::frame::{Section, page as framed};
use super::parts::{self, Change, Empty, REASON, Tone};
use super::text::{exact, sentence};
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use makegood::case::CaseKind;
use makegood::db::Connection;
use maud::{Markup, html};
use operate::case::{self, CaseFilter, CaseId, CaseRow, CaseStatus};
use operate::dead_letter::{self, DeadLetterFilter, DeadLetterRow, DeadLetterStatus};
use operate::page::PageRequest;
use serde_json::Value;
use uuid::Uuid;

const PATH: &str = "/admin/cases";
/// How many dead letters of one payment a case leads to.
const MOST_SHOWN: i64 = 5;
const EMPTY: Empty<'_> = Empty {
    calm: "No case was ever opened. There is nothing to decide.",
    waiting: ("open", "No case is open, so nothing waits for your decision."),
    filtered: "No case is like that.",
};
pub const FIELDS: [&str; 3] = ["status", "kind", "after"];
const KINDS: [(CaseKind, &str); 9] = [
    (CaseKind::SurplusPayment, "paid twice"),
    (CaseKind::RefundDue, "refund due"),
    (CaseKind::AmountMismatch, "amount differs"),
    (CaseKind::Unfulfillable, "can't be fulfilled"),
    (CaseKind::UnpricedPayment, "price not known"),
    (CaseKind::UnknownPayment, "unknown payment"),
    (CaseKind::Dispute, "dispute"),
    (CaseKind::GivenBack, "given back"),
    (CaseKind::StatementGap, "statement differs"),
];

pub async fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let states = CaseStatus::ALL.map(CaseStatus::wire_name);
    let kinds = CaseKind::ALL.map(CaseKind::wire_name);
    let filter = CaseFilter {
        status: query.one_of("status", CaseStatus::from_wire_name, &states),
        kind: query.one_of("kind", CaseKind::from_wire_name, &kinds),
    };
    let place = super::place(&mut query);
    if !query.wrong().is_empty() {
        let filter = parts::filter(PATH, &fields(&query));
        return Ok(super::refused(
            visit,
            Section::Cases,
            "Payment cases",
            &filter,
            &query,
        ));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let page = case::list(&mut connection, filter, &place).await?;
    drop(connection);
    let rows: Vec<_> = page.items.iter().map(|case| row(visit, case)).collect();
    let body = html! {
        h1 { "Payment cases" }
        (parts::filter(PATH, &fields(&query)))
        @if rows.is_empty() { (parts::empty(PATH, &query, &EMPTY)) }
        @else { (parts::table("Cases", &["Case", "State", "Amount", "Opened", "About", "With"], &rows)) }
        (parts::pager(PATH, &query, page.next.map(|next| next.to_string())))
    };
    Ok(framed(visit, Section::Cases, "Payment cases", &body))
}

fn fields(query: &Asked) -> Markup {
    let states = CaseStatus::ALL.map(|status| (status.wire_name(), status.wire_name()));
    let kinds = CaseKind::ALL.map(|kind| (kind.wire_name(), words(kind.wire_name())));
    html! { (parts::choice(query, "status", "State", &states)) (parts::choice(query, "kind", "Kind", &kinds)) }
}

fn words(kind: &str) -> &str {
    KINDS
        .into_iter()
        .find(|(found, _)| found.wire_name() == kind)
        .map_or(kind, |(_, words)| words)
}

fn badge(status: CaseStatus) -> Markup {
    let look = match status {
        CaseStatus::Open => Tone::Waiting,
        CaseStatus::Resolved => Tone::Good,
    };
    parts::badge(look, status.wire_name())
}

fn amount(case: &CaseRow) -> Markup {
    parts::or_dash(case.amount().as_deref())
}

fn about(case: &CaseRow, find: fn(&str) -> Markup) -> Markup {
    let payment = case.payment_id.map(|id| id.to_string());
    html! {
        @match payment.as_deref().or(case.payment_intent_id.as_deref()) {
            Some(id) => { (find(id)) }
            None => { span.id { (case.subject) } }
        }
    }
}

fn row(visit: &Visit<'_>, case: &CaseRow) -> Vec<Markup> {
    vec![
        html! { a href=(format!("{PATH}/{}", case.id)) { (words(&case.kind)) } },
        badge(case.status),
        amount(case),
        parts::when(visit, case.opened_at),
        about(case, parts::find_short),
        parts::or_dash(case.assignee()),
    ]
}

pub async fn one(visit: &Visit<'_>, id: Uuid) -> Result<Answer, Fault> {
    let mut connection = visit.admin.database.acquire().await?;
    let found = case::show(&mut connection, CaseId(id)).await?;
    let case = found.ok_or(Fault::NotFound("case"))?;
    let parked = parked_of(&mut connection, &case).await?;
    drop(connection);
    let body = html! {
        p.trail { a href=(PATH) { "Payment cases" } }
        h1 { (sentence(words(&case.kind))) " " (badge(case.status)) }
        @if !parked.is_empty() { (same_trouble(&parked)) }
        div.split {
            section aria-label="What is known" { (facts(visit, &case)) (notes(visit, &case)) h2 { "Details" } (parts::json(&evidence(&case))) }
            @if visit.may_act() { section aria-label="What can be done" { (changes(visit, &case)) } }
        }
    };
    Ok(framed(visit, Section::Cases, &format!("Case {id}"), &body))
}

/// What is parked of the case's payment: the same trouble, seen from its message.
async fn parked_of(connection: &mut Connection, case: &CaseRow) -> Result<Vec<DeadLetterRow>, Fault> {
    let Some(payment) = case.payment_id else {
        return Ok(Vec::new());
    };
    let filter = DeadLetterFilter {
        status: Some(DeadLetterStatus::Parked),
        correlation_id: Some(payment),
        ..DeadLetterFilter::default()
    };
    Ok(
        dead_letter::list(connection, &filter, &PageRequest::first(MOST_SHOWN))
            .await?
            .items,
    )
}

fn same_trouble(parked: &[DeadLetterRow]) -> Markup {
    html! {
        p.panel {
            "Its message is a dead letter, so this is one task: fix the cause, replay it, and resolve the case when it is delivered. "
            @for dead_letter in parked {
                a.button href=(format!("/admin/dead-letters/{}", dead_letter.id)) { "Open the dead letter " (dead_letter.event_type.as_deref().unwrap_or_default()) } " "
            }
        }
    }
}

fn facts(visit: &Visit<'_>, case: &CaseRow) -> Markup {
    parts::facts(&[
        ("Amount", amount(case)),
        ("About", about(case, parts::find)),
        ("Subject", html! { span.id { (case.subject) } }),
        ("Opened", parts::when(visit, case.opened_at)),
        ("With", parts::or_dash(case.assignee())),
        (
            "Resolved",
            html! { @match case.resolved_at { Some(at) => { (parts::when(visit, at)) } None => { span.none { "—" } } } },
        ),
        ("By", parts::or_dash(case.resolved_by.as_deref())),
        ("How", parts::or_dash(case.note.as_deref())),
        (
            "Kind",
            html! { span.id { (case.kind) } " · " (parts::runbook(visit, "a-payment-case", "Runbook")) },
        ),
        ("On the record", parts::audit_of(&CaseId(case.id).subject())),
    ])
}

/// The details without what is shown elsewhere on the page.
fn evidence(case: &CaseRow) -> Value {
    let mut details = case.details.clone();
    if let Some(fields) = details.as_object_mut() {
        fields.remove("notes");
        fields.remove("assignee");
    }
    details
}

fn notes(visit: &Visit<'_>, case: &CaseRow) -> Markup {
    let notes = case
        .details
        .get("notes")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let text = |note: &Value, name: &str| {
        note.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    html! {
        @if !notes.is_empty() {
            h2 { "Notes" }
            ol.notes { @for note in notes { li { p { (text(note, "text")) } p.by { (text(note, "by")) " · " (noted_at(visit, &text(note, "at"))) } } } }
        }
    }
}

fn noted_at(visit: &Visit<'_>, at: &str) -> Markup {
    at.parse()
        .map_or_else(|_| html! { (at) }, |at| parts::when(visit, at))
}

fn changes(visit: &Visit<'_>, case: &CaseRow) -> Markup {
    let to = |action: &str| format!("{PATH}/{}/{action}", case.id);
    let assignee = html! {
        label for="assignee" { "Who works on it" }
        input #assignee name="assignee" required maxlength="200" value=(exact(&visit.operator.actor));
    };
    let resolve = Change {
        action: to("resolve"),
        title: "Resolve",
        hint: "What was refunded, fixed or delivered. No sweep opens it again.",
        more: html! {},
        reason: "How, for the audit log",
        button: "Resolve this case",
        destructive: false,
    };
    let assign = Change {
        action: to("assign"),
        title: "Assign",
        hint: "",
        more: assignee,
        reason: REASON,
        button: "Assign it",
        destructive: false,
    };
    let note = Change {
        action: to("note"),
        title: "Note",
        hint: "",
        more: html! {},
        reason: "Note, for whoever comes next",
        button: "Add this note",
        destructive: false,
    };
    html! {
        @if case.status == CaseStatus::Open { (resolve.form(visit)) (assign.form(visit)) }
        (note.form(visit))
    }
}
