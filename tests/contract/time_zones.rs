//! What docs/reliability.md says about the rules of time zones is what the program carries: it names their version, and for zones whose
//! rules have changed since, another one that has the right time.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::{IANA_TZDB_VERSION, Tz};

/// Zones whose rules 2025b has not, the one to use instead, and how many hours it is ahead of UTC in December 2026.
const REPLACED: [(&str, &str, i32); 6] = [
    ("America/Vancouver", "America/Phoenix", -7),
    ("America/Edmonton", "America/Regina", -6),
    ("America/Winnipeg", "America/Panama", -5),
    ("Africa/Casablanca", "Africa/Abidjan", 0),
    ("Africa/El_Aaiun", "Africa/Abidjan", 0),
    ("America/Havana", "America/Santo_Domingo", -4),
];

fn hours(zone: &str, at: DateTime<Utc>) -> i32 {
    let zone: Tz = zone.parse().unwrap();
    zone.offset_from_utc_datetime(&at.naive_utc())
        .fix()
        .local_minus_utc()
        / 3_600
}

#[test]
fn zones_with_newer_rules_than_the_programs_are_named_with_one_that_has_the_right_time() {
    let page = include_str!("../../docs/reliability.md");
    assert!(
        page.contains(&format!("IANA time zone database {IANA_TZDB_VERSION}")),
        "chrono-tz carries {IANA_TZDB_VERSION}: correct docs/reliability.md, and this list"
    );
    let december = "2026-12-15T12:00:00Z".parse().unwrap();
    for (zone, instead, ahead) in REPLACED {
        assert_ne!(
            hours(zone, december),
            ahead,
            "{zone} is right: take it off the page"
        );
        assert_eq!(hours(instead, december), ahead, "{instead}");
        let row = page
            .lines()
            .find(|line| line.starts_with("| `") && line.contains(&format!("`{zone}`")));
        assert!(
            row.is_some_and(|row| row.contains(&format!("| `{instead}`"))),
            "{zone}: {row:?}"
        );
    }
}
