//! The guarantees, checked now.

use super::frame::{Section, page as framed};
use super::parts::{self, Tone};
use super::text::count;
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::doctor::{Finding, Guarantee, Report, Scope, Severity, check};
use std::collections::BTreeSet;

pub const FIELDS: [&str; 1] = ["only"];

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let only = query.parsed::<Guarantee>("only", "a guarantee, G1 and so on");
    super::understood(&query)?;
    // A check reads a lot of the database. Another site's link must not start it, as often as it likes.
    if visit.request.is_from_another_site() {
        return Ok(framed(
            visit,
            Section::Health,
            "Report",
            &asks_first(&visit.request.address()),
        ));
    }
    let only = BTreeSet::from_iter(only);
    let scope = Scope {
        only,
        now: visit.now,
        timezone: visit.admin.timezone,
        teaching_days: visit.admin.teaching_days,
        single_operator: visit.admin.replayer.single_operator,
    };
    let report = check(&visit.admin.database, &scope).await?;
    let body = html! {
        h1 { "Report" }
        p.lead {
            @let breaches = report.breaches().count();
            @if breaches == 0 && report.unseen.is_empty() { (parts::badge(Tone::Good, "healthy")) " Every guarantee holds." }
            @else if breaches == 0 { (parts::badge(Tone::Bad, "can't see")) " Rows may be missed." }
            @else { (parts::badge(Tone::Bad, "broken")) " " (breaches) " kind" @if breaches > 1 { "s" } " of breach." }
            " Read in " (report.millis) " ms. " a href="/admin/doctor" { "Check again" }
        }
        @for why in &report.unseen { p.lead { (parts::badge(Tone::Bad, "can't see")) " " (why.line()) } }
        @for finding in &report.findings { (one(visit, finding)) }
        (promises(&report))
    };
    Ok(framed(visit, Section::Health, "Report", &body))
}

fn asks_first(address: &str) -> Markup {
    html! {
        h1 { "Report" }
        p.lead { "A link on another site led here. Nothing was checked yet: a check reads the tables that the guarantees are about." }
        p { a.button href=(address) { "Check now" } }
    }
}

fn one(visit: &Visit<'_>, finding: &Finding) -> Markup {
    let is_breach = finding.severity == Severity::Breach;
    html! {
        article.panel.finding #(finding.code) {
            h2 {
                @if is_breach { (parts::badge(Tone::Bad, "breach")) } @else { (parts::badge(Tone::Waiting, "notice")) }
                " " (finding.guarantee.name()) " · " (finding.title)
            }
            p {
                strong { (count(finding.count)) } @if finding.count == 1 { " row" } @else { " rows" }
                @if let Some(at) = finding.oldest_at { ", the oldest since " (parts::when(visit, at)) }
                " · " (parts::runbook(visit, finding.anchor, "Runbook"))
            }
            p {
                (parts::next_step(finding.next_step))
                @if let Some((address, words)) = parts::place_of(finding.next_step) { " · " a href=(address) { (words) } }
            }
            @if !finding.examples.is_empty() {
                ul.ids { @for id in &finding.examples { li { (parts::find(id)) } } }
            }
        }
    }
}

fn promises(report: &Report) -> Markup {
    let broken = |guarantee: Guarantee| report.breaches().any(|finding| finding.guarantee == guarantee);
    let rows: Vec<_> = report
        .examined
        .iter()
        .map(|guarantee| {
            let look = if broken(*guarantee) {
                parts::badge(Tone::Bad, "broken")
            } else if report.unseen.is_empty() {
                parts::badge(Tone::Good, "holds")
            } else {
                parts::badge(Tone::Waiting, "unseen")
            };
            vec![
                html! { strong { (guarantee.name()) } },
                look,
                html! { (guarantee.promise()) },
            ]
        })
        .collect();
    html! { h2 { "What is promised" } (parts::table("Guarantees", &["Guarantee", "State", "Promise"], &rows)) }
}
