//! Throttle: how often one client may ask, counted in the database, since an HTTP API throttles a route for all clients together
//! (docs/decisions/0058).

use crate::config::Environment;
use crate::db::{Connection, Database, classify};
use crate::http::Answer;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests are counted by the minute.
const WINDOW: Duration = Duration::from_secs(60);
/// So many clients that were refused are remembered here; beyond, all are asked about anew.
const MOST_REMEMBERED: usize = 10_000;
/// So many counts that are over are deleted at once.
const MOST_FORGOTTEN: i64 = 5_000;

/// A limit of requests by client.
#[derive(Debug)]
pub struct Throttle {
    /// What is counted together.
    scope: &'static str,
    /// Requests a minute; 0 for no limit.
    most: u32,
    /// Who was refused, and until when: they cost nothing more.
    refused: Mutex<HashMap<String, Instant>>,
}

impl Throttle {
    /// At most so many requests a minute of one client; 0 for no limit.
    #[must_use]
    pub fn of(scope: &'static str, most: u32) -> Self {
        Self {
            scope,
            most,
            refused: Mutex::default(),
        }
    }

    /// With the limit that this variable says.
    pub fn read(environment: &mut Environment, variable: &str, scope: &'static str, default: u32) -> Self {
        let expected = "a number of requests a minute, 0 for no limit";
        Self::of(scope, environment.parsed(variable, default, expected))
    }

    /// Counts a request. None when it may go on; else how long the client is to wait. A count that can't be made lets everybody in:
    /// the limit protects the function, and must not close it.
    pub async fn refuse(&self, database: &Database, client: Option<&str>) -> Option<Duration> {
        let client = client.filter(|_| self.most > 0)?;
        if let Some(left) = self.remembered(client) {
            return Some(left);
        }
        match self.count(database, client).await {
            Ok(counted) if counted.requests > i64::from(self.most) => {
                let left = Duration::from_secs_f64(counted.left.clamp(1.0, WINDOW.as_secs_f64()));
                self.remember(client, left);
                metrics::counter!("RequestsThrottled").increment(1);
                Some(left)
            }
            Ok(_) => None,
            Err(error) => {
                let code = classify(&error).code();
                tracing::warn!(scope = self.scope, code, %error, "requests not counted; no client is refused");
                None
            }
        }
    }

    async fn count(&self, database: &Database, client: &str) -> Result<Counted, sqlx::Error> {
        let mut connection = database.acquire().await?;
        sqlx::query_file_as!(
            Counted,
            "src/throttle/count.sql",
            self.scope,
            client,
            WINDOW.as_secs_f64()
        )
        .fetch_one(&mut connection)
        .await
    }

    fn remembered(&self, client: &str) -> Option<Duration> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let left = refused.get(client)?.checked_duration_since(Instant::now());
        if left.is_none() {
            refused.remove(client);
        }
        left
    }

    fn remember(&self, client: &str, left: Duration) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= MOST_REMEMBERED {
            refused.clear();
        }
        refused.insert(client.to_owned(), Instant::now() + left);
    }
}

/// Deletes counts of windows that are over, the first few thousand of them; gives back how many. Safe to run twice at once.
///
/// # Errors
/// Those of the database.
pub async fn forget(connection: &mut Connection) -> Result<u64, sqlx::Error> {
    let done = sqlx::query_file!("src/throttle/forget.sql", WINDOW.as_secs_f64(), MOST_FORGOTTEN)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// 429: the client is to wait so long, in whole seconds.
#[must_use]
pub fn too_often(left: Duration) -> Answer {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let message = format!("you ask too often; ask again in {seconds} seconds");
    Answer::too_many("too_many_requests", &message, seconds)
}

/// What the row says after this request.
struct Counted {
    requests: i64,
    /// Seconds until the count begins anew.
    left: f64,
}
