//! What the providers themselves say: totals by day, and what differs from the books without a case. Nothing is changed here; the sweep
//! `statement` reads and acts.

use super::frame::{Section, page as framed};
use super::parts::{self, Tone};
use crate::http::Answer;
use crate::visit::{Fault, Visit};
use chrono::TimeDelta;
use makegood::money::money;
use maud::{Markup, html};
use operate::statement::{self, EntryRow, Total};

/// How far back the totals go.
const DAYS: i64 = 14;
const TITLE: &str = "Statement";

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let since = visit.now - TimeDelta::days(DAYS);
    let mut connection = visit.admin.database.acquire().await?;
    let totals = statement::totals(&mut connection, since, visit.admin.timezone).await?;
    let unanswered = statement::unanswered(&mut connection).await?;
    drop(connection);
    let days: Vec<_> = totals.iter().map(total).collect();
    let differing: Vec<_> = unanswered.iter().map(|entry| differing(visit, entry)).collect();
    let body = html! {
        h1 { (TITLE) }
        h2 { "Differs, and no case answers for it" }
        @if differing.is_empty() { (parts::nothing("Nothing differs that no case answers for.")) }
        @else {
            p { (parts::runbook(visit, "alarm-statement-gap", "What to do")) }
            (parts::table("Differences", &["Entry", "Outcome", "Amount", "When", "Ours", "Provider"], &differing))
        }
        h2 { "The last " (DAYS) " days" }
        @if days.is_empty() {
            (parts::nothing("No statement has been read. Razorpay's is read each hour once its key is set; the files of eSewa and Khalti are imported."))
        } @else {
            (parts::table("Totals", &["Day", "Provider", "What", "Outcome", "Entries", "Sum", "Fees", "Net"], &days))
        }
        p { "Cases about differences: " a href="/admin/cases?kind=statement_gap&status=open" { "open ones" } }
    };
    Ok(framed(visit, Section::Statement, TITLE, &body))
}

fn outcome(name: &str) -> Markup {
    let look = match name {
        "matched" | "not_ours" | "failed" => Tone::Good,
        "too_young" | "in_dispute" => Tone::Waiting,
        _ => Tone::Bad,
    };
    parts::badge(look, &name.replace('_', " "))
}

fn total(total: &Total) -> Vec<Markup> {
    let amount = |minor: i64| html! { (money(minor, &total.currency)) };
    vec![
        html! { (total.day) },
        html! { (total.provider) },
        html! { (total.kind) },
        outcome(&total.outcome),
        html! { (total.entries) },
        amount(total.amount_minor),
        amount(total.fee_minor),
        amount(total.net_minor),
    ]
}

fn differing(visit: &Visit<'_>, entry: &EntryRow) -> Vec<Markup> {
    vec![
        html! { span.id { (entry.entry_id) } },
        outcome(&entry.outcome),
        html! { (money(entry.amount_minor, &entry.currency)) },
        parts::when(visit, entry.occurred_at),
        match &entry.subject {
            Some(id) => parts::find_short(id),
            None => html! { span.none { "not known here" } },
        },
        html! { (entry.provider) },
    ]
}
