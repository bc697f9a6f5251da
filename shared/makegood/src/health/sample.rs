//! What waits at this moment: read, and kept once a minute by the sweep `health`.

use super::buckets;
use crate::db::Connection;
use crate::school_days::TeachingDays;
use crate::unfulfilled::{Kind, Rule, Survey};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// For how long samples and runs are kept.
const KEPT: TimeDelta = TimeDelta::days(14);

/// A figure that no table remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gauge {
    /// Events that wait in the outbox.
    OutboxBacklog,
    /// The age in seconds of the oldest of them.
    OutboxOldestSeconds,
    /// Dead letters that wait for a person.
    Parked,
    /// Payments and paid intents without what was paid for and without case.
    PaidUnfulfilled,
    /// The age in seconds of the oldest of them.
    PaidUnfulfilledOldestSeconds,
    /// Allocations for which no trainer is free.
    AllocationsPending,
    /// Jobs that are due or running.
    JobsOpen,
    /// Payment cases that wait for a person.
    CasesOpen,
}

impl Gauge {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::OutboxBacklog,
        Self::OutboxOldestSeconds,
        Self::Parked,
        Self::PaidUnfulfilled,
        Self::PaidUnfulfilledOldestSeconds,
        Self::AllocationsPending,
        Self::JobsOpen,
        Self::CasesOpen,
    ];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::OutboxBacklog => "outbox_backlog",
            Self::OutboxOldestSeconds => "outbox_oldest_seconds",
            Self::Parked => "parked",
            Self::PaidUnfulfilled => "paid_unfulfilled",
            Self::PaidUnfulfilledOldestSeconds => "paid_unfulfilled_oldest_seconds",
            Self::AllocationsPending => "allocations_pending",
            Self::JobsOpen => "jobs_open",
            Self::CasesOpen => "cases_open",
        }
    }
}

/// The figures of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gauges {
    /// See [`Gauge::OutboxBacklog`].
    pub outbox_backlog: i64,
    /// See [`Gauge::OutboxOldestSeconds`].
    pub outbox_oldest_seconds: i64,
    /// See [`Gauge::Parked`].
    pub parked: i64,
    /// See [`Gauge::PaidUnfulfilled`].
    pub paid_unfulfilled: i64,
    /// See [`Gauge::PaidUnfulfilledOldestSeconds`].
    pub paid_unfulfilled_oldest_seconds: i64,
    /// See [`Gauge::AllocationsPending`].
    pub allocations_pending: i64,
    /// See [`Gauge::JobsOpen`].
    pub jobs_open: i64,
    /// See [`Gauge::CasesOpen`].
    pub cases_open: i64,
}

/// What a run of the sweep `health` did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthSweep {
    /// What was kept.
    #[serde(flatten)]
    pub gauges: Gauges,
    /// Buckets of the plots that were over and are counted now.
    pub buckets: u64,
    /// Rows deleted because they were over fourteen days old: samples, buckets and runs alike.
    pub deleted: u64,
}

/// How far back a sample walks; what is older is on the list once it was found.
const WINDOW: TimeDelta = TimeDelta::hours(24);

impl Gauges {
    /// The figure of this gauge.
    #[must_use]
    pub const fn value(&self, gauge: Gauge) -> i64 {
        match gauge {
            Gauge::OutboxBacklog => self.outbox_backlog,
            Gauge::OutboxOldestSeconds => self.outbox_oldest_seconds,
            Gauge::Parked => self.parked,
            Gauge::PaidUnfulfilled => self.paid_unfulfilled,
            Gauge::PaidUnfulfilledOldestSeconds => self.paid_unfulfilled_oldest_seconds,
            Gauge::AllocationsPending => self.allocations_pending,
            Gauge::JobsOpen => self.jobs_open,
            Gauge::CasesOpen => self.cases_open,
        }
    }
}

/// Payments and paid intents without what was paid for and without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfulfilled {
    /// How many.
    pub count: i64,
    /// The age in seconds of the oldest.
    pub oldest_seconds: i64,
}

impl Unfulfilled {
    /// What reconcile would heal: of the last 24 hours, and whatever is older and on the list.
    async fn count(connection: &mut Connection, now: DateTime<Utc>) -> Result<Self, sqlx::Error> {
        // No session is looked at, so any day serves as today, in any time zone and week.
        let rule = Rule {
            now,
            today: now.date_naive(),
            timezone: chrono_tz::UTC,
            teaching_days: TeachingDays::default(),
        };
        let (mut count, mut oldest_seconds) = (0, 0);
        for kind in [Kind::Payment, Kind::Intent] {
            let survey = Survey::of_window(kind, now - WINDOW, rule);
            let figures = survey.count(&mut *connection).await?;
            count += figures.count;
            oldest_seconds = figures.oldest_seconds(now).max(oldest_seconds);
        }
        Ok(Self {
            count,
            oldest_seconds,
        })
    }
}

/// What waits now. Payments and paid intents by the rule of [`crate::unfulfilled`], as reconcile and `doctor` see them.
///
/// # Errors
/// Those of the database.
pub async fn gauges(connection: &mut Connection, now: DateTime<Utc>) -> Result<Gauges, sqlx::Error> {
    let unfulfilled = Unfulfilled::count(&mut *connection, now).await?;
    gauges_with(unfulfilled, connection, now).await
}

/// The same with this figure of what is unfulfilled; everything else is of this moment.
///
/// # Errors
/// Those of the database.
pub async fn gauges_with(
    unfulfilled: Unfulfilled,
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<Gauges, sqlx::Error> {
    let waiting = sqlx::query_file!("src/health/waiting.sql", now)
        .fetch_one(connection)
        .await?;
    Ok(Gauges {
        outbox_backlog: waiting.outbox_backlog,
        outbox_oldest_seconds: waiting.outbox_oldest_seconds,
        parked: waiting.parked,
        paid_unfulfilled: unfulfilled.count,
        paid_unfulfilled_oldest_seconds: unfulfilled.oldest_seconds,
        allocations_pending: waiting.allocations_pending,
        jobs_open: waiting.jobs_open,
        cases_open: waiting.cases_open,
    })
}

/// Keeps what waits now, one row a gauge and minute (a second run in the same minute changes nothing), and what was made in buckets
/// that are over; deletes what is over fourteen days old.
///
/// # Errors
/// Those of the database.
pub async fn sample(connection: &mut Connection, now: DateTime<Utc>) -> Result<HealthSweep, sqlx::Error> {
    let gauges = gauges(&mut *connection, now).await?;
    let names: Vec<String> = Gauge::ALL
        .iter()
        .map(|gauge| gauge.wire_name().to_owned())
        .collect();
    let values: Vec<i64> = Gauge::ALL.iter().map(|gauge| gauges.value(*gauge)).collect();
    sqlx::query!(
        "INSERT INTO health_samples (at, name, value)
         SELECT date_trunc('minute', $1::timestamptz), s.name, s.value FROM unnest($2::text[], $3::bigint[]) AS s (name, value)
         ORDER BY s.name
         ON CONFLICT (at, name) DO NOTHING",
        now,
        &names,
        &values,
    )
    .execute(&mut *connection)
    .await?;
    let buckets = buckets::roll_up(&mut *connection, now).await?;
    let deleted = retire(connection, now).await?;
    Ok(HealthSweep {
        gauges,
        buckets,
        deleted,
    })
}

async fn retire(connection: &mut Connection, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let oldest = now - KEPT;
    let samples = sqlx::query!("DELETE FROM health_samples WHERE at < $1", oldest)
        .execute(&mut *connection)
        .await?;
    let buckets = sqlx::query!("DELETE FROM health_buckets WHERE at < $1", oldest)
        .execute(&mut *connection)
        .await?;
    let runs = sqlx::query!("DELETE FROM sweep_runs WHERE started_at < $1", oldest)
        .execute(connection)
        .await?;
    Ok(samples.rows_affected() + buckets.rows_affected() + runs.rows_affected())
}
