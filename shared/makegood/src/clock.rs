//! Time as a value that is handed in: `main` takes the system's, tests a fixed one.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// Where "now" comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Always the same instant.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The present instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Fixed(instant) => *instant,
        }
    }

    /// The calendar day it is now at the school, which is not always UTC's.
    #[must_use]
    pub fn today(&self, timezone: Tz) -> NaiveDate {
        self.now().with_timezone(&timezone).date_naive()
    }
}
