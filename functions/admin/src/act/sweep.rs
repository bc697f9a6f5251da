//! A sweep run out of turn.

use crate::http::{Answer, Form};
use crate::page::sweep_summary;
use crate::sweeps::{SWEEPS, Sweep};
use crate::visit::{Fault, Said, Visit};
use operate::audit::{self, Action};
use serde_json::json;

const PAGE: &str = "/admin/sweeps";

/// Runs a sweep now. The record is written first: no network call inside a transaction, and no run without a record.
pub async fn run(visit: &Visit<'_>, name: &str, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let Sweep { name, .. } = SWEEPS
        .into_iter()
        .find(|known| known.name == name)
        .ok_or(Fault::NotFound("sweep"))?;
    let mut transaction = visit.admin.database.begin().await?;
    audit::record(
        &mut transaction,
        &act,
        Action::RunSweep,
        &format!("sweep:{name}"),
        &json!({}),
    )
    .await?;
    transaction.commit().await?;
    let ran = tokio::time::timeout_at(visit.deadline.instant(), visit.admin.sweeps.run(name)).await;
    let said = match ran {
        Ok(Ok(done)) => Said::done(format!("{name} ran: {}.", sweep_summary(&done))),
        Ok(Err(error)) => {
            tracing::error!(function = crate::NAME, sweep = name, %error, "a sweep was not run from the console");
            Said::not_done(format!("{error}."))
        }
        Err(_) => Said::not_done(format!("{name} still runs; look again below in a minute.")),
    };
    Ok(visit.go_on(PAGE, &said))
}
