//! One line of the answer.

use crate::preflight::ask::Refusal;
use serde::Serialize;

/// What a line means for the deployment. The order is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It would fail, or what it makes would not work.
    Fails,
    /// Not known: the account could not be asked.
    Unasked,
    /// It works, and something about it can hurt.
    Risk,
    /// What it costs in a month, whatever is sold.
    Costs,
    /// Looked at, and fine.
    Fine,
}

/// What was looked at, what was seen, and what to do.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What it means.
    pub verdict: Verdict,
    /// What was looked at.
    pub about: &'static str,
    /// What was seen.
    pub says: String,
    /// What to do; empty where nothing is to do.
    pub next: String,
}

impl Row {
    /// The deployment would fail.
    pub fn fails(about: &'static str, says: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fails,
            about,
            says: says.into(),
            next: next.into(),
        }
    }

    /// Something can hurt.
    pub fn risk(about: &'static str, says: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Risk,
            about,
            says: says.into(),
            next: next.into(),
        }
    }

    /// It costs something.
    pub fn costs(says: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Costs,
            about: "cost",
            says: says.into(),
            next: String::new(),
        }
    }

    /// Nothing is wrong.
    pub fn fine(about: &'static str, says: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fine,
            about,
            says: says.into(),
            next: String::new(),
        }
    }

    /// With something to do all the same.
    #[must_use]
    pub fn then(self, next: &str) -> Self {
        Self {
            next: next.to_owned(),
            ..self
        }
    }

    /// The account could not be asked.
    pub fn unasked(about: &'static str, refusal: &Refusal) -> Self {
        let next = match refusal {
            Refusal::Denied(_) => {
                "let these credentials read it (`makegood preflight --policy` prints the policy), or look yourself"
            }
            _ => "run it again, or look yourself",
        };
        Self {
            verdict: Verdict::Unasked,
            about,
            says: refusal.to_string(),
            next: next.to_owned(),
        }
    }
}
