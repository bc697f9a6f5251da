//! The changes. Each has a reason, writes its row in the audit log in the same transaction, and answers with where to look.

mod cases;
mod dead_letters;
mod edits;
mod jobs;
pub mod sweep;

use crate::http::{Answer, Asked, Form};
use crate::page::{key, understood};
use crate::visit::{Fault, Visit};

/// The fields of the form that makes the change of this address. One that is not among them, or comes twice, is refused.
fn fields_of<'a>(segments: &[&str]) -> &'a [&'a str] {
    match segments {
        ["dead-letters", "replay"] => &dead_letters::FIELDS,
        ["dead-letters", _, "dry-run" | "replay"] => &["csrf", "reason", "body", "force"],
        ["cases", _, "assign"] => &["csrf", "reason", "assignee"],
        _ => &["csrf", "reason"],
    }
}

/// The address of every change under `/admin/`; `*` stands for an id or a name. One that is not here is not made.
pub const CHANGES: [&str; 13] = [
    "jobs/*/retry",
    "jobs/*/cancel",
    "dead-letters/replay",
    "dead-letters/*/dry-run",
    "dead-letters/*/replay",
    "dead-letters/*/discard",
    "dead-letters/*/restore",
    "cases/*/assign",
    "cases/*/note",
    "cases/*/resolve",
    "edits/*/confirm",
    "edits/*/withdraw",
    "sweeps/*/run",
];

/// Whether there is a change of this address.
fn is_known(segments: &[&str]) -> bool {
    CHANGES.iter().any(|change| {
        let parts: Vec<&str> = change.split('/').collect();
        let is_like = |(part, segment): (&&str, &&str)| *part == "*" || part == segment;
        parts.len() == segments.len() && parts.iter().zip(segments).all(is_like)
    })
}

/// Makes the change of this address.
pub async fn make(visit: &Visit<'_>, segments: &[&str], form: &Form) -> Result<Answer, Fault> {
    if !is_known(segments) {
        return Err(Fault::NotFound("change"));
    }
    understood(&Asked::of(form, fields_of(segments)))?;
    match segments {
        ["jobs", id, "retry"] => jobs::retry(visit, key(id)?, form).await,
        ["jobs", id, "cancel"] => jobs::cancel(visit, key(id)?, form).await,
        ["dead-letters", "replay"] => dead_letters::replay_many(visit, form).await,
        ["dead-letters", id, "dry-run"] => dead_letters::dry_run(visit, key(id)?, form).await,
        ["dead-letters", id, "replay"] => dead_letters::replay(visit, key(id)?, form).await,
        ["dead-letters", id, "discard"] => dead_letters::discard(visit, key(id)?, form).await,
        ["dead-letters", id, "restore"] => dead_letters::restore(visit, key(id)?, form).await,
        ["cases", id, "assign"] => cases::assign(visit, key(id)?, form).await,
        ["cases", id, "note"] => cases::note(visit, key(id)?, form).await,
        ["cases", id, "resolve"] => cases::resolve(visit, key(id)?, form).await,
        ["edits", id, "confirm"] => edits::confirm(visit, key(id)?, form).await,
        ["edits", id, "withdraw"] => edits::withdraw(visit, key(id)?, form).await,
        ["sweeps", name, "run"] => sweep::run(visit, name, form).await,
        _ => Err(Fault::NotFound("change")),
    }
}
