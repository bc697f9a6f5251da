//! The `compare` sweep: all history of what is paid against what is there, a few thousand rows at a time. It is due each week, goes on in
//! each run until it is through, and says how far it is. It heals nothing: what it finds is on the list that each `reconcile` looks at.

use crate::context::Sweep;
use crate::name::SweepName;
use crate::reconcile::{bound_statements, rule};
use chrono::TimeDelta;
use makegood::delivery::Deadline;
use makegood::unfulfilled::{Comparison, compare_step, last_comparison};
use std::time::Duration;

/// How long after one comparison began the next one begins.
const EVERY: TimeDelta = TimeDelta::days(7);
/// Kept back for the answer.
const RESERVE: Duration = Duration::from_secs(3);

/// Goes on where the last run ended, or begins anew when a week is over.
pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<Comparison, sqlx::Error> {
    let rule = rule(sweep);
    let mut comparison = {
        let mut connection = sweep.publisher.database.acquire().await?;
        match last_comparison(&mut connection, SweepName::Compare.wire_name()).await? {
            Some(last) if last.completed_at.is_none() || last.began_at + EVERY > rule.now => last,
            Some(_) | None => Comparison::begin(&mut connection, rule.now).await?,
        }
    };
    let began = comparison.clone();
    while comparison.completed_at.is_none() && deadline.remaining() > RESERVE {
        let mut next = comparison.clone();
        let stepped = async {
            let mut transaction = sweep.publisher.database.begin().await?;
            bound_statements(&mut transaction, deadline).await?;
            compare_step(&mut transaction, &mut next, &rule).await?;
            transaction.commit().await
        };
        match stepped.await {
            Ok(()) => comparison = next,
            // What this run did is kept; if the error lasts, the next run begins with it and fails.
            Err(error) if comparison != began => {
                tracing::error!(function = Sweep::NAME, %error, kind = comparison.kind, "the comparison stopped; the next run goes on");
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(comparison)
}
