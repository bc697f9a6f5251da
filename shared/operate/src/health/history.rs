//! What the plots show: counts and percentiles by bucket from the tables, gauges from the samples.

use super::glance::gauges_at_a_glance;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::db::Connection;
use makegood::health::buckets::{
    Measured, QUARTER_HOUR, STAGES, TWO_HOURS, WAYS, bucket_of, kept_until, measure,
};
use makegood::health::{Gauge, Gauges};
use serde::Serialize;
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
            Self::Day => QUARTER_HOUR,
            Self::Week => TWO_HOURS,
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
    /// What waits now; unfulfilled payments may be those of up to two minutes ago.
    pub now: Gauges,
    /// How many payments, purchases, allocations and orders were made in each bucket.
    pub throughput: Vec<Series>,
    /// Payment to purchase, and payment to order.
    pub latency: Vec<Latency>,
    /// The highest sample of each bucket, by [`Gauge`].
    pub gauges: Vec<Series>,
}

/// The health of this range up to `now`: buckets that are over from what the sweep `health` kept of them, the rest by range scans of
/// indexes over the rows. Where the sweep has not run, that rest is the whole range.
///
/// # Errors
/// Those of the database.
pub async fn history(
    connection: &mut Connection,
    range: Range,
    now: DateTime<Utc>,
) -> Result<Health, sqlx::Error> {
    let buckets = Buckets::of(range, now);
    let measured = measured(&mut *connection, &buckets).await?;
    Ok(Health {
        range,
        from: buckets.from,
        until: now,
        now: gauges_at_a_glance(&mut *connection, now).await?,
        throughput: throughput(&buckets, &measured),
        latency: latency(&buckets, &measured),
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
        Self {
            from: bucket_of(now, step) + step - range.length(),
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

async fn measured(connection: &mut Connection, buckets: &Buckets) -> Result<Vec<Measured>, sqlx::Error> {
    let end = buckets.until + TimeDelta::milliseconds(1);
    let until = kept_until(&mut *connection, buckets.step).await?;
    let open = until.map_or(buckets.from, |until| until.clamp(buckets.from, end));
    let mut measured = kept(&mut *connection, buckets.from, open, buckets.step).await?;
    let before = (open - buckets.from).num_seconds() / buckets.step.num_seconds();
    let rest = measure(connection, open, end, buckets.step).await?;
    measured.extend(rest.into_iter().map(|figure| Measured {
        bucket: figure.bucket + before,
        ..figure
    }));
    Ok(measured)
}

/// The kept buckets from `from` until before `until`.
async fn kept(
    connection: &mut Connection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    step: TimeDelta,
) -> Result<Vec<Measured>, sqlx::Error> {
    sqlx::query_as!(
        Measured,
        r#"SELECT name, (extract(epoch FROM at - $2::timestamptz)::bigint / $1::integer) AS "bucket!", count, p50_millis, p95_millis
           FROM health_buckets WHERE step_seconds = $1 AND at >= $2 AND at < $3"#,
        i32::try_from(step.num_seconds()).unwrap_or(i32::MAX),
        from,
        until,
    )
    .fetch_all(connection)
    .await
}

fn throughput(buckets: &Buckets, measured: &[Measured]) -> Vec<Series> {
    let series = STAGES.into_iter().map(|name| {
        let figures = measured.iter().filter(|figure| figure.name == name);
        let counts = figures.map(|figure| (figure.bucket, figure.count)).collect();
        Series {
            name,
            points: buckets.points(&counts, Some(0)),
        }
    });
    series.collect()
}

fn latency(buckets: &Buckets, measured: &[Measured]) -> Vec<Latency> {
    let ways = WAYS.into_iter().map(|name| {
        let figures = measured.iter().filter(|figure| figure.name == name);
        let by_bucket: HashMap<i64, &Measured> = figures.map(|figure| (figure.bucket, figure)).collect();
        let points = buckets.starts().map(|(bucket, at)| {
            let figure = by_bucket.get(&bucket);
            LatencyPoint {
                at,
                p50_millis: figure.and_then(|figure| figure.p50_millis),
                p95_millis: figure.and_then(|figure| figure.p95_millis),
            }
        });
        Latency {
            name,
            points: points.collect(),
        }
    });
    ways.collect()
}

async fn samples(connection: &mut Connection, buckets: &Buckets) -> Result<Vec<Series>, sqlx::Error> {
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
