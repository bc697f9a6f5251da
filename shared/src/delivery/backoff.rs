//! How long a record waits before it is delivered again.

use rand::Rng;
use std::time::Duration;

/// Exponential with full jitter between half and all of `2^attempt` seconds, at most 15 minutes; whole seconds, as
/// SQS counts visibility. `attempt` is the one that just failed, from 1.
#[must_use]
pub fn retry_delay(attempt: u32) -> Duration {
    const LONGEST_SECONDS: u64 = 900;
    let ceiling = 2_u64.saturating_pow(attempt.clamp(1, 20)).min(LONGEST_SECONDS);
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
            for _ in 0..50 {
                let seconds = retry_delay(attempt).as_secs();
                assert!(
                    (least..=most).contains(&seconds),
                    "attempt {attempt}: {seconds} s"
                );
            }
        }
    }
}
