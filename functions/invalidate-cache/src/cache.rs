//! The cached pages in Redis: one connection an environment, made on first use, thrown away when it fails.

use makegood::config::{Environment, SecretSource};
use makegood::ids::StudentId;
use makegood::limits;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline};
use std::collections::BTreeSet;
use std::fmt;
use tokio::sync::Mutex;

/// Why the pages could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Redis is away, too slow, or refuses.
    #[error("Redis: {0}; check that it runs and that REDIS_URL names it")]
    Redis(#[from] redis::RedisError),
    /// It did not do it in time, link included.
    #[error("Redis did not answer in time; check that it runs and that REDIS_URL names it")]
    TimedOut,
}

/// The cache of students' pages.
pub struct Cache {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl fmt::Debug for Cache {
    /// Without the address, which may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Cache(…)")
    }
}

impl Cache {
    /// Reads `REDIS_URL`, or `REDIS_URL_ARN`, the secret with one that holds a login; a text that is no Redis URL is noted.
    pub fn read_url(environment: &mut Environment) -> SecretSource {
        let url = SecretSource::read(environment, "REDIS_URL");
        if let SecretSource::Plain(text) = &url
            && !text.is_empty()
            && Client::open(text.as_str()).is_err()
        {
            // The text is not repeated: it may hold a password.
            environment.note("REDIS_URL is no redis:// or rediss:// URL".to_owned());
        }
        url
    }

    /// The cache at this URL. Connects nothing yet, so that an unreachable Redis does not fail the start.
    ///
    /// # Errors
    /// When it is no Redis URL.
    pub fn at(url: &str) -> Result<Self, CacheError> {
        Ok(Self {
            client: Client::open(url)?,
            connection: Mutex::new(None),
        })
    }

    /// Removes the home and learning pages of these students in one round trip. Pages that are not there are no error.
    ///
    /// # Errors
    /// When Redis can't be reached in time or refuses; the connection is then made anew by the next call.
    pub async fn forget(&self, students: &BTreeSet<StudentId>) -> Result<(), CacheError> {
        let limit = limits::at_most(limits::CACHE.attempt);
        let outcome = tokio::time::timeout(limit, self.unlink(students)).await;
        let outcome = outcome.unwrap_or(Err(CacheError::TimedOut));
        if outcome.is_err() {
            *self.connection.lock().await = None;
        }
        outcome
    }

    async fn unlink(&self, students: &BTreeSet<StudentId>) -> Result<(), CacheError> {
        let mut connection = self.connection().await?;
        Ok(unlink_pages(students).query_async(&mut connection).await?)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, CacheError> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits::CACHE.connect))
            .set_response_timeout(Some(limits::CACHE.connect));
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(kept.insert(connection).clone())
    }
}

/// One `UNLINK` a key: the keys of a cluster lie in different slots, and one command over several slots is refused.
fn unlink_pages(students: &BTreeSet<StudentId>) -> Pipeline {
    let mut pipeline = redis::pipe();
    for student in students {
        for page in ["home", "learning"] {
            pipeline
                .cmd("UNLINK")
                .arg(format!("student:{page}:{student}"))
                .ignore();
        }
    }
    pipeline
}
