//! What is around every page: its head, the way to the other pages, and what the change before said.

use super::text::{exact, show_turning};
use super::{asset, parts};
use crate::http::Answer;
use crate::visit::{Tone, Visit};
use maud::{DOCTYPE, Markup, html};

/// The parts of the console, in the order of its menu, which leads to what waits for an operator, not to all that ever was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Health,
    DeadLetters,
    Jobs,
    Cases,
    Refunds,
    Statement,
    Outbox,
    Sweeps,
    Audit,
    /// In no menu: the search has a field of its own.
    Search,
    /// In no menu: linked from where it helps.
    Runbook,
}

const MENU: [(Section, &str, &str); 9] = [
    (Section::Health, "/admin/health", "Health"),
    (
        Section::DeadLetters,
        "/admin/dead-letters?status=parked",
        "Dead letters",
    ),
    (Section::Jobs, "/admin/jobs", "Jobs"),
    (Section::Cases, "/admin/cases?status=open", "Cases"),
    (Section::Refunds, "/admin/refunds", "Refunds"),
    (Section::Statement, "/admin/statement", "Statement"),
    (Section::Outbox, "/admin/outbox", "Outbox"),
    (Section::Sweeps, "/admin/sweeps", "Sweeps"),
    (Section::Audit, "/admin/audit", "Audit"),
];

/// A page of an operator.
pub fn page(visit: &Visit<'_>, section: Section, title: &str, body: &Markup) -> Answer {
    page_with_status(visit, 200, section, title, body)
}

/// The same with another status.
pub fn page_with_status(
    visit: &Visit<'_>,
    status: u16,
    section: Section,
    title: &str,
    body: &Markup,
) -> Answer {
    let inside = html! {
        (head_bar(visit, section))
        main id="main" tabindex="-1" {
            @if let Some(said) = &visit.said {
                p.said data-tone=(if said.tone == Tone::Good { "good" } else { "bad" }) role="status" {
                    strong { (if said.tone == Tone::Good { "✓ Done." } else { "✕ Not done." }) } " " (said.text)
                }
            }
            (body)
        }
        footer {
            p { "Makegood " (env!("CARGO_PKG_VERSION")) ". Times are " (visit.admin.timezone.name()) "; hold the pointer over one for UTC. "
                a href="/admin/runbook" { "Runbook" } }
        }
    };
    let title = match &visit.admin.stack {
        Some(stack) => format!("{title} · {stack}"),
        None => title.to_owned(),
    };
    Answer::html(status, document(&title, &inside))
}

/// A page for a visitor who is not let in, or not yet.
pub fn bare(status: u16, title: &str, body: &Markup) -> Answer {
    let inside = html! { main.bare id="main" { p.brand { (mark()) "Makegood" } h1 { (title) } (body) } };
    Answer::html(status, document(title, &inside))
}

fn document(title: &str, inside: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · Makegood" }
                link rel="icon" type="image/svg+xml" href=(asset::icon());
                link rel="stylesheet" href=(asset::style());
            }
            body { (inside) }
        }
    };
    show_turning(&page.into_string())
}

fn mark() -> Markup {
    html! { svg.mark viewBox="0 0 16 16" aria-hidden="true" { path d="M2.5 8.5l3.5 3.5 7.5-8"; } }
}

/// One of eight colours, the same for a name each time: it tells two consoles in two tabs apart, beside the name itself.
fn hue(stack: &str) -> u32 {
    stack
        .bytes()
        .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
        % 8
}

fn head_bar(visit: &Visit<'_>, here: Section) -> Markup {
    html! {
        a.skip href="#main" { "Skip to the page" }
        header {
            a.brand href="/admin/health" {
                (mark()) "Makegood"
                @if let Some(stack) = &visit.admin.stack { span.stack data-hue=(hue(stack)) { span.hidden { "of the stack " } (stack) } }
            }
            form.search role="search" action="/admin/search" {
                label.hidden for="q" { "Find by id" }
                input #q name="q" type="search" placeholder="Payment, intent, order, student, event id…" autocomplete="off"
                    autocapitalize="none" spellcheck="false" maxlength="200" value=(exact(visit.request.query.text("q").unwrap_or_default()));
                button { "Find" }
            }
            nav aria-label="Console" {
                ul {
                    @for (section, address, name) in MENU {
                        li { a href=(address) aria-current=[(section == here).then_some("page")] { (name) } }
                    }
                }
            }
            form.who method="post" action="/admin/logout" {
                (parts::csrf(visit))
                span title=(visit.operator.actor) { (visit.operator.name) @if !visit.may_act() { " · viewer" } }
                button.quiet { "Log out" }
            }
        }
    }
}
