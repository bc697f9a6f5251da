//! A circuit breaker: after several failures in a row a service that is down is left alone for a while.
//!
//! Of its own, since the well-kept crates (`failsafe`, `recloser`, `tower-resilience-circuitbreaker`) read the clock
//! themselves, and a probe whose future is dropped at the deadline would keep theirs half open for ever.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether a call may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Make it, and report how it went.
    Granted,
    /// Leave the service alone.
    Refused {
        /// When the next call may try it.
        until: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: DateTime<Utc>,
    },
    /// One call is trying the service; if it never reports (its future was dropped), another may after the cool-down.
    HalfOpen {
        until: DateTime<Utc>,
    },
}

/// Closed, open, or half open, for one environment of the function.
///
/// What it refuses goes back to its queue as of an outage and uses up no attempt; after thirty receives, which are hours, it is
/// parked like any other message of a long outage, and the reconcile sweep publishes a purchase without allocation again.
#[derive(Debug)]
pub struct Breaker {
    failures_to_open: u32,
    cool_down: TimeDelta,
    state: Mutex<State>,
}

impl Default for Breaker {
    /// Opens after five failures in a row, for ten seconds.
    fn default() -> Self {
        Self::new(5, TimeDelta::seconds(10))
    }
}

impl Breaker {
    /// Opens after this many failures in a row, for this long.
    #[must_use]
    pub fn new(failures_to_open: u32, cool_down: TimeDelta) -> Self {
        Self {
            failures_to_open,
            cool_down,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Asks for a call. After the cool-down one caller gets through, the others wait for how it fares.
    pub fn permit(&self, now: DateTime<Utc>) -> Permit {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => Permit::Granted,
            State::Open { until } | State::HalfOpen { until } if now < until => Permit::Refused { until },
            State::Open { .. } | State::HalfOpen { .. } => {
                *state = State::HalfOpen {
                    until: now + self.cool_down,
                };
                Permit::Granted
            }
        }
    }

    /// The service answered as it should: closed.
    pub fn succeeded(&self) {
        *self.lock() = State::Closed { failures: 0 };
    }

    /// The service failed: timeout, broken connection, 5xx, or nonsense.
    pub fn failed(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        let opened = State::Open {
            until: now + self.cool_down,
        };
        *state = match *state {
            State::Closed { failures } if failures + 1 < self.failures_to_open => State::Closed {
                failures: failures + 1,
            },
            // A call that was under way when it opened does not prolong the cool-down.
            State::Open { until } => State::Open { until },
            State::Closed { .. } | State::HalfOpen { .. } => {
                tracing::warn!(
                    cool_down_seconds = self.cool_down.num_seconds(),
                    "the admin service's circuit is open"
                );
                opened
            }
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is a plain value: a panic elsewhere can't have left it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(number)
    }

    fn open_at_zero() -> Breaker {
        let breaker = Breaker::new(3, TimeDelta::seconds(10));
        for _ in 0..3 {
            assert_eq!(breaker.permit(second(0)), Permit::Granted);
            breaker.failed(second(0));
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_a_success_starts_the_count_again() {
        let breaker = Breaker::new(3, TimeDelta::seconds(10));
        breaker.failed(second(0));
        breaker.failed(second(0));
        breaker.succeeded();
        breaker.failed(second(0));
        breaker.failed(second(0));
        assert_eq!(breaker.permit(second(0)), Permit::Granted);
        breaker.failed(second(0));
        assert_eq!(breaker.permit(second(9)), Permit::Refused { until: second(10) });
    }

    #[test]
    fn after_the_cool_down_one_probe_goes_through_and_its_success_closes() {
        let breaker = open_at_zero();
        assert_eq!(breaker.permit(second(10)), Permit::Granted);
        assert_eq!(breaker.permit(second(10)), Permit::Refused { until: second(20) });
        breaker.succeeded();
        assert_eq!(breaker.permit(second(10)), Permit::Granted);
        assert_eq!(breaker.permit(second(10)), Permit::Granted);
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let breaker = open_at_zero();
        assert_eq!(breaker.permit(second(12)), Permit::Granted);
        breaker.failed(second(13));
        assert_eq!(breaker.permit(second(22)), Permit::Refused { until: second(23) });
    }

    #[test]
    fn a_probe_that_never_reports_blocks_the_next_one_for_a_cool_down_at_most() {
        let breaker = open_at_zero();
        assert_eq!(breaker.permit(second(10)), Permit::Granted);
        assert_eq!(breaker.permit(second(20)), Permit::Granted);
    }
}
