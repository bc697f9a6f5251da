//! Replays all parked dead letters of a filter, in chunks that each commit. Killed at any moment, the next run goes on: what was
//! marked is not parked any more, and what was claimed comes back when its lease runs out.

use super::consumer::judge;
use super::replay::{ClaimedDeadLetters, details};
use super::{DeadLetterFilter, DeadLetterId, Replay, Replayer, claim};
use crate::audit::{self, Act, Action};
use crate::page::Cursor;
use chrono::{DateTime, Utc};

/// How many dead letters a chunk claims: few enough to be sent well within the lease.
const CHUNK: i64 = 100;

/// A run over all parked dead letters of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// Which dead letters.
    pub filter: DeadLetterFilter,
    /// Whether dead letters pass that came back too often.
    pub forced: bool,
    /// Since when this run goes on, by the database's clock: what it sent and what came back at once is not sent again.
    pub started: DateTime<Utc>,
}

/// What one chunk did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Chunk {
    /// What became of each dead letter, in order.
    pub outcomes: Vec<(DeadLetterId, Replay)>,
    /// Where the next chunk begins; none when there is nothing left.
    pub next: Option<Cursor>,
}

/// Dead letters of a run that another run owns at this moment, or that a killed run left under its lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Claimed {
    /// How many.
    pub dead_letters: i64,
    /// When the last lease of them ends.
    pub until: Option<DateTime<Utc>>,
}

impl Replayer {
    /// Begins a run.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin_bulk(&self, filter: DeadLetterFilter, forced: bool) -> Result<Bulk, sqlx::Error> {
        let mut connection = self.database.acquire().await?;
        let started = sqlx::query_scalar!(r#"SELECT now() AS "now!""#)
            .fetch_one(&mut connection)
            .await?;
        Ok(Bulk {
            filter,
            forced,
            started,
        })
    }

    /// Replays the next hundred dead letters of a run, the oldest first. Refused ones are passed over.
    ///
    /// # Errors
    /// Those of the database. When it fails after the sending, the chunk's dead letters are in their queues and still parked
    /// here; going on, or running it again, is safe.
    pub async fn replay_chunk(
        &self,
        bulk: &Bulk,
        after: Option<Cursor>,
        act: &Act,
    ) -> Result<Chunk, sqlx::Error> {
        let after = after.unwrap_or(Cursor::OLDEST);
        let mut transaction = self.database.begin().await?;
        let dead_letters =
            claim::lock_candidates(&mut transaction, &bulk.filter, bulk.started, after, CHUNK).await?;
        let next = dead_letters.last().map(|dead_letter| Cursor {
            at: dead_letter.parked_at,
            id: dead_letter.id,
        });
        let mut ready = Vec::new();
        let mut outcomes = Vec::new();
        let judged = judge(
            &mut transaction,
            &dead_letters,
            None,
            &self.destinations,
            bulk.forced,
        )
        .await?;
        for (dead_letter, judged) in dead_letters.iter().zip(judged) {
            match judged {
                Ok(dead_letter) => ready.push(dead_letter),
                Err(refusal) => outcomes.push((DeadLetterId(dead_letter.id), Replay::refused(&refusal))),
            }
        }
        let subjects: Vec<_> = ready
            .iter()
            .map(|dead_letter| {
                (
                    DeadLetterId(dead_letter.id).subject(),
                    details(dead_letter, bulk.forced),
                )
            })
            .collect();
        audit::record_all(&mut transaction, act, Action::ReplayDeadLetter, &subjects).await?;
        let ids: Vec<_> = ready.iter().map(|dead_letter| dead_letter.id).collect();
        let lease = claim::claim(&mut transaction, &ids).await?;
        transaction.commit().await?;
        outcomes.extend(
            self.send_claimed(ClaimedDeadLetters { ready, lease }, act)
                .await?,
        );
        Ok(Chunk { outcomes, next })
    }

    /// Which dead letters of a run are owned. Counts the parked dead letters of the filter: once a run, not for a page.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn claimed_by_others(&self, bulk: &Bulk) -> Result<Claimed, sqlx::Error> {
        let (since, until) = bulk.filter.range();
        let filter = &bulk.filter;
        let mut connection = self.database.acquire().await?;
        sqlx::query_file_as!(
            Claimed,
            "src/dead_letter/claimed.sql",
            filter.source.as_deref(),
            filter.function.as_deref(),
            filter.error_code.as_deref(),
            filter.event_type.as_deref(),
            filter.correlation_id,
            since,
            until,
            filter.event_id.as_deref(),
        )
        .fetch_one(&mut connection)
        .await
    }
}
