//! Cases: given to a person, noted on, resolved.

use crate::http::{Answer, Form};
use crate::visit::{Fault, Said, Visit};
use operate::audit::Actor;
use operate::case::{CaseChange, CaseId, assign_open_case, note_on_case, resolve_open_case};
use uuid::Uuid;

fn end(visit: &Visit<'_>, id: Uuid, change: CaseChange, done: &str) -> Answer {
    let said = match change {
        CaseChange::Done => Said::done(done),
        other @ (CaseChange::NotFound | CaseChange::ResolvedAlready) => Said::not_done(other.to_string()),
    };
    visit.go_on(&format!("/admin/cases/{id}"), &said)
}

/// Gives an open case to a person.
pub async fn assign(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let assignee = Actor::new(form.raw("assignee").unwrap_or_default())?;
    let mut transaction = visit.admin.database.begin().await?;
    let change = assign_open_case(&mut transaction, CaseId(id), &assignee, &act).await?;
    transaction.commit().await?;
    Ok(end(
        visit,
        id,
        change,
        &format!("The case is with {}.", assignee.as_str()),
    ))
}

/// Adds a note.
pub async fn note(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut transaction = visit.admin.database.begin().await?;
    let change = note_on_case(&mut transaction, CaseId(id), &act).await?;
    transaction.commit().await?;
    Ok(end(visit, id, change, "The note is kept."))
}

/// Resolves an open case.
pub async fn resolve(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut transaction = visit.admin.database.begin().await?;
    let change = resolve_open_case(&mut transaction, CaseId(id), &act).await?;
    transaction.commit().await?;
    Ok(end(visit, id, change, "The case is resolved."))
}
