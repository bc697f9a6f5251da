//! What waits, for a page that many look at.

use chrono::{DateTime, TimeDelta, Utc};
use makegood::db::Connection;
use makegood::health::{Gauge, Gauges, Unfulfilled, gauges, gauges_with};

/// For how long a page takes a sample for the present: the sweep samples each minute, and may miss one.
const SAMPLE_COUNTS_FOR: TimeDelta = TimeDelta::minutes(2);

/// What waits now. Unfulfilled payments, which take a look at each payment of a day, are those of the last two minutes' sample
/// where there is one. Everything else is of this moment.
///
/// # Errors
/// Those of the database.
pub(super) async fn gauges_at_a_glance(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<Gauges, sqlx::Error> {
    match sampled(&mut *connection, now).await? {
        Some(sampled) => gauges_with(sampled, connection, now).await,
        None => gauges(connection, now).await,
    }
}

/// As it was sampled within the last two minutes; none where it was not.
async fn sampled(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<Option<Unfulfilled>, sqlx::Error> {
    sqlx::query_as!(
        Unfulfilled,
        r#"SELECT c.value AS count, o.value AS oldest_seconds
           FROM health_samples c JOIN health_samples o ON o.at = c.at AND o.name = $3
           WHERE c.name = $2 AND c.at > $4 AND c.at <= $1
           ORDER BY c.at DESC LIMIT 1"#,
        now,
        Gauge::PaidUnfulfilled.wire_name(),
        Gauge::PaidUnfulfilledOldestSeconds.wire_name(),
        now - SAMPLE_COUNTS_FOR,
    )
    .fetch_optional(connection)
    .await
}
