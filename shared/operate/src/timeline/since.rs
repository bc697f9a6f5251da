//! How long each step took: the time since the one before. Pure.

use super::Entry;
use chrono::{DateTime, TimeDelta, Utc};

/// Notes with each entry how long after the one before it was. The entries are in the order of their times; the first, and those
/// without a time, have none.
pub(super) fn note(entries: &mut [Entry]) {
    let mut before: Option<DateTime<Utc>> = None;
    for entry in entries {
        let Some(at) = entry.at else { continue };
        entry.millis_since_before = before.map(|before| (at - before).num_milliseconds());
        before = Some(at);
    }
}

/// As a person reads it: `+0 ms`, `+1.2 s`, `+3 min 20 s`, `+2 h 5 min`, `+3 days 4 h`. What is less than its last unit is
/// left out.
#[must_use]
pub fn told_since(millis: i64) -> String {
    let length = TimeDelta::milliseconds(millis.max(0));
    let (days, hours, minutes) = (length.num_days(), length.num_hours(), length.num_minutes());
    let (seconds, millis) = (length.num_seconds(), length.num_milliseconds());
    match millis {
        0..1_000 => format!("+{millis} ms"),
        1_000..60_000 => format!("+{seconds}.{} s", millis % 1_000 / 100),
        60_000..3_600_000 => format!("+{minutes} min {} s", seconds % 60),
        3_600_000..172_800_000 => format!("+{hours} h {} min", minutes % 60),
        _ => format!("+{days} days {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EntryKind, Status};
    use super::*;

    fn entry(millis: Option<i64>) -> Entry {
        let at = millis.and_then(DateTime::from_timestamp_millis);
        Entry::new(at, EntryKind::Payment, Status::Happened, "received")
    }

    #[test]
    fn each_entry_with_a_time_says_how_long_after_the_one_before_it_was() {
        let mut entries = [Some(1_000), Some(1_000), None, Some(2_250), None].map(entry);
        note(&mut entries);
        assert_eq!(
            entries.map(|entry| entry.millis_since_before),
            [None, Some(0), None, Some(1_250), None]
        );
    }

    #[test]
    fn a_length_of_time_is_told_in_its_two_largest_units_and_never_as_longer_than_it_was() {
        for (millis, told) in [
            (-5, "+0 ms"),
            (0, "+0 ms"),
            (999, "+999 ms"),
            (1_000, "+1.0 s"),
            (1_299, "+1.2 s"),
            (59_999, "+59.9 s"),
            (60_000, "+1 min 0 s"),
            (200_500, "+3 min 20 s"),
            (3_599_999, "+59 min 59 s"),
            (3_600_000, "+1 h 0 min"),
            (172_799_999, "+47 h 59 min"),
            (172_800_000, "+2 days 0 h"),
            (273_600_000, "+3 days 4 h"),
        ] {
            assert_eq!(told_since(millis), told, "{millis}");
        }
    }
}
