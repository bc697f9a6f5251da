//! Money that went back: each refund with what it is of. Nothing is changed here; a refund that no provider tells of is recorded with
//! the command.

use super::frame::{Section, page as framed};
use super::parts::{self, Empty, Tone};
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::page::Page;
use operate::refund::{self, RefundRow};
use uuid::Uuid;

const PATH: &str = "/admin/refunds";
const EMPTY: Empty<'_> = Empty {
    calm: "No refund is known.",
    waiting: ("created", "No refund is on its way."),
    filtered: "No refund is like that.",
};
pub const FIELDS: [&str; 3] = ["status", "of", "after"];
const STATES: [&str; 3] = ["created", "failed", "processed"];

pub async fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let known = |name: &str| STATES.into_iter().find(|state| *state == name);
    let status = query.one_of("status", known, &STATES);
    let of = query.words("of");
    let place = super::place(&mut query);
    if !query.wrong().is_empty() {
        let filter = parts::filter(PATH, &fields(&query));
        return Ok(super::refused(
            visit,
            Section::Refunds,
            "Refunds",
            &filter,
            &query,
        ));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let page = match &of {
        // By an id there are few: they are shown at once.
        Some(id) => Page {
            items: refund::show(&mut connection, id).await?,
            next: None,
        },
        None => refund::list(&mut connection, status, &place).await?,
    };
    drop(connection);
    let shown = page
        .items
        .iter()
        .filter(|row| status.is_none_or(|status| row.status == status));
    let rows: Vec<_> = shown.map(|refund| row(visit, refund)).collect();
    let body = html! {
        h1 { "Refunds" }
        (parts::filter(PATH, &fields(&query)))
        @if rows.is_empty() { (parts::empty(PATH, &query, &EMPTY)) }
        @else { (parts::table("Refunds", &["Refund", "State", "Amount", "Told", "Of", "Provider"], &rows)) }
        (parts::pager(PATH, &query, page.next.map(|next| next.to_string())))
    };
    Ok(framed(visit, Section::Refunds, "Refunds", &body))
}

fn fields(query: &Asked) -> Markup {
    let states = STATES.map(|state| (state, state));
    html! { (parts::choice(query, "status", "State", &states)) (parts::field(query, "of", "Refund, payment or intent")) }
}

fn badge(status: &str) -> Markup {
    let look = match status {
        "processed" => Tone::Good,
        "failed" => Tone::Bad,
        _ => Tone::Waiting,
    };
    parts::badge(look, status)
}

fn of(refund: &RefundRow, find: fn(&str) -> Markup) -> Markup {
    let payment = refund.payment_id.map(|id| id.to_string());
    html! {
        @match payment.as_deref().or(refund.payment_intent_id.as_deref()) {
            Some(id) => { (find(id)) }
            None => { span.none { "not known here" } }
        }
    }
}

fn row(visit: &Visit<'_>, refund: &RefundRow) -> Vec<Markup> {
    vec![
        html! { a.id href=(format!("{PATH}/{}", refund.id)) { (refund.provider_refund_id) } },
        badge(&refund.status),
        html! { (refund.amount()) },
        parts::when(visit, refund.told_at),
        of(refund, parts::find_short),
        html! { (refund.provider) },
    ]
}

pub async fn one(visit: &Visit<'_>, id: Uuid) -> Result<Answer, Fault> {
    let mut connection = visit.admin.database.acquire().await?;
    let found = refund::one(&mut connection, id).await?;
    drop(connection);
    let refund = found.ok_or(Fault::NotFound("refund"))?;
    let body = html! {
        p.trail { a href=(PATH) { "Refunds" } }
        h1 { "Refund " (badge(&refund.status)) }
        (parts::facts(&[
            ("Amount", html! { (refund.amount()) }),
            ("Of", of(&refund, parts::find)),
            ("Provider", html! { (refund.provider) }),
            ("Its id there", html! { span.id { (refund.provider_refund_id) } }),
            ("Payment there", parts::or_dash(refund.provider_payment_id.as_deref())),
            ("Why", parts::or_dash(refund.reason.as_deref())),
            ("Told", parts::when(visit, refund.told_at)),
            ("Known since", parts::when(visit, refund.created_at)),
            ("On the record", parts::audit_of(&refund.subject())),
        ]))
    };
    Ok(framed(visit, Section::Refunds, &format!("Refund {id}"), &body))
}
