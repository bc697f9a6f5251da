//! What became of one payment, on one line of time.

use super::frame::{Section, page as framed};
use super::parts::{self, Tone};
use super::text::sentence;
use crate::http::Answer;
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::timeline::{Entry, EntryKind, Gap, Moment, Status, Subject, Timeline, timeline, told_since};

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
            None => { p.panel.gap data-look="good" { (parts::badge(Tone::Good, "nothing is missing")) " " (timeline.title) } }
        }
        ol.timeline { @for entry in &timeline.entries { (point(visit, entry, timeline.gap.as_ref())) } }
        @if timeline.left_out > 0 { p { (timeline.left_out) " more entries are not shown." } }
    }
}

/// How what is missing stands: whether it comes by itself, should be here, or waits for the reader.
struct StepState {
    look: Tone,
    name: &'static str,
    word: &'static str,
    phrase: &'static str,
}

fn state(gap: &Gap) -> StepState {
    let (look, name, word, phrase) = match gap.status {
        // An open case comes by no sweep.
        _ if gap.code == "case-open" => (Tone::Bad, "bad", "needs you", "waits for you"),
        Status::Failed => (Tone::Bad, "bad", "needs you", "waits for you"),
        Status::Missing => (Tone::Bad, "bad", "missing", "is missing"),
        Status::Pending | Status::Happened => (Tone::Waiting, "waiting", "under way", "is still to come"),
    };
    StepState {
        look,
        name,
        word,
        phrase,
    }
}

fn missing(gap: &Gap) -> Markup {
    let StepState { look, name, word, .. } = state(gap);
    html! {
        section.panel.gap data-look=(name) aria-label="What is missing" {
            p { (parts::badge(look, word)) " " strong { (sentence(&gap.sentence)) } }
            p { (parts::next_step(&gap.next_step)) }
            @if let Some((address, words)) = parts::place_of(&gap.next_step) { p { a.button href=(address) { (words) } } }
        }
    }
}

fn point(visit: &Visit<'_>, entry: &Entry, gap: Option<&Gap>) -> Markup {
    let (look, name) = match entry.status {
        Status::Happened => (Tone::Good, "good"),
        Status::Pending => (Tone::Waiting, "waiting"),
        Status::Missing | Status::Failed => (Tone::Bad, "bad"),
    };
    // Its sentence stands above.
    if let Some(gap) = gap.filter(|gap| entry.at.is_none() && entry.what == gap.sentence) {
        let StepState {
            look,
            name,
            word,
            phrase,
        } = state(gap);
        return html! {
            li data-look=(name) { div.at { "—" } div.what { p { (parts::badge(look, word)) " " span.kind { (kind(entry.kind)) } " " (phrase) } } }
        };
    }
    html! {
        li data-look=(name) {
            div.at {
                @match entry.at { Some(at) => { (parts::when(visit, at)) } None => { "—" } }
                @if let Some(millis) = entry.millis_since_before { " " span.age title="since the step before" { (told_since(millis)) } }
            }
            div.what {
                p { (parts::badge(look, entry.status.word())) " " span.kind { (kind(entry.kind)) } (rest_of(entry)) }
                @if !entry.ids.is_empty() {
                    ul.ids { @for (name, id) in &entry.ids { li { span.label { (name) } " " (link(name, id)) } } }
                }
            }
        }
    }
}

/// What is said after the kind, which many a text begins with.
fn rest_of(entry: &Entry) -> String {
    let kind = kind(entry.kind);
    match entry.what.split_at_checked(kind.len()) {
        Some((first, rest))
            if first.eq_ignore_ascii_case(kind) && !rest.starts_with(char::is_alphanumeric) =>
        {
            rest.to_owned()
        }
        _ => format!(" {}", entry.what),
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
        EntryKind::Refund => "Refund",
        EntryKind::Dispute => "Dispute",
        EntryKind::Audit => "By hand",
    }
}
