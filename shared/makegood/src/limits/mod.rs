//! How long every call out may take, in one place. No call may outlast its invocation: each limit is cut to what is left of
//! it (docs/reliability.md).

mod aws;

pub use aws::{EndsWithInvocation, invoking, queues, sdk, secrets};

use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// The limits of one kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a link is there, TLS included.
    pub connect: Duration,
    /// One try, its whole answer included: an answer that trickles is cut as one that never comes.
    pub attempt: Duration,
    /// All tries with the pauses between them.
    pub operation: Duration,
    /// How many tries; 1 means that nothing is repeated.
    pub attempts: u32,
}

/// SQS, and whatever else of AWS is not named below. It answers in tens of milliseconds; a second try is worth its time
/// after a lost link. What is sent twice is done once: every consumer bears repeats.
pub const QUEUE: Limits = Limits {
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(2),
    operation: Duration::from_secs(5),
    attempts: 3,
};

/// Secrets Manager. Read at the start, for which Lambda gives ten seconds in all: three secrets, one after the other, fit.
pub const SECRET: Limits = Limits {
    connect: Duration::from_secs(1),
    attempt: Duration::from_millis(1_500),
    operation: Duration::from_secs(3),
    attempts: 2,
};

/// Lambda, asked by the console to run a sweep to its end. Never repeated: a second call would run it twice.
pub const INVOKE: Limits = Limits {
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(60),
    operation: Duration::from_secs(60),
    attempts: 1,
};

/// The admin service (SPEC 3: 30 s). It is repeated by the queue, not here.
pub const ADMIN_SERVICE: Limits = Limits {
    connect: Duration::from_secs(3),
    attempt: Duration::from_secs(30),
    operation: Duration::from_secs(30),
    attempts: 1,
};

/// eSewa and Khalti (SPEC 4: 10 s). They are repeated by the buyer's page and the sweep, not here.
pub const GATEWAY: Limits = Limits {
    connect: Duration::from_secs(3),
    attempt: Duration::from_secs(10),
    operation: Duration::from_secs(10),
    attempts: 1,
};

/// The identity provider of the console. A person waits; one that failed is left alone for a few seconds.
pub const ISSUER: Limits = Limits {
    connect: Duration::from_secs(2),
    attempt: Duration::from_secs(5),
    operation: Duration::from_secs(5),
    attempts: 1,
};

/// Redis. `connect` is one step: the link with its login, or one answer; `attempt` is both. It holds copies of pages only: three short tries, then the pages stay until
/// they expire.
pub const CACHE: Limits = Limits {
    connect: Duration::from_millis(500),
    attempt: Duration::from_secs(1),
    operation: Duration::from_secs(4),
    attempts: 3,
};

/// Kafka. `attempt` is one request: after it the link is taken for dead and another is tried, since a thawed environment
/// holds links that the broker closed long ago. `operation` is an event until the broker acknowledged it: below the
/// shortest time-out of a function that publishes (10 s), with room for its other work.
pub const KAFKA: Limits = Limits {
    connect: Duration::from_secs(2),
    attempt: Duration::from_secs(2),
    operation: Duration::from_secs(6),
    attempts: 3,
};

/// How long Kafka is asked for a topic that was not created; below the delivery's time, so that the error names it.
pub const KAFKA_UNKNOWN_TOPIC: Duration = Duration::from_secs(4);

/// How long signing Kafka's login may take; only credentials that must be fetched first need any time at all.
pub const KAFKA_SIGNING: Duration = Duration::from_secs(2);

/// SQS is not asked again for so long after it did not answer: the outbox and the sweeps hold what was to be sent, and a
/// silent queue must not cost every job its whole limit.
pub const QUEUE_LEFT_ALONE: Duration = Duration::from_secs(5);

/// A pooler gives one state (08P01) to a refused login and to a server that is away. The secret is read again for it, which tells
/// them apart, but not more often than this: an outage must not become a load on Secrets Manager.
pub const SECRET_LEFT_ALONE: Duration = Duration::from_secs(5);

tokio::task_local! {
    static ANSWER_BY: Instant;
}

/// Runs this with an instant by which every call in it has ended. Inside another such scope the earlier instant holds.
pub async fn ending_by<F: Future>(instant: Instant, work: F) -> F::Output {
    let earliest = ANSWER_BY.try_with(|outer| instant.min(*outer)).unwrap_or(instant);
    ANSWER_BY.scope(earliest, work).await
}

/// This limit, or what is left of the invocation where that is less; zero when its time is up. Outside an invocation (at
/// the start, in background tasks, on the command line) the limit itself.
#[must_use]
pub fn at_most(limit: Duration) -> Duration {
    let left = |by: &Instant| by.saturating_duration_since(Instant::now());
    ANSWER_BY.try_with(left).map_or(limit, |left| left.min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_limit_is_cut_to_what_is_left_and_never_beyond_the_outer_scope() {
        const SECOND: Duration = Duration::from_secs(1);
        let about = |seconds: u32| SECOND * (seconds - 1)..=SECOND * seconds;
        assert_eq!(at_most(SECOND * 50), SECOND * 50, "outside an invocation");
        let start = Instant::now();
        ending_by(start + SECOND * 30, async {
            assert!(about(30).contains(&at_most(SECOND * 50)));
            assert_eq!(at_most(SECOND), SECOND);
            ending_by(start + SECOND * 90, async {
                assert!(
                    about(30).contains(&at_most(SECOND * 50)),
                    "the outer scope is earlier"
                );
            })
            .await;
            ending_by(start + SECOND * 10, async {
                assert!(about(10).contains(&at_most(SECOND * 50)))
            })
            .await;
            ending_by(start, async {
                assert_eq!(at_most(SECOND * 50), Duration::ZERO, "its time is up")
            })
            .await;
        })
        .await;
    }

    #[test]
    fn an_attempt_fits_its_operation_and_a_link_its_attempt() {
        for limits in [
            QUEUE,
            SECRET,
            INVOKE,
            ADMIN_SERVICE,
            GATEWAY,
            ISSUER,
            CACHE,
            KAFKA,
        ] {
            assert!(limits.connect <= limits.attempt, "{limits:?}");
            assert!(limits.attempt <= limits.operation, "{limits:?}");
        }
    }
}
