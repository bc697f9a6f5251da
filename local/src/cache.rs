//! The cached pages of the students, as the school's site would have left them.

use anyhow::{Context, Result};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use std::time::Duration;
use uuid::Uuid;

/// Long enough for any run, short enough to leave nothing behind.
const SECONDS_TO_LIVE: u64 = 3_600;
const KEYS_AT_ONCE: usize = 1_000;

/// Pages that a run has put into the cache.
#[derive(Debug)]
pub(crate) struct SeededPages {
    connection: MultiplexedConnection,
    keys: Vec<String>,
}

impl SeededPages {
    /// Caches two pages a student.
    pub(crate) async fn seed(redis_url: &str, students: &[Uuid]) -> Result<Self> {
        let client = redis::Client::open(redis_url).context("MAKEGOOD_TEST_REDIS_URL is no Redis URL")?;
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
        let connection = client
            .get_multiplexed_async_connection_with_config(&patient)
            .await;
        let mut connection = connection.context("Redis does not answer; see local/stack/status.sh")?;
        let pages = |student: &Uuid| ["home", "learning"].map(|page| format!("student:{page}:{student}"));
        let keys: Vec<String> = students.iter().flat_map(pages).collect();
        for some in keys.chunks(KEYS_AT_ONCE) {
            let mut pipeline = redis::pipe();
            for key in some {
                pipeline
                    .cmd("SET")
                    .arg(key)
                    .arg("cached before the payment")
                    .arg("EX")
                    .arg(SECONDS_TO_LIVE)
                    .ignore();
            }
            pipeline.query_async::<()>(&mut connection).await?;
        }
        Ok(Self { connection, keys })
    }

    /// How many there were.
    pub(crate) fn seeded(&self) -> usize {
        self.keys.len()
    }

    /// How many are still cached.
    pub(crate) async fn left(&mut self) -> Result<usize> {
        let mut left = 0;
        for some in self.keys.chunks(KEYS_AT_ONCE) {
            left += redis::cmd("EXISTS")
                .arg(some)
                .query_async::<usize>(&mut self.connection)
                .await?;
        }
        Ok(left)
    }
}
