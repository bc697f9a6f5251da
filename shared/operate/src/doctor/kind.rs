//! What a kind of finding is.

use super::Guarantee;
use serde::Serialize;

/// Whether rows of a kind break a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A guarantee does not hold.
    Breach,
    /// The guarantee holds, and something waits: for a trainer, for the next top-up, for a person.
    Notice,
}

/// One kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kind {
    /// Stable, for scripts, and the anchor of its section in docs/operations.md.
    pub code: &'static str,
    /// Which guarantee.
    pub guarantee: Guarantee,
    /// Whether it is a breach.
    pub severity: Severity,
    /// In words.
    pub title: &'static str,
    /// What to do first.
    pub next_step: &'static str,
}

pub(super) const fn breach(
    guarantee: Guarantee,
    code: &'static str,
    title: &'static str,
    next_step: &'static str,
) -> Kind {
    Kind {
        code,
        guarantee,
        severity: Severity::Breach,
        title,
        next_step,
    }
}

pub(super) const fn notice(
    guarantee: Guarantee,
    code: &'static str,
    title: &'static str,
    next_step: &'static str,
) -> Kind {
    Kind {
        severity: Severity::Notice,
        ..breach(guarantee, code, title, next_step)
    }
}
