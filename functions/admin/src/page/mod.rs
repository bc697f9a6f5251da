//! The pages. Each reads what it shows, and nothing more; every text of a row goes through maud, which escapes it.

pub mod asset;
mod audit;
mod cases;
mod dead_letter_groups;
mod dead_letters;
mod doctor;
mod edits;
mod frame;
mod health;
mod jobs;
mod outbox;
mod parts;
mod plot;
pub mod problem;
mod refunds;
mod replay;
mod runbook;
mod search;
mod statement;
mod sweeps;
mod text;
mod timeline;

pub use dead_letters::{edit_again, filter as dead_letter_filter};
pub use replay::{Again, FILTER as REPLAY_FILTER, MOST_UNTYPED, Progress, plan_again, progress};
pub use sweeps::summary as sweep_summary;
pub use text::{is_same_json, reindent};

use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use frame::Section;
use maud::{Markup, html};
use operate::page::PageRequest;
use std::str::FromStr;
use uuid::Uuid;

/// How many rows a page shows.
const ROWS: i64 = 50;

/// The page at this address.
pub async fn show(visit: &Visit<'_>, segments: &[&str]) -> Result<Answer, Fault> {
    if has_no_parameters(segments) {
        nothing_asked(visit)?;
    }
    match segments {
        ["health"] => health::page(visit).await,
        ["doctor"] => doctor::page(visit).await,
        ["search"] => search::page(visit).await,
        ["timeline", kind, id] => timeline::page(visit, kind, id).await,
        ["jobs"] => jobs::list(visit).await,
        ["jobs", id] => jobs::one(visit, key(id)?).await,
        ["dead-letters"] => dead_letters::list(visit).await,
        ["dead-letters", "replay"] => replay::plan(visit).await,
        ["dead-letters", "groups"] => dead_letter_groups::page(visit).await,
        ["dead-letters", id] => dead_letters::one(visit, key(id)?).await,
        ["edits"] => edits::list(visit).await,
        ["edits", id] => edits::one(visit, key(id)?).await,
        ["cases"] => cases::list(visit).await,
        ["cases", id] => cases::one(visit, key(id)?).await,
        ["refunds"] => refunds::list(visit).await,
        ["refunds", id] => refunds::one(visit, key(id)?).await,
        ["statement"] => statement::page(visit).await,
        ["outbox"] => outbox::page(visit).await,
        ["sweeps"] => sweeps::page(visit).await,
        ["audit"] => audit::page(visit).await,
        ["runbook"] => Ok(runbook::page(visit)),
        _ => Err(Fault::NotFound("page")),
    }
}

/// Whether this is a page that knows no parameter.
fn has_no_parameters(segments: &[&str]) -> bool {
    match segments {
        ["dead-letters", id] => !matches!(*id, "replay" | "groups"),
        ["timeline", _, _] | ["jobs" | "cases" | "refunds" | "edits", _] | ["runbook" | "statement"] => true,
        _ => false,
    }
}

/// The pages with parameters, and their names.
pub const LISTS: &[(&str, &[&str])] = &[
    ("/admin/health", &health::FIELDS),
    ("/admin/doctor", &doctor::FIELDS),
    ("/admin/search", &search::FIELDS),
    ("/admin/jobs", &jobs::FIELDS),
    ("/admin/dead-letters", &dead_letters::FIELDS),
    ("/admin/dead-letters/replay", &replay::FIELDS),
    ("/admin/dead-letters/groups", &dead_letter_groups::FIELDS),
    ("/admin/edits", &edits::FIELDS),
    ("/admin/cases", &cases::FIELDS),
    ("/admin/refunds", &refunds::FIELDS),
    ("/admin/outbox", &outbox::FIELDS),
    ("/admin/sweeps", &sweeps::FIELDS),
    ("/admin/audit", &audit::FIELDS),
];

/// An id in an address.
///
/// # Errors
/// When it is none.
pub fn key(text: &str) -> Result<Uuid, Fault> {
    Uuid::parse_str(text).map_err(|_| Fault::NotFound("id"))
}

/// Which page of a list is asked for.
fn place<C: FromStr>(asked: &mut Asked) -> PageRequest<C> {
    PageRequest {
        after: asked.parsed("after", "a place in this list: follow a link to its next page"),
        limit: ROWS,
    }
}

/// A page whose filter is not understood: the filter again, with what is wrong beside each field, and no rows.
fn refused(visit: &Visit<'_>, section: Section, title: &str, filter: &Markup, asked: &Asked) -> Answer {
    let text = html! { "Nothing was selected, and nothing was changed." };
    let body = html! { h1 { (title) } (parts::not_understood(&text, asked.wrong())) (filter) };
    frame::page_with_status(visit, 400, section, title, &body)
}

/// Refuses whatever a page does not know, where it knows nothing else.
///
/// # Errors
/// When there is a parameter.
fn nothing_asked(visit: &Visit<'_>) -> Result<(), Fault> {
    understood(&Asked::of(&visit.request.query, &[]))
}

/// Goes on only with parameters that are all understood.
///
/// # Errors
/// Names the others.
pub fn understood(asked: &Asked) -> Result<(), Fault> {
    match asked.wrong() {
        [] => Ok(()),
        wrong => Err(Fault::NotUnderstood(wrong.to_vec())),
    }
}
