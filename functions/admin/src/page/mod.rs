//! The pages. Each reads what it shows, and nothing more; every text of a row goes through maud, which escapes it.

pub mod asset;
mod audit;
mod cases;
mod dead_letters;
mod doctor;
mod frame;
mod health;
mod jobs;
mod parts;
mod plot;
pub mod problem;
mod replay;
mod runbook;
mod search;
mod sweeps;
mod text;
mod timeline;

pub use dead_letters::{FILTER as LETTER_FILTER, edit_again, filter as letter_filter};
pub use replay::{Progress, progress};
pub use sweeps::summary as sweep_summary;
pub use text::{is_same_json, reindent};

use crate::http::{Answer, Form};
use crate::visit::{Fault, Visit};
use makegood::page::PageRequest;
use std::str::FromStr;
use uuid::Uuid;

/// How many rows a page shows.
const ROWS: i64 = 50;

/// The page at this address.
pub async fn show(visit: &Visit<'_>, segments: &[&str]) -> Result<Answer, Fault> {
    match segments {
        ["health"] => health::page(visit).await,
        ["doctor"] => doctor::page(visit).await,
        ["search"] => search::page(visit).await,
        ["timeline", kind, id] => timeline::page(visit, kind, id).await,
        ["jobs"] => jobs::list(visit).await,
        ["jobs", id] => jobs::one(visit, key(id)?).await,
        ["dead-letters"] => dead_letters::list(visit).await,
        ["dead-letters", "replay"] => replay::plan(visit).await,
        ["dead-letters", id] => dead_letters::one(visit, key(id)?).await,
        ["cases"] => cases::list(visit).await,
        ["cases", id] => cases::one(visit, key(id)?).await,
        ["sweeps"] => sweeps::page(visit).await,
        ["audit"] => audit::page(visit).await,
        ["runbook"] => Ok(runbook::page(visit)),
        _ => Err(Fault::NotFound("page")),
    }
}

/// An id in an address.
///
/// # Errors
/// When it is none.
pub fn key(text: &str) -> Result<Uuid, Fault> {
    Uuid::parse_str(text).map_err(|_| Fault::NotFound("id"))
}

/// Which page of a list the query asks for; what is no place in a list is the first page.
fn asked<C: FromStr>(query: &Form) -> PageRequest<C> {
    PageRequest {
        after: query.text("after").and_then(|cursor| cursor.parse().ok()),
        limit: ROWS,
    }
}
