//! The sweep: publishes what a crash left unpublished, and deletes what was published long ago.

use super::{Publisher, store};
use crate::delivery::Deadline;
use serde::Serialize;

/// How many rows are claimed at once.
const CHUNK: i64 = 100;
/// How many old rows one sweep deletes.
const RETIRED_A_SWEEP: i64 = 10_000;

/// What a sweep of the outbox did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutboxSweep {
    /// Events published.
    pub published: usize,
    /// Events that could not be published now.
    pub failed: usize,
    /// Rows deleted, published over seven days ago.
    pub deleted: u64,
    /// Events still waiting.
    pub backlog: i64,
    /// The age of the oldest of them, in seconds.
    pub oldest_seconds: i64,
}

/// Publishes chunk by chunk until nothing is left that nobody owns, or the time is nearly up. Safe to run twice at
/// once: a row has one owner, under a lease.
///
/// # Errors
/// Those of the database.
pub async fn sweep(publisher: &Publisher, deadline: Deadline) -> Result<OutboxSweep, sqlx::Error> {
    let mut done = OutboxSweep::default();
    while !deadline.remaining().is_zero() {
        let rows = {
            let mut connection = publisher.database.acquire().await?;
            store::claim(&mut connection, CHUNK).await?
        };
        if rows.is_empty() {
            break;
        }
        let published = publisher.publish(&rows).await;
        done.published += published.sent;
        done.failed += published.left;
        if published.sent == 0 {
            break;
        }
    }
    let mut connection = publisher.database.acquire().await?;
    done.deleted = store::retire(&mut connection, RETIRED_A_SWEEP).await?;
    let waiting = sqlx::query!(
        r#"SELECT count(*) AS "backlog!",
                  coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint AS "oldest_seconds!"
           FROM outbox WHERE published_at IS NULL"#
    )
    .fetch_one(&mut connection)
    .await?;
    done.backlog = waiting.backlog;
    done.oldest_seconds = waiting.oldest_seconds;
    Ok(done)
}
