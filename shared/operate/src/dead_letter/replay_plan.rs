//! The dry run of a replay by filter: how many go where, and which are refused and why. Changes nothing.

use super::consumer::{Judged, judge};
use super::{DeadLetterFilter, Replayer, claim};
use crate::page::Cursor;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many dead letters are read at once.
const CHUNK: i64 = 500;
/// How many refused dead letters are named for each reason.
const EXAMPLES: usize = 20;

/// What a replay by filter would do now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// How many parked dead letters the filter has.
    #[serde(rename = "letters")]
    pub dead_letters: u64,
    /// How many of them would go where.
    pub destinations: Vec<PlannedDestination>,
    /// Which would not go, by reason.
    pub refused: Vec<PlannedRefusal>,
}

/// Dead letters of one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedDestination {
    /// The queue's name.
    pub queue: String,
    /// How many.
    #[serde(rename = "letters")]
    pub dead_letters: u64,
}

/// Dead letters that are refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRefusal {
    /// See [`super::Refusal::code`].
    pub code: &'static str,
    /// For a person.
    pub reason: String,
    /// How many.
    #[serde(rename = "letters")]
    pub dead_letters: u64,
    /// The first of them.
    pub examples: Vec<Uuid>,
}

impl Plan {
    /// How many would be sent.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.destinations.iter().map(|queue| queue.dead_letters).sum()
    }
}

impl Replayer {
    /// What a run over these dead letters would do now, dead letters that are owned at this moment included. Reads all of them in
    /// chunks, so that their number is no matter of memory.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn plan(&self, filter: &DeadLetterFilter, forced: bool) -> Result<Plan, sqlx::Error> {
        let mut tally = Tally::default();
        let mut after = Cursor::OLDEST;
        loop {
            let mut connection = self.database.acquire().await?;
            let dead_letters = claim::read_candidates(&mut connection, filter, after, CHUNK).await?;
            let judged = judge(&mut connection, &dead_letters, None, &self.destinations, forced).await?;
            drop(connection);
            let Some(last) = dead_letters.last() else {
                return Ok(tally.finish());
            };
            after = Cursor {
                at: last.parked_at,
                id: last.id,
            };
            for (dead_letter, judged) in dead_letters.iter().zip(judged) {
                tally.count(dead_letter.id, judged);
            }
        }
    }

    /// Whether the filter has more than so many parked dead letters. Reads one more than that at most.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn has_more_than(&self, filter: &DeadLetterFilter, most: i64) -> Result<bool, sqlx::Error> {
        let mut connection = self.database.acquire().await?;
        let found = claim::read_candidates(&mut connection, filter, Cursor::OLDEST, most + 1).await?;
        Ok(i64::try_from(found.len()).is_ok_and(|found| found > most))
    }
}

/// What was counted so far.
#[derive(Debug, Default)]
struct Tally {
    dead_letters: u64,
    destinations: BTreeMap<String, u64>,
    refused: BTreeMap<(&'static str, String), (u64, Vec<Uuid>)>,
}

impl Tally {
    fn count(&mut self, id: Uuid, judged: Judged) {
        self.dead_letters += 1;
        match judged {
            Ok(ready) => *self.destinations.entry(ready.destination.queue).or_default() += 1,
            Err(refusal) => {
                let (dead_letters, examples) = self
                    .refused
                    .entry((refusal.code(), refusal.to_string()))
                    .or_default();
                *dead_letters += 1;
                if examples.len() < EXAMPLES {
                    examples.push(id);
                }
            }
        }
    }

    fn finish(self) -> Plan {
        Plan {
            dead_letters: self.dead_letters,
            destinations: self
                .destinations
                .into_iter()
                .map(|(queue, dead_letters)| PlannedDestination { queue, dead_letters })
                .collect(),
            refused: self
                .refused
                .into_iter()
                .map(|((code, reason), (dead_letters, examples))| PlannedRefusal {
                    code,
                    reason,
                    dead_letters,
                    examples,
                })
                .collect(),
        }
    }
}
