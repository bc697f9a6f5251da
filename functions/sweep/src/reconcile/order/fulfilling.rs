//! Paid intents without order: whoever has no live job gets one, once; after that it is a person's.

use super::OrderReconciliation;
use crate::context::Sweep;
use crate::outbox::gauge_value;
use crate::reconcile::survey::{Look, rule};
use makegood::case::CaseKind;
use makegood::db::Connection;
use makegood::delivery::Deadline;
use makegood::job::{self, JobFailure, JobId};
use makegood::stock;
use makegood::unfulfilled::{self, Figures, Kind, Unfulfilled};
use makegood::verification::{Payment, enqueue_order, order_job_key};
use std::time::Duration;
use uuid::Uuid;

/// A paid intent that no job is working on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stranded {
    payment_intent_id: String,
    payment: Payment,
}

/// The job of a stranded intent as it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EndedJob {
    id: Uuid,
    status: String,
    last_error: Option<String>,
    was_requeued: bool,
}

/// What is to be done about a paid intent.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remedy {
    /// A job is at it, or its turn will come.
    Leave,
    /// There never was a job.
    Enqueue,
    /// The job ended without an order and without a case: it gets a second run.
    Requeue(JobId),
    /// It can't be helped without a person.
    OpenCase(JobId, &'static str),
}

/// What was done about one.
enum Done {
    Nothing,
    Runnable(JobId),
    CaseOpened,
}

/// Sets the gauges to what it finds, heals those that no job is at work on, and wakes workers for their jobs.
pub(super) async fn fulfil(
    sweep: &Sweep,
    deadline: Deadline,
    done: &mut OrderReconciliation,
) -> Result<(), sqlx::Error> {
    let (mut runnable, mut figures) = (Vec::new(), Figures::default());
    let healed = heal(sweep, deadline, done, &mut runnable, &mut figures).await;
    report(&figures, sweep, done);
    done.requeued = runnable.len();
    metrics::counter!("JobsRequeued").increment(u64::try_from(runnable.len()).unwrap_or(u64::MAX));
    if let Some(waker) = &sweep.waker {
        done.woken = waker.wake(&runnable, Duration::ZERO).await;
    }
    healed
}

/// Batch by batch until everything was looked at, or the time is nearly up.
async fn heal(
    sweep: &Sweep,
    deadline: Deadline,
    done: &mut OrderReconciliation,
    runnable: &mut Vec<JobId>,
    figures: &mut Figures,
) -> Result<(), sqlx::Error> {
    let mut look = Look::at(sweep, Kind::Intent);
    while let Some(found) = look.next(deadline).await? {
        figures.add(&found);
        for intent in found.into_iter().filter_map(stranded) {
            if deadline.remaining().is_zero() {
                done.time_was_up = true;
                return Ok(());
            }
            match remedy_one(sweep, &intent).await? {
                Done::Nothing => {}
                Done::Runnable(job) => runnable.push(job),
                Done::CaseOpened => done.cases_opened += 1,
            }
        }
        if deadline.remaining().is_zero() {
            done.time_was_up = true;
            break;
        }
    }
    Ok(())
}

/// One that no job is working on, at a gateway that we know.
fn stranded(row: Unfulfilled) -> Option<Stranded> {
    match row {
        Unfulfilled::Intent(intent) if intent.is_due => Some(Stranded {
            payment: Payment {
                provider: intent.provider.parse().ok()?,
                external_transaction_id: intent.external_transaction_id,
            },
            payment_intent_id: intent.id,
        }),
        _ => None,
    }
}

/// As this run found them, before it healed anything.
fn report(figures: &Figures, sweep: &Sweep, done: &mut OrderReconciliation) {
    done.paid_unfulfilled = figures.count;
    done.paid_unfulfilled_oldest_seconds = figures.oldest_seconds(sweep.clock.now());
    metrics::gauge!("PaidUnfulfilled", "Pipeline" => "order").set(gauge_value(done.paid_unfulfilled));
    metrics::gauge!("PaidUnfulfilledOldestSeconds", "Pipeline" => "order")
        .set(gauge_value(done.paid_unfulfilled_oldest_seconds));
}

async fn remedy_one(sweep: &Sweep, intent: &Stranded) -> Result<Done, sqlx::Error> {
    let mut transaction = sweep.publisher.database.begin().await?;
    stock::lock_intent(&mut transaction, &intent.payment_intent_id).await?;
    // The job's row before the check: who fails it for good opens its case in the same transaction, and is waited for here.
    let job = ended_job(&mut transaction, &intent.payment).await?;
    // With both locks: its order may have been made, or a case opened.
    let ids = [intent.payment_intent_id.clone()];
    let still = unfulfilled::find(&mut transaction, Kind::Intent, &ids, &rule(sweep)).await?;
    let done = if still.is_empty() {
        Done::Nothing
    } else {
        apply(&mut transaction, intent, job.as_ref()).await?
    };
    transaction.commit().await?;
    let correlation_id = &intent.payment_intent_id;
    match &done {
        Done::Nothing => {}
        Done::Runnable(job_id) => {
            tracing::warn!(function = Sweep::NAME, correlation_id, %job_id, "paid without order: its job runs again");
        }
        Done::CaseOpened => tracing::error!(
            function = Sweep::NAME,
            correlation_id,
            "paid without order: a case is open"
        ),
    }
    Ok(done)
}

/// The intent's job; the row stays locked, so that no operator retries or cancels it meanwhile.
async fn ended_job(connection: &mut Connection, payment: &Payment) -> Result<Option<EndedJob>, sqlx::Error> {
    sqlx::query_as!(
        EndedJob,
        r#"SELECT id, status, last_error, payload ? 'requeued' AS "was_requeued!"
           FROM job_queue WHERE idempotency_key = $1 FOR UPDATE"#,
        order_job_key(payment),
    )
    .fetch_optional(connection)
    .await
}

async fn apply(
    connection: &mut Connection,
    intent: &Stranded,
    job: Option<&EndedJob>,
) -> Result<Done, sqlx::Error> {
    let intent_id = &intent.payment_intent_id;
    Ok(match remedy(job) {
        Remedy::Leave => Done::Nothing,
        Remedy::Enqueue => Done::Runnable(enqueue_order(connection, &intent.payment, intent_id).await?.id),
        Remedy::Requeue(id) if job::requeue_ended_job_once(connection, id).await? => Done::Runnable(id),
        Remedy::Requeue(_) => Done::Nothing,
        Remedy::OpenCase(id, why) => {
            let last_error = job
                .and_then(|job| job.last_error.as_deref())
                .unwrap_or("no error");
            let failure = JobFailure::permanent("no_order", format!("{why}; its last error: {last_error}"));
            let kind = CaseKind::Unfulfillable;
            match job::open_case_of_paid_intent(connection, kind, intent_id, id, &failure).await? {
                true => Done::CaseOpened,
                false => Done::Nothing,
            }
        }
    })
}

/// Pure. A job that a person cancelled is not started behind their back.
fn remedy(job: Option<&EndedJob>) -> Remedy {
    let Some(job) = job else {
        return Remedy::Enqueue;
    };
    let id = JobId(job.id);
    match (job.status.as_str(), job.was_requeued) {
        ("failed" | "completed", false) => Remedy::Requeue(id),
        ("failed" | "completed", true) => Remedy::OpenCase(id, "its job ran twice and made no order"),
        ("cancelled", _) => Remedy::OpenCase(id, "its job was cancelled"),
        _ => Remedy::Leave,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: &str, was_requeued: bool) -> EndedJob {
        EndedJob {
            id: Uuid::nil(),
            status: status.to_owned(),
            last_error: None,
            was_requeued,
        }
    }

    #[test]
    fn a_job_gets_a_second_run_and_never_a_third() {
        assert_eq!(remedy(None), Remedy::Enqueue);
        for status in ["failed", "completed"] {
            assert_eq!(
                remedy(Some(&job(status, false))),
                Remedy::Requeue(JobId(Uuid::nil()))
            );
            assert!(matches!(remedy(Some(&job(status, true))), Remedy::OpenCase(..)));
        }
        assert!(matches!(
            remedy(Some(&job("cancelled", false))),
            Remedy::OpenCase(..)
        ));
        for status in ["pending", "processing"] {
            assert_eq!(remedy(Some(&job(status, false))), Remedy::Leave);
        }
    }
}
