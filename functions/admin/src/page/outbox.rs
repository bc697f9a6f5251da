//! The outbox: what waits to be published, by topic, and which events are next. No payload is read.

use super::frame::{Section, page as framed};
use super::parts::{self, Tone};
use super::text::{count, span};
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use maud::{Markup, html};
use operate::outbox::{MOST_COUNTED, TopicWaits, WaitingEvent, by_topic, waiting};

const PATH: &str = "/admin/outbox";
pub const FIELDS: [&str; 1] = ["after"];
const TITLE: &str = "Outbox";

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let place = super::place::<i64>(&mut query);
    super::understood(&query)?;
    let mut connection = visit.admin.database.acquire().await?;
    let topics = by_topic(&mut connection).await?;
    let next = waiting(&mut connection, &place).await?;
    drop(connection);
    let events: i64 = topics.iter().map(|topic| topic.events).sum();
    let body = html! {
        h1 { (TITLE) }
        p.lead { (lead(visit, &topics, events)) }
        @if events > 0 {
            h2 { "By topic" }
            (parts::table("By topic", &["Topic", "Events", "Oldest", "Failed", "Attempts", "Last error"], &rows(visit, &topics)))
        }
        @if !next.items.is_empty() {
            h2 { "Next to be published" }
            (parts::table("Next to be published", &["Event", "Topic", "Written", "Attempts", "State", "About"], &events_of(visit, &next.items)))
        }
        (parts::pager(PATH, &query, next.next.map(|next| next.to_string())))
        p.hint {
            "Each event is published right after its change is committed; the sweep " a href="/admin/sweeps#outbox" { "outbox" }
            " publishes what was left, and tries again what failed. What it means when they pile up: "
            (parts::runbook(visit, "the-outbox-is-stuck-outboxoldestseconds--300", "Runbook")) "."
        }
    };
    Ok(framed(visit, Section::Outbox, TITLE, &body))
}

fn lead(visit: &Visit<'_>, topics: &[TopicWaits], events: i64) -> Markup {
    let oldest = topics.iter().map(|topic| topic.oldest_at).min();
    html! {
        @match oldest {
            None => { "Nothing waits: every event is published." }
            Some(oldest) => {
                @if events >= MOST_COUNTED { "At least " }
                strong { (count(events)) } @if events == 1 { " event waits" } @else { " events wait" }
                " to be published; the oldest for " strong { (span(visit.now - oldest)) } "."
            }
        }
    }
}

fn rows(visit: &Visit<'_>, topics: &[TopicWaits]) -> Vec<Vec<Markup>> {
    let row = |topic: &TopicWaits| {
        vec![
            parts::whole(&topic.topic),
            html! { (count(topic.events)) },
            parts::when(visit, topic.oldest_at),
            html! { (count(topic.failed)) },
            html! { (parts::times(topic.most_attempts)) @if topic.most_attempts > 0 { ", at most" } },
            html! { span.clip { (parts::or_dash(topic.last_error.as_deref())) } },
        ]
    };
    topics.iter().map(row).collect()
}

fn events_of(visit: &Visit<'_>, events: &[WaitingEvent]) -> Vec<Vec<Markup>> {
    let row = |event: &WaitingEvent| {
        vec![
            html! { (parts::whole(&event.event_type)) br; span.id { (event.event_id) } },
            parts::whole(&event.topic),
            parts::when(visit, event.created_at),
            html! { (parts::times(event.attempts)) },
            state(visit, event),
            parts::find_short(&event.correlation_id.to_string()),
        ]
    };
    events.iter().map(row).collect()
}

/// Whether a publisher owns it at this moment, it rests after a failure, or is free for the next sweep.
fn state(visit: &Visit<'_>, event: &WaitingEvent) -> Markup {
    let held = event.claimed_until.filter(|until| *until > visit.now);
    html! {
        @match (held, event.attempts) {
            (Some(until), 0) => { (parts::badge(Tone::Busy, "being published")) " until " (parts::moment(visit, until)) }
            (Some(until), _) => { (parts::badge(Tone::Busy, "again later")) " after " (parts::moment(visit, until)) }
            (None, 0) => { (parts::badge(Tone::Waiting, "waits for the sweep")) }
            (None, _) => { (parts::badge(Tone::Bad, "failed, due again")) }
        }
        @if let Some(error) = &event.last_error { br; span.clip { (error) } }
    }
}
