//! What is missing, in words. Pure: rows in, a sentence out.

use serde::Serialize;

/// What is missing, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Stable, for scripts.
    pub code: &'static str,
    /// In words, such as `paid 12:01:03, no purchase yet, event parked 12:01:05: <reason>`. May hold a failure's reason.
    pub sentence: String,
    /// A command, or whom to ask.
    pub next_step: String,
}

/// What the rows say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {}

/// What is missing; none when all is there, or nothing is owed.
#[must_use]
pub fn missing(_sight: &Sight) -> Option<Gap> {
    None
}
