//! The `park-dead-letters` function: files what arrives in the dead-letter queues, so that nothing vanishes (G8).
//! It never parks and never gives up: what it can't file stays in its queue, whose alarm rings.

mod letter;
mod nul;
mod store;

pub use letter::{Letter, MOVED_BY_SQS, MovedFrom};
pub use nul::{JSON_STRING, keep_losslessly, show_nul};
pub use store::{COLUMNS, file_letters};

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
    HandedBack(String),
}

impl Coded for FilingError {
    fn code(&self) -> &'static str {
        match self {
            Self::Decode(_) => "event_unreadable",
            Self::HandedBack(_) => "handed_back",
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
        let letters: Vec<Letter> = deliveries
            .iter()
            .zip(moved_from)
            .map(|(delivery, moved)| Letter::read(delivery, &moved, now))
            .collect();
        let unfiled = self.file_isolated(&letters, deadline).await;
        let handed_back: Vec<&Origin> = unfiled.iter().map(|index| &deliveries[*index].origin).collect();
        tracing::info!(
            function = Self::NAME,
            records = letters.len(),
            filed = letters.len() - handed_back.len(),
            handed_back = handed_back.len(),
            "batch done"
        );
        match Answer::for_handed_back(trigger, &handed_back, false) {
            Answer::Partial(answer) => Ok(answer),
            Answer::Fail(reason) => Err(FilingError::HandedBack(reason)),
        }
    }

    /// Files all in one statement; when that fails through one letter, halves find it, so that its neighbours are
    /// filed. Gives back the indices of those that are not.
    async fn file_isolated(&self, letters: &[Letter], deadline: Deadline) -> Vec<usize> {
        let mut unfiled = Vec::new();
        let mut ranges: Vec<Range<usize>> = std::iter::once(0..letters.len()).collect();
        while let Some(range) = ranges.pop() {
            if range.is_empty() {
                continue;
            }
            match self.file(&letters[range.clone()], deadline).await {
                Ok(()) => {}
                Err(failure) if range.len() > 1 && failure.may_be_one_record => {
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(failure) => {
                    log_unfiled(&letters[range.clone()], &failure);
                    unfiled.extend(range);
                }
            }
        }
        unfiled
    }

    /// Whoever parks counts its letters; only those that SQS moved have nobody else to count them.
    async fn file(&self, letters: &[Letter], deadline: Deadline) -> Result<(), Failure> {
        let filing = async {
            let mut statement = self.database.one_statement().await?;
            let filed = file_letters(&mut statement, letters).await;
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

/// One line for what failed together, under the identity of its first letter.
fn log_unfiled(letters: &[Letter], failure: &Failure) {
    let Some(first) = letters.first() else { return };
    tracing::error!(
        function = ParkDeadLetters::NAME,
        event_id = first.event_id.as_deref().unwrap_or_default(),
        correlation_id = first.correlation.map(|id| id.to_string()).unwrap_or_default(),
        attempt = first.receives,
        source = first.source,
        message_id = first.message_id,
        records = letters.len(),
        code = failure.code,
        reason = failure.reason,
        "not filed; handed back to the dead-letter queue"
    );
}
