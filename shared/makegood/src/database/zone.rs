//! Whether this program and the server agree on the business's time of day. Each carries the rules of time zones in a version of its own.

use super::Finding;
use crate::db::Connection;
use chrono::{DateTime, FixedOffset, Offset, TimeZone, Utc};
use chrono_tz::{IANA_TZDB_VERSION, Tz};

/// Compares the offsets from UTC at the beginning and the middle of each month of the year to come. One finding, for the first that differs.
///
/// # Errors
/// Those of the database; 22023 when the server does not know the zone.
pub async fn check_zone(
    connection: &mut Connection,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<Option<Finding>, sqlx::Error> {
    let theirs = sqlx::query!(
        r#"SELECT m.at AS "at!",
                  extract(epoch FROM (m.at AT TIME ZONE $1) - (m.at AT TIME ZONE 'UTC'))::integer AS "seconds!"
           FROM generate_series($2::timestamptz, $2::timestamptz + interval '1 year', interval '15 days') m (at)"#,
        zone.name(),
        now,
    )
    .fetch_all(connection)
    .await?;
    let theirs = theirs.into_iter().map(|row| (row.at, row.seconds));
    Ok(first_difference(zone, theirs).and_then(|difference| {
        Finding::of(
            "time-zone-differs",
            zone.name().to_owned(),
            Some(difference),
            None,
        )
    }))
}

fn first_difference(zone: Tz, theirs: impl Iterator<Item = (DateTime<Utc>, i32)>) -> Option<String> {
    let ours = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    theirs
        .map(|(at, seconds)| (at, seconds, ours(at)))
        .find(|(_, theirs, ours)| *theirs != ours.local_minus_utc())
        .map(|(at, theirs, ours)| {
            let theirs = FixedOffset::east_opt(theirs)
                .map_or_else(|| format!("{theirs:+} s"), |offset| offset.to_string());
            let day = at.date_naive();
            format!("on {day} UTC{theirs} there, UTC{ours} here, by the IANA database {IANA_TZDB_VERSION}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_day_that_differs_is_named_with_both_offsets() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (summer, winter) = (at("2026-07-01T00:00:00Z"), at("2026-12-01T00:00:00Z"));
        let zone = chrono_tz::Europe::Berlin;
        assert_eq!(
            first_difference(zone, [(summer, 7_200), (winter, 3_600)].into_iter()),
            None
        );
        let told = first_difference(zone, [(summer, 7_200), (winter, 7_200)].into_iter()).unwrap();
        assert!(
            told.starts_with("on 2026-12-01 UTC+02:00 there, UTC+01:00 here"),
            "{told}"
        );
        let kathmandu = first_difference(chrono_tz::Asia::Kathmandu, [(winter, 0)].into_iter()).unwrap();
        assert!(kathmandu.contains("UTC+05:45 here"), "{kathmandu}");
    }
}
