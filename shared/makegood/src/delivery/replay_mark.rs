//! The mark on a dead letter that was sent back to its source, so that it is known again when it is parked once more.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Which dead letter a message is, and for the how-manieth time it was sent back. A message attribute, so that the body
/// stays byte for byte what it was; SQS keeps attributes when it moves a message by itself.
///
/// ```
/// use makegood::delivery::ReplayMark;
/// use uuid::Uuid;
///
/// let mark = ReplayMark { dead_letter_id: Uuid::nil(), generation: 2 };
/// assert_eq!(mark.to_string(), "00000000-0000-0000-0000-000000000000:2");
/// assert_eq!(mark.to_string().parse(), Ok(mark));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayMark {
    /// The row of `dead_letters`.
    #[serde(rename = "letterId")]
    pub dead_letter_id: Uuid,
    /// From 1.
    pub generation: i32,
}

impl ReplayMark {
    /// The name of the SQS message attribute.
    pub const ATTRIBUTE: &'static str = "makegoodReplay";
}

impl fmt::Display for ReplayMark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.dead_letter_id, self.generation)
    }
}

/// The text is no mark. Its message is then a message like any other.
///
/// ```
/// use makegood::delivery::{NoMark, ReplayMark};
///
/// assert_eq!("7:2".parse::<ReplayMark>(), Err(NoMark));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no replay mark; it is a dead letter's id, a colon, and a number from 1")]
pub struct NoMark;

impl FromStr for ReplayMark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let (dead_letter_id, generation) = text.split_once(':').ok_or(NoMark)?;
        let generation: i32 = generation.parse().map_err(|_| NoMark)?;
        let dead_letter_id = Uuid::parse_str(dead_letter_id).map_err(|_| NoMark)?;
        if generation < 1 {
            return Err(NoMark);
        }
        Ok(Self {
            dead_letter_id,
            generation,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_anything_else_is_none() {
        let mark = ReplayMark {
            dead_letter_id: Uuid::from_u128(7),
            generation: 3,
        };
        assert_eq!(mark.to_string().parse(), Ok(mark));
        for text in [
            "",
            "7:3",
            &format!("{}:0", mark.dead_letter_id),
            &format!("{}:x", mark.dead_letter_id),
        ] {
            assert_eq!(text.parse::<ReplayMark>(), Err(NoMark), "{text}");
        }
    }
}
