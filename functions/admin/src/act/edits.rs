//! Edits that another operator proposed: confirmed, withdrawn.

use crate::http::{Answer, Form};
use crate::visit::{Fault, Said, Visit};
use operate::dead_letter::Replay;
use operate::edit::{EditId, withdraw as withdraw_edit};
use uuid::Uuid;

fn page_of(id: Uuid) -> String {
    format!("/admin/edits/{id}")
}

/// Sends what another operator proposed.
pub async fn confirm(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let said = match visit.admin.replayer.confirm(EditId(id), &act).await? {
        Ok(Replay::Sent { queue, .. }) => Said::done(format!("It is confirmed, and sent to {queue}.")),
        Ok(Replay::NotSent { reason }) => Said::not_done(format!("Its queue did not take it: {reason}")),
        Ok(Replay::Refused { reason, .. }) => Said::not_done(format!("{reason}.")),
        Ok(Replay::Waits { .. }) => Said::not_done("It waits for another operator."),
        Err(refusal) => Said::not_done(format!("{refusal}.")),
    };
    Ok(visit.go_on(&page_of(id), &said))
}

/// Takes an edit back.
pub async fn withdraw(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut transaction = visit.admin.database.begin().await?;
    let withdrawn = withdraw_edit(&mut transaction, EditId(id), &act).await?;
    transaction.commit().await?;
    let said = match withdrawn {
        Ok(()) => Said::done("The edit is withdrawn."),
        Err(refusal) => Said::not_done(format!("{refusal}.")),
    };
    Ok(visit.go_on(&page_of(id), &said))
}
