//! `makegood doctor`: the guarantees G1 to G12 as questions to the database. Each kind of breach has a code of its own, which is
//! also the anchor of its section in docs/operations.md.
//!
//! A reading is one snapshot (`REPEATABLE READ READ ONLY`), takes no lock beyond a reader's, and writes nothing. It reads whole
//! tables: it is for a person and for a schedule, not for a request that a buyer waits for.

mod constraints;
mod guarantee;
mod kind;
mod kinds;
mod questions;
mod run;

pub use guarantee::{Guarantee, UnknownGuarantee};
pub use kind::{Kind, Severity};
pub use kinds::{KINDS, kind};
pub use run::check;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use makegood::school_days::TeachingDays;
use serde::Serialize;
use std::collections::BTreeSet;

/// The most ids that a finding lists; the rest is counted.
pub const EXAMPLES: usize = 20;

/// What to look at, and when it is.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Only these guarantees; all of them when empty.
    pub only: BTreeSet<Guarantee>,
    /// The present instant: what is younger than its grace is not missing yet.
    pub now: DateTime<Utc>,
    /// Where the school is: its "today" decides which sessions are ahead.
    pub timezone: Tz,
    /// The days of the week on which it teaches.
    pub teaching_days: TeachingDays,
    /// `SINGLE_OPERATOR`: whether the stack says that no second operator confirms an edit.
    pub single_operator: bool,
}

/// Rows that break a guarantee in one way, or that wait for a person (see [`Severity`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which guarantee.
    pub guarantee: Guarantee,
    /// Stable, for scripts; one kind of breach.
    pub code: &'static str,
    /// Whether it is a breach.
    pub severity: Severity,
    /// In words.
    pub title: &'static str,
    /// How many rows; at least one.
    pub count: i64,
    /// The oldest of them, at most [`EXAMPLES`]: ids that `makegood trace` accepts, where there are such.
    pub examples: Vec<String>,
    /// Since when, where a row says so.
    pub oldest_at: Option<DateTime<Utc>>,
    /// The section of docs/operations.md.
    pub anchor: &'static str,
    /// What to do first: a command, or whom to ask.
    pub next_step: &'static str,
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The moment that the graces were measured from.
    pub at: DateTime<Utc>,
    /// How long the reading took.
    pub millis: u64,
    /// The zone whose days count, as the IANA database names it.
    pub time_zone: &'static str,
    /// The release of the IANA database by whose rules this program knows that zone, such as 2025b.
    pub time_zone_rules: &'static str,
    /// What was looked at, in order.
    pub examined: Vec<Guarantee>,
    /// What was found, in the order of [`KINDS`]; kinds without rows are left out.
    pub findings: Vec<Finding>,
    /// Why rows may be missed (`makegood check-database`): nothing that was looked at can be said to hold while there is any.
    pub unseen: Vec<makegood::database::Finding>,
}

impl Report {
    /// The breaches among the findings.
    pub fn breaches(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Breach)
    }

    /// Whether every guarantee that was looked at holds, as far as all rows were seen.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.breaches().next().is_none() && self.unseen.is_empty()
    }
}
