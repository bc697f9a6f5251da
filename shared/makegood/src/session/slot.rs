//! The time of day of an allocation's sessions.

use crate::chosen;
use chrono::NaiveTime;
use std::fmt;

/// A time of day, such as `5:30 PM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSlot {
    text: String,
    starts: Option<NaiveTime>,
}

impl TimeSlot {
    /// When none was chosen (SPEC 3).
    pub const DEFAULT: &'static str = "4:00 PM";

    /// What was chosen, in its normal form, so that equal times are equal texts; [`TimeSlot::DEFAULT`] where nothing was, or nothing that
    /// is understood: a paid session is not refused for its spelling.
    #[must_use]
    pub fn chosen(text: Option<&str>) -> Self {
        let starts = text
            .and_then(chosen::slot)
            .or_else(|| chosen::slot(Self::DEFAULT));
        Self {
            text: starts.map_or_else(|| Self::DEFAULT.to_owned(), chosen::write_slot),
            starts,
        }
    }

    /// As a session has it that is on the calendar already.
    #[must_use]
    pub fn booked(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            starts: chosen::slot(text),
        }
    }

    /// As it is written into the row.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// When a session at this slot begins; none when the text can't be read as a time.
    #[must_use]
    pub fn starts(&self) -> Option<NaiveTime> {
        self.starts
    }
}

impl fmt::Display for TimeSlot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Timelike;

    fn chosen(text: Option<&str>) -> String {
        TimeSlot::chosen(text).to_string()
    }

    #[test]
    fn equal_times_are_equal_texts() {
        for text in [
            "5:30 PM",
            "5:30 pm",
            "5.30pm",
            "5:30 p.m.",
            "17:30",
            "05:30 PM – 06:10 PM (India)",
        ] {
            assert_eq!(chosen(Some(text)), "5:30 PM", "{text}");
        }
    }

    #[test]
    fn nothing_and_nothing_that_is_understood_is_four_in_the_afternoon() {
        for text in [
            None,
            Some(""),
            Some("   "),
            Some("evening"),
            Some("5"),
            Some("25:00"),
        ] {
            assert_eq!(chosen(text), TimeSlot::DEFAULT, "{text:?}");
        }
    }

    #[test]
    fn what_is_booked_stays_as_it_is_and_is_never_guessed() {
        assert_eq!(TimeSlot::booked("evening").starts(), None);
        let booked = TimeSlot::booked("17:30");
        assert_eq!(booked.as_str(), "17:30");
        assert_eq!(
            booked.starts().map(|time| (time.hour(), time.minute())),
            Some((17, 30))
        );
    }
}
