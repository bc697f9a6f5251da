//! What a school wants where two sessions would be at one time. Pure; where it comes from, the callers know.

use crate::chosen;
use std::str::FromStr;

/// Whether a trainer's sessions may be at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrainerSessions {
    /// One student at a time: a new session is not at the time of one with another student.
    #[default]
    OneAtATime,
    /// Several students at once, as in a group.
    Several,
}

impl TrainerSessions {
    /// What a text must be.
    pub const EXPECTED: &str = "one-at-a-time or several";
}

impl FromStr for TrainerSessions {
    type Err = NotUnderstood;

    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        match text {
            "one-at-a-time" => Ok(Self::OneAtATime),
            "several" => Ok(Self::Several),
            _ => Err(NotUnderstood),
        }
    }
}

/// Other times of day for a session whose own time is taken on its day, the best first; none unless a school names some.
///
/// ```
/// use makegood::clash_rules::AlternativeSlots;
///
/// let evening: AlternativeSlots = "5:00 PM, 18:30".parse()?;
/// assert_eq!(evening.texts(), ["5:00 PM", "6:30 PM"]);
/// assert!("5:00 PM, later".parse::<AlternativeSlots>().is_err());
/// # Ok::<(), makegood::clash_rules::NotUnderstood>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlternativeSlots(Vec<String>);

impl AlternativeSlots {
    /// What a text must be.
    pub const EXPECTED: &str = "times of day with commas between them, such as 5:00 PM,6:30 PM";

    /// As they are written into rows.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for AlternativeSlots {
    type Err = NotUnderstood;

    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let read = |text: &str| chosen::slot(text).map(chosen::write_slot).ok_or(NotUnderstood);
        text.split(',')
            .filter(|text| !text.trim().is_empty())
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// The text is none of what is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not what is expected here")]
pub struct NotUnderstood;

/// What a school wants where two sessions would be at one time (docs/decisions/0096, 0104).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClashRules {
    /// Whether a trainer's sessions may be at one time.
    pub trainer_sessions: TrainerSessions,
    /// Other times of day to try on the same day.
    pub alternatives: AlternativeSlots,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_each_spelling_and_one_that_is_none_is_refused() {
        for (text, expected) in [
            ("", Ok(Vec::new())),
            (" ", Ok(vec![])),
            ("17:00", Ok(vec!["5:00 PM"])),
            ("5pm,6.30 p.m.,", Ok(vec!["5:00 PM", "6:30 PM"])),
            ("5:00 PM;6:00 PM", Err(NotUnderstood)),
            ("evening", Err(NotUnderstood)),
            ("25:00", Err(NotUnderstood)),
        ] {
            let slots = text.parse::<AlternativeSlots>();
            let texts = slots
                .as_ref()
                .map(|slots| slots.texts().iter().map(String::as_str).collect());
            assert_eq!(texts.map_err(|error| *error), expected, "{text:?}");
        }
    }

    #[test]
    fn a_trainer_teaches_one_at_a_time_unless_it_is_said() {
        assert_eq!("one-at-a-time".parse(), Ok(TrainerSessions::default()));
        assert_eq!("several".parse(), Ok(TrainerSessions::Several));
        assert_eq!("group".parse::<TrainerSessions>(), Err(NotUnderstood));
    }
}
