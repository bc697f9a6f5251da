//! The time of day of an allocation's sessions: kept as it was written, read leniently.

use chrono::{NaiveTime, Timelike};
use std::fmt;

/// What the column holds, in characters.
const LONGEST: usize = 20;

/// A time of day as somebody wrote it, such as `5:30 PM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSlot {
    text: String,
    starts: Option<NaiveTime>,
}

impl TimeSlot {
    /// When none was chosen (SPEC 3).
    pub const DEFAULT: &'static str = "4:00 PM";

    /// The chosen text, or [`TimeSlot::DEFAULT`]. A text too long for the column becomes the time that it starts with,
    /// since a paid session is not refused for its spelling; one without a readable time becomes the default.
    #[must_use]
    pub fn chosen(text: Option<&str>) -> Self {
        let text = text
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .unwrap_or(Self::DEFAULT);
        let starts = read_start(text);
        if text.chars().count() <= LONGEST {
            return Self {
                text: text.to_owned(),
                starts,
            };
        }
        starts.map_or_else(
            || Self::chosen(None),
            |time| Self {
                text: write(time),
                starts,
            },
        )
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

/// `5:30 PM`, `5.30pm`, `5 p.m.`, `17:30`, `17:30:00`, and the start of `5:30 PM - 6:10 PM`.
fn read_start(text: &str) -> Option<NaiveTime> {
    let text = text
        .to_uppercase()
        .replace("A.M.", "AM")
        .replace("P.M.", "PM")
        .replace('.', ":");
    let start = text.split(['-', '–', '—']).next().unwrap_or_default();
    let (clock, afternoon) = match start.find(['A', 'P']) {
        None => (start, None),
        Some(at) => match start[at..].trim() {
            "AM" => (&start[..at], Some(false)),
            "PM" => (&start[..at], Some(true)),
            _ => return None,
        },
    };
    let mut parts = clock.trim().split(':').map(|part| part.trim().parse::<u32>());
    let hour = parts.next()?.ok()?;
    let minute = match parts.next() {
        Some(minute) => minute.ok()?,
        // `5 PM` is a time; a bare `5` is not.
        None => afternoon.map(|_| 0)?,
    };
    let second = parts.next().unwrap_or(Ok(0)).ok()?;
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_opt(hour_of_day(hour, afternoon)?, minute, second)
}

fn hour_of_day(hour: u32, afternoon: Option<bool>) -> Option<u32> {
    match afternoon {
        None => Some(hour),
        Some(_) if !(1..=12).contains(&hour) => None,
        Some(false) => Some(hour % 12),
        Some(true) => Some(hour % 12 + 12),
    }
}

fn write(time: NaiveTime) -> String {
    let (afternoon, hour) = time.hour12();
    format!(
        "{hour}:{:02} {}",
        time.minute(),
        if afternoon { "PM" } else { "AM" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn starts(text: &str) -> Option<(u32, u32)> {
        TimeSlot::chosen(Some(text))
            .starts()
            .map(|time| (time.hour(), time.minute()))
    }

    #[test]
    fn a_time_is_read_however_it_is_spelled() {
        for (text, expected) in [
            ("5:30 PM", (17, 30)),
            ("5:30 pm", (17, 30)),
            ("5.30pm", (17, 30)),
            ("5:30 p.m.", (17, 30)),
            ("17:30", (17, 30)),
            ("17:30:00", (17, 30)),
            ("5:30 PM - 6:10 PM", (17, 30)),
            ("7 am", (7, 0)),
            ("12:00 PM", (12, 0)),
            ("12:15 AM", (0, 15)),
            ("09:05", (9, 5)),
        ] {
            assert_eq!(starts(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_kept_as_it_was_written_and_never_guessed() {
        for text in [
            "evening", "5", "25:00", "13:00 PM", "0 AM", "4:60 PM", "1:2:3:4", "PM", "4 PAST", "–",
        ] {
            let slot = TimeSlot::chosen(Some(text));
            assert_eq!((slot.as_str(), slot.starts()), (text, None));
        }
    }

    #[test]
    fn none_chosen_is_four_in_the_afternoon() {
        for text in [None, Some(""), Some("   ")] {
            assert_eq!(TimeSlot::chosen(text).as_str(), "4:00 PM");
        }
    }

    #[test]
    fn a_text_too_long_for_the_column_becomes_its_time() {
        assert_eq!(
            TimeSlot::chosen(Some("05:30 PM – 06:10 PM (India)")).as_str(),
            "5:30 PM"
        );
        assert_eq!(
            TimeSlot::chosen(Some("whenever the trainer is free")).as_str(),
            "4:00 PM"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_or_outgrows_the_column(text in "\\PC*") {
            prop_assert!(TimeSlot::chosen(Some(&text)).as_str().chars().count() <= LONGEST);
        }

        #[test]
        fn what_is_written_reads_back(hour in 0_u32..24, minute in 0_u32..60) {
            let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
            prop_assert_eq!(read_start(&write(time)), Some(time));
        }
    }
}
