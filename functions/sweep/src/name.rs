//! Which sweep a schedule asks for.

use serde_json::Value;

/// The sweeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepName {
    /// Publishes what a crash left unpublished.
    Outbox,
    /// Requeues jobs whose worker died, and wakes those that nobody took.
    StaleJobs,
    /// Frees what was reserved and not paid in time.
    Reservations,
    /// Compares what is paid with what is there.
    Reconcile,
    /// Compares all history of what is paid with what is there, a part in each run.
    Compare,
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
    pub const ALL: [Self; 6] = [
        Self::Outbox,
        Self::StaleJobs,
        Self::Reservations,
        Self::Reconcile,
        Self::Compare,
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
                message.contains("outbox, stale-jobs, reservations, reconcile, compare, health"),
                "{message}"
            );
        }
    }
}
