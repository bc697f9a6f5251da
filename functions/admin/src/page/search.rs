//! From whatever id a person has to what it is about.

use super::frame::{Section, page as framed};
use super::parts;
use super::timeline::subject_address;
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::timeline::{FoundBy, Match, Subject, find};

pub const FIELDS: [&str; 1] = ["q"];

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let id = query.words("q");
    super::understood(&query)?;
    let Some(id) = id.as_deref() else {
        return Ok(framed(
            visit,
            Section::Search,
            "Find",
            &html! { h1 { "Find" } (hint()) },
        ));
    };
    let mut connection = visit.admin.database.acquire().await?;
    let matches = find(&mut connection, id).await?;
    drop(connection);
    if let [only] = matches.as_slice() {
        return Ok(Answer::see_other(&address_of(only)));
    }
    let body = html! {
        h1 { "Find" }
        @if matches.is_empty() {
            p.lead { "Nothing knows " code { (id) } "." }
            (hint())
        } @else {
            p.lead { (matches.len()) " matches for " code { (id) } ", the newest first." }
            (list(visit, &matches))
        }
    };
    Ok(framed(visit, Section::Search, "Find", &body))
}

/// What has a page of its own is shown there when it is all that is known.
fn address_of(found: &Match) -> String {
    subject_address(&found.subject)
}

fn hint() -> Markup {
    html! { p { "Give a payment, intent, order or order number, student, buyer, purchase, allocation, job, event, correlation, case or dead letter id, or the gateway's own." } }
}

fn list(visit: &Visit<'_>, matches: &[Match]) -> Markup {
    let rows: Vec<_> = matches
        .iter()
        .map(|found| {
            vec![
                html! { a href=(address_of(found)) { (kind_of(&found.subject)) } br; span.id { (found.subject.id()) } },
                html! { (found_by(found.found_by)) },
                html! { @if let Some(at) = found.at { (parts::when(visit, at)) } },
                html! { (found.summary) },
            ]
        })
        .collect();
    parts::table("Matches", &["What", "Found by", "Began", "State"], &rows)
}

fn kind_of(subject: &Subject) -> &'static str {
    match subject {
        Subject::Payment(_) => "Payment",
        Subject::Purchase(_) => "Purchase",
        Subject::Allocation(_) => "Allocation",
        Subject::Intent(_) => "Payment intent",
        Subject::Job(_) => "Job",
        Subject::DeadLetter(_) => "Dead letter",
    }
}

fn found_by(found: FoundBy) -> &'static str {
    match found {
        FoundBy::Payment => "payment id",
        FoundBy::ProviderPayment => "gateway's payment id",
        FoundBy::Student => "student",
        FoundBy::Purchase => "purchase id",
        FoundBy::Allocation => "allocation id",
        FoundBy::Intent => "intent id",
        FoundBy::ExternalTransaction => "gateway's transaction id",
        FoundBy::User => "buyer",
        FoundBy::Order => "order id",
        FoundBy::OrderNumber => "order number",
        FoundBy::Job => "job id",
        FoundBy::Event => "event id",
        FoundBy::Correlation => "correlation id",
        FoundBy::DeadLetter => "dead letter id",
        FoundBy::Case => "case id",
        FoundBy::Refund => "refund id",
        FoundBy::Dispute => "dispute id",
    }
}
