//! How long a record waits before it is delivered again.

use rand::Rng;
use std::time::Duration;

/// The longest that SQS messages are kept away here.
const LONGEST_SECONDS: u64 = 900;

/// Exponential with full jitter between half and all of `2^attempt` seconds, at most 15 minutes; whole seconds, as
/// SQS counts visibility. `attempt` is the one that just failed, from 1.
///
/// ```
/// use makegood::delivery::retry_delay;
/// use std::time::Duration;
///
/// let range = Duration::from_secs(4)..=Duration::from_secs(8);
/// assert!(range.contains(&retry_delay(3)));
/// assert!(retry_delay(1_000) <= Duration::from_secs(900));
/// ```
#[must_use]
pub fn retry_delay(attempt: u32) -> Duration {
    delay(2_u64.saturating_pow(attempt.clamp(1, 20)))
}

/// The same while something that the record needs is away: from ten seconds on, since no record gets through sooner, and it costs no
/// attempt.
///
/// ```
/// use makegood::delivery::outage_delay;
/// use std::time::Duration;
///
/// let range = Duration::from_secs(5)..=Duration::from_secs(10);
/// assert!(range.contains(&outage_delay(1)));
/// ```
#[must_use]
pub fn outage_delay(attempt: u32) -> Duration {
    delay(10_u64.saturating_mul(2_u64.saturating_pow(attempt.clamp(1, 20) - 1)))
}

fn delay(ceiling_seconds: u64) -> Duration {
    let ceiling = ceiling_seconds.min(LONGEST_SECONDS);
    Duration::from_secs(rand::rng().random_range(ceiling.div_ceil(2)..=ceiling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_stay_within_bounds() {
        for (attempt, least, most) in [
            (0, 1, 2),
            (1, 1, 2),
            (2, 2, 4),
            (5, 16, 32),
            (12, 450, 900),
            (4_000, 450, 900),
        ] {
            assert_within(|| retry_delay(attempt), least, most, attempt);
        }
    }

    #[test]
    fn an_outage_is_waited_for_from_seconds_to_a_quarter_of_an_hour() {
        for (attempt, least, most) in [
            (0, 5, 10),
            (1, 5, 10),
            (2, 10, 20),
            (4, 40, 80),
            (4_000, 450, 900),
        ] {
            assert_within(|| outage_delay(attempt), least, most, attempt);
        }
    }

    fn assert_within(delay: impl Fn() -> Duration, least: u64, most: u64, attempt: u32) {
        for _ in 0..50 {
            let seconds = delay().as_secs();
            assert!(
                (least..=most).contains(&seconds),
                "attempt {attempt}: {seconds} s"
            );
        }
    }
}
