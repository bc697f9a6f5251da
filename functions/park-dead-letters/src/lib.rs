//! The `park-dead-letters` function: files what arrives in the dead-letter queues, so that nothing vanishes (G8).
//! It never parks and never discards: what it can't file stays in its queue, whose alarm rings.

mod columns;
mod dead_letter;
mod nul;
mod store;

pub use columns::COLUMNS;
pub use dead_letter::{MOVED_BY_SQS, MovedFrom, NewDeadLetter};
pub use nul::{JSON_STRING, keep_losslessly, show_nul};
pub use store::file_dead_letters;

use makegood::clock::Clock;
use makegood::db::Database;
use makegood::delivery::{Answer, Deadline, DecodeError, Failure, Origin, Trigger};
use makegood::runtime::Coded;
use serde_json::Value;
use std::ops::Range;

/// Files dead letters.
#[derive(Debug)]
pub struct ParkDeadLetters {
    /// Where they are filed.
    pub database: Database,
    /// The time.
    pub clock: Clock,
}

/// Why an invocation as a whole must come again.
#[derive(Debug, thiserror::Error)]
pub enum FilingError {
    /// Its envelope can't be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The source can't be told which messages to deliver again.
    #[error("{0}")]
    Returned(String),
}

impl Coded for FilingError {
    fn code(&self) -> &'static str {
        match self {
            Self::Decode(_) => "event_unreadable",
            Self::Returned(_) => "returned",
        }
    }
}

impl ParkDeadLetters {
    /// The function's name, the dimension of its metrics.
    pub const NAME: &'static str = "park-dead-letters";

    /// Handles one invocation: every message is filed, or named in the answer to come again.
    ///
    /// # Errors
    /// When the event's envelope can't be read.
    pub async fn handle(&self, event: Value, deadline: Deadline) -> Result<Value, FilingError> {
        let moved_from = MovedFrom::of_event(&event);
        let (trigger, deliveries) = Trigger::decode(event)?;
        let now = self.clock.now();
        let dead_letters: Vec<NewDeadLetter> = deliveries
            .iter()
            .zip(moved_from)
            .map(|(delivery, moved)| NewDeadLetter::read(delivery, &moved, now))
            .collect();
        let unfiled = self.file_isolated(&dead_letters, deadline).await;
        let returned: Vec<&Origin> = unfiled.iter().map(|index| &deliveries[*index].origin).collect();
        tracing::info!(
            function = Self::NAME,
            records = dead_letters.len(),
            filed = dead_letters.len() - returned.len(),
            returned = returned.len(),
            "batch done"
        );
        match Answer::for_returned(trigger, &returned, false) {
            Answer::Partial(answer) => Ok(answer),
            Answer::Fail(reason) => Err(FilingError::Returned(reason)),
        }
    }

    /// Files all in one statement; when that fails through one dead letter, halves find it, so that its neighbours are
    /// filed. Gives back the indices of those that are not.
    async fn file_isolated(&self, dead_letters: &[NewDeadLetter], deadline: Deadline) -> Vec<usize> {
        let mut unfiled = Vec::new();
        let mut ranges: Vec<Range<usize>> = std::iter::once(0..dead_letters.len()).collect();
        while let Some(range) = ranges.pop() {
            if range.is_empty() {
                continue;
            }
            match self.file(&dead_letters[range.clone()], deadline).await {
                Ok(()) => {}
                Err(failure) if range.len() > 1 && failure.may_be_one_record => {
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(failure) => {
                    log_unfiled(&dead_letters[range.clone()], &failure);
                    unfiled.extend(range);
                }
            }
        }
        unfiled
    }

    /// Whoever parks counts its dead letters; those that SQS moved are counted here alone.
    async fn file(&self, dead_letters: &[NewDeadLetter], deadline: Deadline) -> Result<(), Failure> {
        let filing = async {
            let mut statement = self.database.one_statement().await?;
            let filed = file_dead_letters(&mut statement, dead_letters).await;
            statement.end(filed).await
        };
        let Ok(filed) = tokio::time::timeout_at(deadline.instant(), filing).await else {
            return Err(
                Failure::retry("out_of_time", "the function's time ran out before it was filed")
                    .of_whole_batch(),
            );
        };
        let moved = filed?
            .iter()
            .filter(|code| code.as_deref() == Some(MOVED_BY_SQS))
            .count();
        metrics::counter!("DeadLettered").increment(moved as u64);
        Ok(())
    }
}

/// One line for what failed together, under the identity of its first dead letter.
fn log_unfiled(dead_letters: &[NewDeadLetter], failure: &Failure) {
    let Some(first) = dead_letters.first() else { return };
    tracing::error!(
        function = ParkDeadLetters::NAME,
        event_id = first.event_id.as_deref().unwrap_or_default(),
        correlation_id = first.correlation.map(|id| id.to_string()).unwrap_or_default(),
        attempt = first.receives,
        source = first.source,
        message_id = first.message_id,
        records = dead_letters.len(),
        code = failure.code,
        reason = failure.reason,
        "not filed; returned to the dead-letter queue"
    );
}
