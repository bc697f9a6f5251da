//! The `reservations` sweep: frees what was reserved for intents that were not paid in time.

use crate::handler::Sweep;
use makegood::delivery::Deadline;
use makegood::stock;
use serde::Serialize;
use std::time::Duration;

/// How many intents one transaction frees.
const CHUNK: i64 = 200;
/// Kept back for the answer.
const RESERVE: Duration = Duration::from_secs(3);

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreedReservations {
    /// Intents whose reservations were freed.
    pub intents: usize,
    /// Reservations freed.
    pub reservations: i64,
    /// Pieces that are for sale again.
    pub pieces: i64,
}

/// Chunk by chunk until nothing is left that is not held, or the time is nearly up. Safe to run twice at once: intents
/// that the other run holds are skipped.
pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<FreedReservations, sqlx::Error> {
    let mut done = FreedReservations::default();
    while deadline.remaining() > RESERVE {
        let mut transaction = sweep.publisher.database.begin().await?;
        let chunk = stock::release_expired(&mut transaction, sweep.clock.now(), CHUNK).await?;
        transaction.commit().await?;
        done.intents += chunk.freed.len();
        done.reservations += chunk.freed.iter().map(|freed| freed.reservations).sum::<i64>();
        done.pieces += chunk.freed.iter().map(|freed| freed.pieces).sum::<i64>();
        if chunk.claimed < usize::try_from(CHUNK).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(done)
}
