//! Which sweep a schedule asks for.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

/// The sweeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepName {
    /// Publishes what a crash left unpublished.
    Outbox,
    /// Requeues jobs whose worker died, and wakes those that no worker took.
    StaleJobs,
    /// Frees what was reserved and not paid in time.
    Reservations,
    /// Compares what is paid with what is there.
    Reconcile,
    /// Compares all history of what is paid with what is there, a part in each run.
    Compare,
    /// Compares the provider's own statement with what is here.
    Statement,
    /// Keeps what waits at this moment, for the console's plots.
    Health,
}

/// The schedule's input names no sweep that there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the input {found} names no sweep; send {{\"sweep\": \"<name>\"}} with one of: {known}")]
pub struct UnknownSweep {
    found: String,
    known: String,
}

impl SweepName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Outbox,
        Self::StaleJobs,
        Self::Reservations,
        Self::Reconcile,
        Self::Compare,
        Self::Statement,
        Self::Health,
    ];

    /// As the schedule's input has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::StaleJobs => "stale-jobs",
            Self::Reservations => "reservations",
            Self::Reconcile => "reconcile",
            Self::Compare => "compare",
            Self::Statement => "statement",
            Self::Health => "health",
        }
    }

    /// Reads `{"sweep": "<name>"}`.
    ///
    /// # Errors
    /// Names the sweeps that there are.
    pub fn read(event: &Value) -> Result<Self, UnknownSweep> {
        let name = event.get("sweep").and_then(Value::as_str);
        Self::ALL
            .into_iter()
            .find(|sweep| Some(sweep.wire_name()) == name)
            .ok_or_else(|| UnknownSweep {
                found: event.to_string().chars().take(80).collect(),
                known: Self::ALL.map(Self::wire_name).join(", "),
            })
    }
}

/// The schedule's input has a `since` that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "since must be a day such as 2026-01-31 or an instant such as 2026-01-31T00:00:00Z, for the sweep statement alone"
)]
pub struct NoInstant;

/// From when on the sweep `statement` reads, where its input says so: `{"sweep": "statement", "since": "2026-01-31"}`. A day begins in UTC.
///
/// # Errors
/// When it is there and no instant, or for another sweep.
pub fn read_since(sweep: SweepName, event: &Value) -> Result<Option<DateTime<Utc>>, NoInstant> {
    let Some(since) = event.get("since").filter(|since| !since.is_null()) else {
        return Ok(None);
    };
    let text = since
        .as_str()
        .filter(|_| sweep == SweepName::Statement)
        .ok_or(NoInstant)?;
    let day = || {
        text.parse::<NaiveDate>()
            .ok()?
            .and_hms_opt(0, 0, 0)
            .map(|day| day.and_utc())
    };
    text.parse().ok().or_else(day).map(Some).ok_or(NoInstant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sweep_that_there_is_not_is_answered_with_those_that_there_are() {
        assert_eq!(
            SweepName::read(&json!({"sweep": "reconcile"})),
            Ok(SweepName::Reconcile)
        );
        for input in [
            json!({"sweep": "dust"}),
            json!({}),
            json!(null),
            json!({"sweep": 3}),
        ] {
            let message = SweepName::read(&input).unwrap_err().to_string();
            assert!(
                message.contains("outbox, stale-jobs, reservations, reconcile, compare, statement, health"),
                "{message}"
            );
        }
    }

    #[test]
    fn since_is_a_day_or_an_instant_and_for_the_statement_alone() {
        let read = |sweep, since: Value| {
            read_since(sweep, &json!({"since": since})).map(|at| at.map(|at| at.to_rfc3339()))
        };
        let day = Ok(Some("2026-01-31T00:00:00+00:00".to_owned()));
        assert_eq!(read(SweepName::Statement, json!("2026-01-31")), day);
        assert_eq!(
            read(SweepName::Statement, json!("2026-01-31T05:30:00+05:30")),
            day
        );
        assert_eq!(read(SweepName::Reconcile, json!(null)), Ok(None));
        for (sweep, since) in [
            (SweepName::Statement, json!("yesterday")),
            (SweepName::Statement, json!(1_767_268_800)),
            (SweepName::Reconcile, json!("2026-01-31")),
        ] {
            assert_eq!(read(sweep, since.clone()), Err(NoInstant), "{since}");
        }
    }
}
