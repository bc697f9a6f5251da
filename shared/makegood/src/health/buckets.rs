//! What was made and how long it took, by bucket: counted from the rows, and kept once a bucket is over, so that a look at a week
//! of a busy school reads some hundred rows and not some hundred thousand.

use crate::db::Connection;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// The lengths of the buckets: of the plots over a day, and over a week.
pub(in crate::health) const STEPS: [TimeDelta; 2] = [QUARTER_HOUR, TWO_HOURS];
/// The length of the buckets of a day.
pub const QUARTER_HOUR: TimeDelta = TimeDelta::minutes(15);
/// The length of the buckets of a week.
pub const TWO_HOURS: TimeDelta = TimeDelta::hours(2);

/// A bucket is over for this long before it is counted: who committed late is in it.
const SETTLED: TimeDelta = TimeDelta::minutes(2);
/// A webhook may come long after its payment. With each new bucket those that began this long before are counted again; what comes
/// later still is missing in the plots, and nowhere else.
const AGAIN: TimeDelta = TimeDelta::hours(2);
/// How far back the plots look.
const LONGEST: TimeDelta = TimeDelta::days(7);
/// What one run counts at most: the first run over a database that is full takes seconds, not minutes.
const A_RUN: TimeDelta = TimeDelta::days(1);

/// What is counted, in pipeline order.
pub const STAGES: [&str; 4] = ["payments", "purchases", "allocations", "orders"];
/// What is timed.
pub const WAYS: [&str; 2] = ["payment_to_purchase", "payment_to_order"];

/// One figure of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// One of [`STAGES`] or [`WAYS`].
    pub name: String,
    /// Counted from the beginning of what was asked for.
    pub bucket: i64,
    /// How many.
    pub count: i64,
    /// The median, of what is timed.
    pub p50_millis: Option<i64>,
    /// 95 of 100 were at least as quick, of what is timed.
    pub p95_millis: Option<i64>,
}

/// The beginning of the bucket that holds this moment.
#[must_use]
pub fn bucket_of(moment: DateTime<Utc>, step: TimeDelta) -> DateTime<Utc> {
    let begins = moment.timestamp().div_euclid(step.num_seconds()) * step.num_seconds();
    DateTime::from_timestamp(begins, 0).unwrap_or(moment)
}

/// Counts from the rows: buckets from `from` until before `until`. Buckets without rows are left out.
///
/// # Errors
/// Those of the database.
pub async fn measure(
    connection: &mut Connection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    step: TimeDelta,
) -> Result<Vec<Measured>, sqlx::Error> {
    sqlx::query_file_as!(
        Measured,
        "src/health/measured.sql",
        from,
        until,
        step.num_seconds()
    )
    .fetch_all(connection)
    .await
}

/// Where the kept buckets of this step end; none when there are none.
///
/// # Errors
/// Those of the database.
pub async fn kept_until(
    connection: &mut Connection,
    step: TimeDelta,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "SELECT max(at) FROM health_buckets WHERE step_seconds = $1",
        seconds(step)
    )
    .fetch_one(connection)
    .await?;
    Ok(last.map(|at| at + step))
}

/// Keeps the buckets that are over and not kept yet, oldest first, at most a day of them for each step; a second run finds nothing
/// to do. Gives back how many buckets were counted.
///
/// # Errors
/// Those of the database.
pub(in crate::health) async fn roll_up(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let mut buckets = 0;
    for step in STEPS {
        let oldest = bucket_of(now - LONGEST, step);
        let next = kept_until(&mut *connection, step).await?.unwrap_or(oldest);
        let over = bucket_of(now - SETTLED, step);
        if next >= over {
            continue;
        }
        let from = (next - AGAIN).max(oldest);
        let until = over.min(from + A_RUN);
        let measured = measure(&mut *connection, from, until, step).await?;
        keep(&mut *connection, from, until, step, measured).await?;
        buckets += (until - from).num_seconds() / step.num_seconds();
    }
    Ok(buckets.unsigned_abs())
}

/// Writes every bucket of the span, those in which nothing happened as zero: what is not there was not counted yet.
async fn keep(
    connection: &mut Connection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    step: TimeDelta,
    measured: Vec<Measured>,
) -> Result<(), sqlx::Error> {
    let mut figures: HashMap<(String, i64), Measured> = measured
        .into_iter()
        .map(|figure| ((figure.name.clone(), figure.bucket), figure))
        .collect();
    let (mut ats, mut names, mut counts, mut p50s, mut p95s) = (vec![], vec![], vec![], vec![], vec![]);
    let starts = std::iter::successors(Some(from), |at| Some(*at + step)).take_while(|at| *at < until);
    for (bucket, at) in (0_i64..).zip(starts) {
        for name in STAGES.into_iter().chain(WAYS) {
            let figure = figures.remove(&(name.to_owned(), bucket));
            ats.push(at);
            names.push(name.to_owned());
            counts.push(figure.as_ref().map_or(0, |figure| figure.count));
            p50s.push(figure.as_ref().and_then(|figure| figure.p50_millis));
            p95s.push(figure.as_ref().and_then(|figure| figure.p95_millis));
        }
    }
    sqlx::query!(
        "INSERT INTO health_buckets (step_seconds, at, name, count, p50_millis, p95_millis)
         SELECT $1, b.at, b.name, b.count, b.p50, b.p95
         FROM unnest($2::timestamptz[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) AS b (at, name, count, p50, p95)
         ORDER BY b.at, b.name
         ON CONFLICT (step_seconds, at, name) DO UPDATE
         SET count = excluded.count, p50_millis = excluded.p50_millis, p95_millis = excluded.p95_millis",
        seconds(step),
        &ats,
        &names,
        &counts,
        &p50s as &[Option<i64>],
        &p95s as &[Option<i64>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn seconds(step: TimeDelta) -> i32 {
    i32::try_from(step.num_seconds()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_begins_on_a_multiple_of_its_length() {
        let moment: DateTime<Utc> = "2026-11-25T13:59:59Z".parse().unwrap();
        assert_eq!(
            bucket_of(moment, QUARTER_HOUR),
            "2026-11-25T13:45:00Z".parse::<DateTime<Utc>>().unwrap()
        );
        assert_eq!(
            bucket_of(moment, TWO_HOURS),
            "2026-11-25T12:00:00Z".parse::<DateTime<Utc>>().unwrap()
        );
    }
}
