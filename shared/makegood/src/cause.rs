//! Why a piece of work failed, closed: who is to blame decides whether an attempt is used up.

use crate::db::ErrorClass;
use std::fmt;

/// Why a run failed. Only [`Cause::OwnFault`] uses up attempts.
///
/// ```
/// use makegood::cause::Cause;
///
/// let spared: Vec<_> = Cause::ALL.into_iter().filter(|cause| !cause.uses_attempt()).collect();
/// assert_eq!(spared, [Cause::Outage, Cause::Drift, Cause::Lock, Cause::WorkerLost]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// What the work needs was away: the database, a queue, a gateway. Later is better.
    Outage,
    /// The schema is not the one that this program was built for. A migration, or the next version, ends it.
    Drift,
    /// Another transaction held the rows.
    Lock,
    /// The worker never came back: it was killed, ran out of time, or could not reach the database to say what failed. An
    /// outage looks like this, and so does a record that kills its worker; therefore it is spared a bounded number of times.
    WorkerLost,
    /// The record itself: it would fail as well on a healthy system.
    OwnFault,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Outage,
        Self::Drift,
        Self::Lock,
        Self::WorkerLost,
        Self::OwnFault,
    ];

    /// As the columns have it.
    ///
    /// ```
    /// use makegood::cause::Cause;
    ///
    /// assert_eq!(Cause::WorkerLost.wire_name(), "worker_lost");
    /// ```
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Drift => "drift",
            Self::Lock => "lock",
            Self::WorkerLost => "worker_lost",
            Self::OwnFault => "own_fault",
        }
    }

    /// The cause of this wire name.
    ///
    /// None where there is no such cause.
    ///
    /// ```
    /// use makegood::cause::Cause;
    ///
    /// assert_eq!(Cause::from_wire_name("lock"), Some(Cause::Lock));
    /// assert_eq!(Cause::from_wire_name("Lock"), None);
    /// ```
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.wire_name() == name)
    }

    /// Whether a run that failed for this cause counts against the record.
    ///
    /// ```
    /// use makegood::{cause::Cause, db::ErrorClass};
    ///
    /// assert!(Cause::from(ErrorClass::BadData).uses_attempt());
    /// assert!(!Cause::from(ErrorClass::Unavailable).uses_attempt());
    /// ```
    #[must_use]
    pub const fn uses_attempt(self) -> bool {
        match self {
            Self::OwnFault => true,
            Self::Outage | Self::Drift | Self::Lock | Self::WorkerLost => false,
        }
    }

    /// Whether the work succeeds by itself once the cause is gone, so that a program may try it again without being asked.
    ///
    /// ```
    /// use makegood::cause::Cause;
    ///
    /// assert!(Cause::Outage.heals_by_itself());
    /// assert!(!Cause::OwnFault.heals_by_itself());
    /// ```
    #[must_use]
    pub const fn heals_by_itself(self) -> bool {
        !self.uses_attempt()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.wire_name())
    }
}

impl From<ErrorClass> for Cause {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Unavailable | ErrorClass::LoginRefused | ErrorClass::StaleStatement => Self::Outage,
            ErrorClass::SchemaDrift | ErrorClass::NoArbiter => Self::Drift,
            ErrorClass::Contention | ErrorClass::Blocked => Self::Lock,
            ErrorClass::Aborted | ErrorClass::UniqueViolation | ErrorClass::BadData | ErrorClass::Other => {
                Self::OwnFault
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_by_its_name_and_only_the_records_own_fault_counts() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_wire_name(cause.wire_name()), Some(cause));
            assert_eq!(cause.uses_attempt(), cause == Cause::OwnFault);
        }
        assert_eq!(Cause::from_wire_name("gremlins"), None);
    }

    #[test]
    fn what_is_an_outage_for_the_database_is_an_outage_here() {
        for class in [
            ErrorClass::Unavailable,
            ErrorClass::LoginRefused,
            ErrorClass::Contention,
            ErrorClass::Blocked,
            ErrorClass::StaleStatement,
            ErrorClass::Aborted,
            ErrorClass::NoArbiter,
            ErrorClass::UniqueViolation,
            ErrorClass::BadData,
            ErrorClass::SchemaDrift,
            ErrorClass::Other,
        ] {
            let of_the_server = matches!(
                class,
                ErrorClass::Unavailable | ErrorClass::LoginRefused | ErrorClass::StaleStatement
            );
            assert_eq!(of_the_server, Cause::from(class) == Cause::Outage, "{class:?}");
        }
    }
}
