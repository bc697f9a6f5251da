//! Times as a person on call reads them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The present instant, and where it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The zone of the times in sentences: the school's.
    pub timezone: Tz,
}

impl Moment {
    /// `12:01:03` for today, else with its day: `2026-11-20 12:01:03`.
    #[must_use]
    pub fn tell(&self, at: DateTime<Utc>) -> String {
        let (at, now) = (
            at.with_timezone(&self.timezone),
            self.now.with_timezone(&self.timezone),
        );
        let form = if at.date_naive() == now.date_naive() {
            "%H:%M:%S"
        } else {
            "%Y-%m-%d %H:%M:%S"
        };
        at.format(form).to_string()
    }
}

/// `1 attempt`, `3 attempts`.
pub(super) fn attempts(count: i32) -> String {
    format!("{count} attempt{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_in_words() {
        assert_eq!(
            (attempts(1), attempts(2)),
            ("1 attempt".to_owned(), "2 attempts".to_owned())
        );
    }

    #[test]
    fn a_day_is_told_only_when_it_is_not_today_at_the_school() {
        let moment = Moment {
            now: "2026-11-21T19:00:00Z".parse().unwrap(),
            timezone: chrono_tz::Asia::Kolkata,
        };
        let tell = |text: &str| moment.tell(text.parse().unwrap());
        // 19:00 UTC is half past midnight in Kolkata: the day began half an hour ago.
        assert_eq!(tell("2026-11-21T18:45:03Z"), "00:15:03");
        assert_eq!(tell("2026-11-21T18:15:03Z"), "2026-11-21 23:45:03");
    }
}
