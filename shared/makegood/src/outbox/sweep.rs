//! The sweep: publishes what a crash left unpublished, and deletes what was published long ago.

use super::fan_out::Resting;
use super::{OutboxRow, Publisher, store};
use crate::delivery::Deadline;
use serde::Serialize;
use std::time::Duration;

/// How many rows are claimed at once.
const CHUNK: i64 = 100;
/// How many old rows one statement deletes.
const RETIRED_AT_ONCE: i64 = 1_000;
/// How many old rows one sweep deletes.
const RETIRED_A_SWEEP: u64 = 10_000;

/// What a sweep of the outbox did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutboxSweep {
    /// Events published.
    pub published: usize,
    /// Events that could not be published now.
    pub failed: usize,
    /// Rows deleted, published over seven days ago.
    pub deleted: u64,
    /// Events still waiting; none when counting them took too long.
    pub backlog: Option<i64>,
    /// The age of the oldest of them, in seconds; none when the backlog was not counted.
    pub oldest_seconds: Option<i64>,
}

/// How much of the time is kept for what comes after publishing, and after deleting.
#[derive(Debug, Clone, Copy)]
struct Shares {
    for_deleting_and_counting: Duration,
    for_counting: Duration,
}

impl Shares {
    fn of(time: Duration) -> Self {
        Self {
            for_deleting_and_counting: time / 4,
            for_counting: time / 8,
        }
    }
}

/// Publishes chunk by chunk, the oldest first, until nothing is left that no sender owns, or three quarters of the time are used;
/// then deletes and counts. A row that fails waits for its next try, and holds up no other; a queue that fails as a whole is left
/// alone for the rest of the run, and the others go on. Safe to run twice at once: a row has one owner, under a lease.
///
/// # Errors
/// Those of the database.
pub async fn sweep(publisher: &Publisher, deadline: Deadline) -> Result<OutboxSweep, sqlx::Error> {
    let shares = Shares::of(deadline.remaining());
    let mut done = OutboxSweep::default();
    publish(publisher, deadline, shares, &mut done).await?;
    while done.deleted < RETIRED_A_SWEEP && deadline.remaining() > shares.for_counting {
        let mut connection = publisher.database.acquire().await?;
        let deleted = store::retire(&mut connection, RETIRED_AT_ONCE).await?;
        done.deleted += deleted;
        if deleted == 0 {
            break;
        }
    }
    count(publisher, deadline, &mut done).await?;
    Ok(done)
}

async fn publish(
    publisher: &Publisher,
    deadline: Deadline,
    shares: Shares,
    done: &mut OutboxSweep,
) -> Result<(), sqlx::Error> {
    let mut resting = Resting::default();
    let mut last = 0;
    while deadline.remaining() > shares.for_deleting_and_counting {
        let claimed = {
            let mut connection = publisher.database.acquire().await?;
            store::claim(&mut connection, CHUNK, last, &resting.topics()).await?
        };
        let Some(claimed_last) = claimed.last() else {
            break;
        };
        last = claimed_last.row.id;
        let (rows, taken_by): (Vec<OutboxRow>, Vec<Vec<String>>) = claimed
            .into_iter()
            .map(|claimed| (claimed.row, claimed.taken_by))
            .unzip();
        let published = publisher.publish_the_rest(&rows, &taken_by, &mut resting).await;
        done.published += published.sent;
        done.failed += published.left;
    }
    Ok(())
}

/// Counts for as long as there is time; what is not counted now is by the next run.
async fn count(publisher: &Publisher, deadline: Deadline, done: &mut OutboxSweep) -> Result<(), sqlx::Error> {
    let counting = async {
        let mut connection = publisher.database.acquire().await?;
        sqlx::query!(
            r#"SELECT count(*) AS "backlog!",
                      coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint AS "oldest_seconds!"
               FROM outbox WHERE published_at IS NULL"#
        )
        .fetch_one(&mut connection)
        .await
    };
    let Ok(waiting) = tokio::time::timeout(deadline.remaining() / 2, counting).await else {
        tracing::warn!("the outbox's backlog was not counted in time");
        return Ok(());
    };
    let waiting = waiting?;
    done.backlog = Some(waiting.backlog);
    done.oldest_seconds = Some(waiting.oldest_seconds);
    Ok(())
}
