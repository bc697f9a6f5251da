//! How a run looks: batch by batch, each in a transaction of its own whose statements end before the run's time does.

use crate::context::Sweep;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::db::Connection;
use makegood::delivery::Deadline;
use makegood::unfulfilled::{self, Batch, Kind, Rule, Survey, Unfulfilled};
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// How far back a run walks. What was paid before is found by the sweep `compare`, and is on the list from then on.
const WINDOW: TimeDelta = TimeDelta::days(7);
/// What waits for longer is put on the list, so that it is looked at however old it becomes.
const LISTED_AFTER: TimeDelta = TimeDelta::hours(1);
/// Kept back for the gauges, the wake-ups and the answer.
const RESERVE: Duration = Duration::from_secs(3);
/// When it is for the rule.
pub(crate) fn rule(sweep: &Sweep) -> Rule {
    Rule {
        now: sweep.clock.now(),
        today: sweep.clock.today(sweep.timezone),
        timezone: sweep.timezone,
        teaching_days: sweep.teaching_days,
    }
}

/// A look at one kind.
pub(super) struct Look<'a> {
    sweep: &'a Sweep,
    kind: Kind,
    now: DateTime<Utc>,
    survey: Survey,
}

impl<'a> Look<'a> {
    pub(super) fn at(sweep: &'a Sweep, kind: Kind) -> Self {
        let rule = rule(sweep);
        Self {
            sweep,
            kind,
            now: rule.now,
            survey: Survey::of_window(kind, rule.now - WINDOW, rule),
        }
    }

    /// The next unfulfilled rows; none at the end. Keeps the list.
    pub(super) async fn next(&mut self, deadline: Deadline) -> Result<Option<Vec<Unfulfilled>>, sqlx::Error> {
        let mut transaction = self.sweep.publisher.database.begin().await?;
        bound_statements(&mut transaction, deadline).await?;
        let Some(batch) = self.survey.next(&mut transaction).await? else {
            return Ok(None);
        };
        self.keep_list(&mut transaction, &batch).await?;
        transaction.commit().await?;
        Ok(Some(batch.unfulfilled))
    }

    async fn keep_list(&self, connection: &mut Connection, batch: &Batch) -> Result<(), sqlx::Error> {
        unfulfilled::take_off_list(&mut *connection, self.kind, &batch.fulfilled).await?;
        let old = batch.unfulfilled.iter();
        let old: Vec<Unfulfilled> = old
            .filter(|row| row.since() < self.now - LISTED_AFTER)
            .cloned()
            .collect();
        unfulfilled::put_on_list(connection, self.kind, &old).await?;
        Ok(())
    }
}

/// Until this transaction ends, no statement of it takes longer than what is left: else it would run on in the server after the run
/// was cut off, and nothing would be said about it.
pub(crate) async fn bound_statements(
    connection: &mut Connection,
    deadline: Deadline,
) -> Result<(), sqlx::Error> {
    let millis = deadline.remaining().max(Duration::from_secs(1)).as_millis();
    // It takes no parameter. `set_config` would pin the connection behind RDS Proxy.
    let setting = format!("SET LOCAL statement_timeout = {millis}");
    sqlx::raw_sql(AssertSqlSafe(setting)).execute(connection).await?;
    Ok(())
}

/// The time for the work: less what the gauges, the wake-ups and the answer need.
pub(super) fn time_to_work(deadline: Deadline) -> Deadline {
    Deadline::after(deadline.remaining().saturating_sub(RESERVE))
}

/// An even share of what is left for each of so many.
pub(super) fn share(deadline: Deadline, of: u32) -> Deadline {
    Deadline::after(deadline.remaining() / of.max(1))
}
