//! What the plots show: counts and percentiles by bucket from the tables, gauges from the samples.

use super::{Gauge, Gauges, gauges};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::HashMap;

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
    /// Stable: `payments`, `purchases`, `allocations`, `orders`, or a [`Gauge::wire_name`].
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
    /// How many payments, purchases, allocations and orders were made in each bucket.
    pub throughput: Vec<Series>,
    /// Payment to purchase, and payment to order.
    pub latency: Vec<Latency>,
    /// The highest sample of each bucket, by [`Gauge`].
    pub gauges: Vec<Series>,
}

/// The stages that the throughput tells of, in pipeline order.
const STAGES: [&str; 4] = ["payments", "purchases", "allocations", "orders"];
/// The ways that are measured.
const WAYS: [&str; 2] = ["payment_to_purchase", "payment_to_order"];

/// The health of this range up to `now`. Range scans by index, bounded by the range.
///
/// # Errors
/// Those of the database.
pub async fn history(
    connection: &mut PgConnection,
    range: Range,
    now: DateTime<Utc>,
) -> Result<Health, sqlx::Error> {
    let buckets = Buckets::of(range, now);
    Ok(Health {
        range,
        from: buckets.from,
        until: now,
        now: gauges(&mut *connection, now).await?,
        throughput: throughput(&mut *connection, &buckets).await?,
        latency: latency(&mut *connection, &buckets).await?,
        gauges: samples(connection, &buckets).await?,
    })
}

/// Where the buckets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Buckets {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    step: TimeDelta,
}

impl Buckets {
    /// The first one begins on a multiple of the step, so that a minute later the same rows are in the same bucket.
    fn of(range: Range, now: DateTime<Utc>) -> Self {
        let step = range.step();
        let last = now.timestamp().div_euclid(step.num_seconds()) * step.num_seconds();
        let last = DateTime::from_timestamp(last, 0).unwrap_or(now);
        Self {
            from: last + step - range.length(),
            until: now,
            step,
        }
    }

    /// Where each begins, oldest first.
    fn starts(&self) -> impl Iterator<Item = (i64, DateTime<Utc>)> + use<> {
        let buckets = *self;
        (0_i64..)
            .zip(std::iter::successors(Some(buckets.from), move |at| {
                Some(*at + buckets.step)
            }))
            .take_while(move |(_, at)| *at <= buckets.until)
    }

    fn points(&self, values: &HashMap<i64, i64>, absent: Option<i64>) -> Vec<Point> {
        self.starts()
            .map(|(bucket, at)| Point {
                at,
                value: values.get(&bucket).copied().or(absent),
            })
            .collect()
    }
}

async fn throughput(connection: &mut PgConnection, buckets: &Buckets) -> Result<Vec<Series>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/health/throughput.sql",
        buckets.from,
        buckets.until,
        buckets.step.num_seconds()
    )
    .fetch_all(connection)
    .await?;
    let mut values: HashMap<String, HashMap<i64, i64>> = HashMap::new();
    for row in rows {
        values.entry(row.name).or_default().insert(row.bucket, row.count);
    }
    let series = STAGES.into_iter().map(|name| Series {
        name,
        points: buckets.points(&values.remove(name).unwrap_or_default(), Some(0)),
    });
    Ok(series.collect())
}

async fn latency(connection: &mut PgConnection, buckets: &Buckets) -> Result<Vec<Latency>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/health/latency.sql",
        buckets.from,
        buckets.until,
        buckets.step.num_seconds()
    )
    .fetch_all(connection)
    .await?;
    let mut values: HashMap<String, HashMap<i64, (i64, i64)>> = HashMap::new();
    for row in rows {
        values
            .entry(row.name)
            .or_default()
            .insert(row.bucket, (row.p50, row.p95));
    }
    let ways = WAYS.into_iter().map(|name| {
        let measured = values.remove(name).unwrap_or_default();
        let points = buckets.starts().map(|(bucket, at)| LatencyPoint {
            at,
            p50_millis: measured.get(&bucket).map(|(p50, _)| *p50),
            p95_millis: measured.get(&bucket).map(|(_, p95)| *p95),
        });
        Latency {
            name,
            points: points.collect(),
        }
    });
    Ok(ways.collect())
}

async fn samples(connection: &mut PgConnection, buckets: &Buckets) -> Result<Vec<Series>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/health/samples.sql",
        buckets.from,
        buckets.until,
        buckets.step.num_seconds()
    )
    .fetch_all(connection)
    .await?;
    let mut values: HashMap<String, HashMap<i64, i64>> = HashMap::new();
    for row in rows {
        values.entry(row.name).or_default().insert(row.bucket, row.value);
    }
    let series = Gauge::ALL.into_iter().map(|gauge| Series {
        name: gauge.wire_name(),
        points: buckets.points(&values.remove(gauge.wire_name()).unwrap_or_default(), None),
    });
    Ok(series.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bucket_holds_this_moment_and_a_minute_later_the_buckets_are_the_same() {
        let now: DateTime<Utc> = "2026-11-21T12:07:30Z".parse().unwrap();
        for (range, number) in [(Range::Day, 96), (Range::Week, 84)] {
            let buckets = Buckets::of(range, now);
            let starts: Vec<_> = buckets.starts().map(|(_, at)| at).collect();
            assert_eq!(starts.len(), number);
            let last = starts.last().copied().unwrap();
            assert!(last <= now && now < last + range.step(), "{last}");
            assert_eq!(Buckets::of(range, now + TimeDelta::minutes(1)).from, buckets.from);
        }
    }

    #[test]
    fn a_bucket_without_sample_is_not_zero_and_one_without_purchase_is() {
        let buckets = Buckets::of(Range::Day, DateTime::UNIX_EPOCH);
        let values = HashMap::from([(1, 7)]);
        let told = |absent| {
            let points = buckets.points(&values, absent);
            (points[0].value, points[1].value)
        };
        assert_eq!(told(None), (None, Some(7)));
        assert_eq!(told(Some(0)), (Some(0), Some(7)));
    }
}
