//! What became of one payment, on one line of time.

use super::frame::{Section, page as framed};
use super::parts::{self, Look};
use crate::http::Answer;
use crate::visit::{Fault, Visit};
use makegood::timeline::{Entry, EntryKind, Gap, Moment, Status, Subject, Timeline, timeline};
use maud::{Markup, html};

/// Where the line of time of this subject is.
pub fn subject_address(subject: &Subject) -> String {
    let kind = match subject {
        Subject::Payment(_) => "payment",
        Subject::Purchase(_) => "purchase",
        Subject::Allocation(_) => "allocation",
        Subject::Intent(_) => "intent",
        Subject::Job(_) => "job",
        Subject::DeadLetter(_) => "dead-letter",
    };
    format!("/admin/timeline/{kind}/{}", parts::segment(&subject.id()))
}

fn subject(kind: &str, id: &str) -> Result<Subject, Fault> {
    Ok(match kind {
        "payment" => Subject::Payment(super::key(id)?),
        "purchase" => Subject::Purchase(super::key(id)?),
        "allocation" => Subject::Allocation(super::key(id)?),
        "intent" => Subject::Intent(id.to_owned()),
        "job" => Subject::Job(super::key(id)?),
        "dead-letter" => Subject::DeadLetter(super::key(id)?),
        _ => return Err(Fault::NotFound("timeline")),
    })
}

pub async fn page(visit: &Visit<'_>, kind: &str, id: &str) -> Result<Answer, Fault> {
    let subject = subject(kind, id)?;
    let found = timeline(
        &visit.admin.database,
        &subject,
        Moment {
            now: visit.now,
            timezone: visit.admin.timezone,
        },
    )
    .await?;
    let timeline = found.ok_or(Fault::NotFound("timeline"))?;
    Ok(framed(
        visit,
        Section::Search,
        &timeline.title,
        &body(visit, &timeline),
    ))
}

fn body(visit: &Visit<'_>, timeline: &Timeline) -> Markup {
    html! {
        p.trail { "What became of" }
        h1.subject { (timeline.subject) }
        @match &timeline.gap {
            Some(gap) => { (missing(gap)) }
            None => { p.panel.gap data-look="good" { (parts::badge(Look::Good, "nothing is missing")) " " (timeline.title) } }
        }
        ol.timeline { @for entry in &timeline.entries { (point(visit, entry)) } }
        @if timeline.left_out > 0 { p { (timeline.left_out) " more entries are not shown." } }
    }
}

fn missing(gap: &Gap) -> Markup {
    html! {
        section.panel.gap data-look="bad" aria-label="What is missing" {
            p { (parts::badge(Look::Bad, "missing")) " " strong { (gap.sentence) } }
            p { (parts::next_step(&gap.next_step)) }
        }
    }
}

fn point(visit: &Visit<'_>, entry: &Entry) -> Markup {
    let (look, name) = match entry.status {
        Status::Happened => (Look::Good, "good"),
        Status::Pending => (Look::Waiting, "waiting"),
        Status::Missing => (Look::Bad, "bad"),
        Status::Failed => (Look::Bad, "bad"),
    };
    html! {
        li data-look=(name) {
            div.at { @match entry.at { Some(at) => { (parts::when(visit, at)) } None => { "—" } } }
            div.what {
                p { (parts::badge(look, entry.status.word())) " " span.kind { (kind(entry.kind)) } " " (entry.what) }
                @if !entry.ids.is_empty() {
                    ul.ids { @for (name, id) in &entry.ids { li { span.label { (name) } " " (link(name, id)) } } }
                }
            }
        }
    }
}

/// What has a page of its own is a step away; everything else is found again by its id.
fn link(name: &str, id: &str) -> Markup {
    let page = match name {
        "jobId" => "jobs",
        "deadLetterId" => "dead-letters",
        "caseId" => "cases",
        _ => return parts::find(id),
    };
    html! { a.id href=(format!("/admin/{page}/{}", parts::segment(id))) { (id) } }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Payment => "Payment",
        EntryKind::Intent => "Checkout",
        EntryKind::Reservation => "Stock",
        EntryKind::Verification => "Gateway",
        EntryKind::Job => "Job",
        EntryKind::Event => "Event",
        EntryKind::Processed => "Processed",
        EntryKind::Purchase => "Purchase",
        EntryKind::Allocation => "Trainer",
        EntryKind::Sessions => "Sessions",
        EntryKind::Order => "Order",
        EntryKind::DeadLetter => "Dead letter",
        EntryKind::Case => "Case",
        EntryKind::Audit => "By hand",
    }
}
