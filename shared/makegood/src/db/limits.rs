//! How long everything about the database may take. The table with the reasons is in docs/reliability.md.

use std::time::Duration;
use tokio::time::Instant;

/// Each limit of one environment's database. All of them are shorter than the shortest invocation that they serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One attempt to connect, TLS and login included.
    pub connect: Duration,
    /// From asking for a connection to having one: waiting for a free one, and every attempt to connect.
    pub acquire: Duration,
    /// The answer to a ping of a connection that idled.
    pub ping: Duration,
    /// One statement, as the client waits for it. The server is told to stop a little earlier, where it can be told.
    pub statement: Duration,
    /// One wait for a lock (`lock_timeout`). A waiting statement then fails with 55P03.
    pub lock: Duration,
    /// How long the server keeps a transaction whose client says nothing (`idle_in_transaction_session_timeout`).
    pub idle_in_transaction: Duration,
}

impl Limits {
    /// A connection that was used within this time is taken without asking whether it lives: a busy environment must not pay
    /// a round trip for each statement, and one that was frozen must not meet a payment with a dead connection.
    pub const TRUSTED_IDLE: Duration = Duration::from_secs(1);
    /// What is left between the end of a statement and the end of its invocation, to answer.
    pub const ANSWER_MARGIN: Duration = Duration::from_millis(500);
    /// How much earlier than the client the server ends a statement, so that it is the server that ends it.
    const SERVER_FIRST: Duration = Duration::from_millis(500);
    /// The least that a statement is given, however late it is.
    const LEAST: Duration = Duration::from_millis(250);

    /// When a statement that begins now must have been answered: its own limit, or the end of the invocation if that is
    /// earlier.
    pub(super) fn statement_end(&self, now: Instant) -> Instant {
        self.end(now, invocation_end())
    }

    fn end(&self, now: Instant, invocation_end: Option<Instant>) -> Instant {
        let own = now + self.statement;
        match invocation_end {
            Some(end) => own.min((end - Self::ANSWER_MARGIN).max(now + Self::LEAST)),
            None => own,
        }
    }

    /// What the server is told for a transaction that begins now, all of it local to the transaction, so that no pooler keeps
    /// the connection for this session alone.
    pub(super) fn settings(&self, now: Instant) -> String {
        self.settings_until(self.statement_end(now).duration_since(now))
    }

    fn settings_until(&self, client: Duration) -> String {
        let server = client.saturating_sub(Self::SERVER_FIRST).max(Self::LEAST);
        let lock = self.lock.min(server);
        format!(
            "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}",
            server.as_millis(),
            lock.as_millis(),
            self.idle_in_transaction.as_millis(),
        )
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            acquire: Duration::from_secs(5),
            ping: Duration::from_secs(1),
            statement: Duration::from_secs(20),
            lock: Duration::from_secs(2),
            idle_in_transaction: Duration::from_secs(10),
        }
    }
}

tokio::task_local! {
    static INVOCATION_END: Instant;
}

/// Runs this invocation so that no statement in it outlives it.
pub async fn within_invocation<F: Future>(remaining: Duration, work: F) -> F::Output {
    INVOCATION_END.scope(Instant::now() + remaining, work).await
}

fn invocation_end() -> Option<Instant> {
    INVOCATION_END.try_with(|end| *end).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_before_its_invocation_does() {
        let limits = Limits::default();
        let now = Instant::now();
        assert_eq!(limits.end(now, None), now + limits.statement);
        let end = limits.end(now, Some(now + Duration::from_secs(5)));
        assert_eq!(end, now + Duration::from_millis(4_500));
        let settings = limits.settings_until(end.duration_since(now));
        assert!(settings.contains("statement_timeout = 4000;"), "{settings}");
        assert!(settings.contains("lock_timeout = 2000;"), "{settings}");
    }

    #[test]
    fn a_late_statement_is_given_a_little_time_all_the_same() {
        let limits = Limits::default();
        let now = Instant::now();
        let end = limits.end(now, Some(now + Duration::from_millis(100)));
        assert_eq!(end, now + Duration::from_millis(250));
        let settings = limits.settings_until(end.duration_since(now));
        assert!(settings.contains("lock_timeout = 250;"), "{settings}");
    }

    #[tokio::test]
    async fn the_end_of_an_invocation_is_known_inside_it_and_nowhere_else() {
        assert_eq!(invocation_end(), None);
        within_invocation(Duration::from_secs(5), async {
            assert!(invocation_end().is_some());
        })
        .await;
        assert_eq!(invocation_end(), None);
    }
}
