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

    /// Whether both are the same time of day, however it is spelled. A text that is no time is the same as its like only.
    #[must_use]
    pub fn is_same_time(&self, other: &Self) -> bool {
        match (self.starts, other.starts) {
            (Some(one), Some(another)) => one == another,
            (None, None) => self.text == other.text,
            _ => false,
        }
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
    fn one_time_in_two_spellings_is_the_same_and_a_text_that_is_no_time_is_its_like_only() {
        let is_same = |one: &str, another: &str| {
            let (one, another) = (TimeSlot::booked(one), TimeSlot::booked(another));
            assert_eq!(one.is_same_time(&another), another.is_same_time(&one));
            one.is_same_time(&another)
        };
        for (one, another) in [
            ("5:00 PM", "17:00"),
            ("5pm", "05:00 p.m."),
            ("evening", "evening"),
        ] {
            assert!(is_same(one, another), "{one}, {another}");
        }
        for (one, another) in [
            ("5:00 PM", "5:00 AM"),
            ("5:00 PM", "5:01 PM"),
            ("evening", "late"),
            ("5:00 PM", "evening"),
        ] {
            assert!(!is_same(one, another), "{one}, {another}");
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
