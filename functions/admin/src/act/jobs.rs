//! Jobs: run again, or cancelled.

use crate::http::{Answer, Form};
use crate::visit::{Fault, Said, Visit};
use makegood::job::JobId;
use operate::job::{Cancellation, Retry, cancel_pending_job, retry_failed_job};
use std::time::Duration;
use uuid::Uuid;

fn page_of(id: Uuid) -> String {
    format!("/admin/jobs/{id}")
}

/// Makes a failed or cancelled job runnable, and wakes the worker.
pub async fn retry(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut transaction = visit.admin.database.begin().await?;
    let retried = retry_failed_job(&mut transaction, JobId(id), &act).await?;
    transaction.commit().await?;
    let said = match retried {
        Retry::Runnable { max_attempts } => {
            let woken = match &visit.admin.waker {
                Some(waker) => waker.wake(&[JobId(id)], Duration::ZERO).await > 0,
                None => false,
            };
            let who = if woken {
                "a worker was woken"
            } else {
                "the stale-jobs sweep will wake a worker"
            };
            Said::done(format!(
                "The job is runnable, up to attempt {max_attempts}; {who}."
            ))
        }
        Retry::Refused(refusal) => Said::not_done(refusal.to_string()),
    };
    Ok(visit.go_on(&page_of(id), &said))
}

/// Cancels a job that waits.
pub async fn cancel(visit: &Visit<'_>, id: Uuid, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let mut transaction = visit.admin.database.begin().await?;
    let cancelled = cancel_pending_job(&mut transaction, JobId(id), &act).await?;
    transaction.commit().await?;
    let said = match cancelled {
        Cancellation::Cancelled { opened_case: true } => {
            Said::done("The job is cancelled. The buyer has paid, so a case is open.")
        }
        Cancellation::Cancelled { opened_case: false } => Said::done("The job is cancelled."),
        Cancellation::Refused(refusal) => Said::not_done(refusal.to_string()),
    };
    Ok(visit.go_on(&page_of(id), &said))
}
