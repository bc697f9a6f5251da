//! The sweeps as the console knows them.

use chrono::{DateTime, TimeDelta, Utc};

/// A sweep as the console knows it.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// How often its schedule runs it.
    pub every: TimeDelta,
}

/// The sweeps.
pub const SWEEPS: [Sweep; 7] = [
    Sweep {
        name: "reconcile",
        what: "Compares what is paid with what is there, heals what is safe, opens a case for the rest.",
        every: TimeDelta::minutes(5),
    },
    Sweep {
        name: "compare",
        what: "Compares all history of what is paid with what is there: each week, a part in each run.",
        every: TimeDelta::minutes(15),
    },
    Sweep {
        name: "statement",
        what: "Compares the provider's own list of payments and refunds with what is here; records what no webhook told of.",
        every: TimeDelta::hours(1),
    },
    Sweep {
        name: "stale-jobs",
        what: "Takes jobs from workers that died, and wakes a worker for those that no worker took.",
        every: TimeDelta::minutes(5),
    },
    Sweep {
        name: "outbox",
        what: "Publishes what a crash left unpublished.",
        every: TimeDelta::minutes(1),
    },
    Sweep {
        name: "reservations",
        what: "Frees stock that was reserved and not paid in time.",
        every: TimeDelta::minutes(1),
    },
    Sweep {
        name: "health",
        what: "Samples what waits and counts what was made, for the plots.",
        every: TimeDelta::minutes(1),
    },
];

/// What a schedule may be late beside the runs that it may miss; with them, a sweep of each minute is silent after five
/// minutes, as for the alarm.
const SLACK: TimeDelta = TimeDelta::minutes(2);
const MAY_MISS: i32 = 3;

/// Whether a sweep whose last run began then should have run again long ago. Of one that the console does not know, that
/// can't be told.
pub fn is_silent(name: &str, last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let known = SWEEPS.into_iter().find(|sweep| sweep.name == name);
    known.is_some_and(|sweep| now - last > sweep.every * MAY_MISS + SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_silent_when_several_of_its_runs_are_missing() {
        let now = DateTime::UNIX_EPOCH;
        let silent = |name, minutes| is_silent(name, now - TimeDelta::minutes(minutes), now);
        assert_eq!((silent("outbox", 5), silent("outbox", 6)), (false, true));
        assert_eq!((silent("reconcile", 17), silent("reconcile", 18)), (false, true));
        assert!(!silent("a sweep of another version", 1_000));
    }
}
