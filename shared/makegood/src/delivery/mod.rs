//! One record as it reached us, from SQS or MSK alike, and what becomes of it.

mod backoff;
mod decode;
mod decode_error;
#[cfg(test)]
mod decode_tests;
mod failure;
mod isolate;
mod kafka_record;
mod park;
mod process;
mod replay_mark;
mod respond;
mod sqs_record;
mod stage;

pub use crate::disposition::Disposition;
pub use backoff::{outage_delay, retry_delay};
pub use decode::Trigger;
pub use decode_error::DecodeError;
pub use failure::Failure;
pub use isolate::out_of_time;
pub use park::{DeadLetter, ParkError, Parking, unpack_raw};
pub use process::{Consumer, ConsumerError, LONGEST_PAYLOAD, MOST_RECEIVES, Processed};
pub use replay_mark::{NoMark, ReplayMark};
pub use respond::Answer;
pub use stage::{Record, Stage};

use chrono::{DateTime, Utc};
use std::time::Duration;

/// Where a delivery came from, and what names it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An SQS message.
    Sqs {
        /// Names the message in a partial batch response.
        message_id: String,
        /// Names this receipt of it, to change its visibility.
        receipt_handle: String,
        /// The ARN of its queue.
        queue_arn: String,
    },
    /// A Kafka record.
    Kafka {
        /// Its topic.
        topic: String,
        /// Its partition, where the event says so.
        partition: Option<i64>,
        /// Its offset there, where the event says so.
        offset: Option<i64>,
        /// A hash of what its producer gave: a topic that was created again has other records at the same places.
        fingerprint: String,
    },
}

impl Origin {
    /// The queue's or topic's name.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::Sqs { queue_arn, .. } => queue_arn.rsplit(':').next().unwrap_or(queue_arn),
            Self::Kafka { topic, .. } => topic,
        }
    }

    /// What names the message at its source: the message id, or `partition-offset-fingerprint`, with `x` for what is unknown.
    #[must_use]
    pub fn message_id(&self) -> String {
        match self {
            Self::Sqs { message_id, .. } => message_id.clone(),
            Self::Kafka {
                partition,
                offset,
                fingerprint,
                ..
            } => {
                let known = |number: &Option<i64>| number.map_or("x".to_owned(), |number| number.to_string());
                format!("{}-{}-{fingerprint}", known(partition), known(offset))
            }
        }
    }
}

/// One record as it reached us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The body; none for a Kafka tombstone. With a defect, what there is of it.
    pub payload: Option<String>,
    /// What is wrong with the record around the body, so that the body can't be read.
    pub defect: Option<String>,
    /// How many times it has been received, this one included. Kafka does not count: always 1.
    pub attempt: u32,
    /// Where it came from.
    pub origin: Origin,
    /// Which dead letter it is, when it was sent back as one.
    pub replay: Option<ReplayMark>,
}

impl Delivery {
    /// Whether it is a Kafka record that was deleted: a key, or not even that, and no value. SQS has no such messages; one
    /// without a body is a failure there.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        matches!(self.origin, Origin::Kafka { .. }) && self.payload.is_none() && self.defect.is_none()
    }
}

/// Until when this invocation may work.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    instant: tokio::time::Instant,
    calls_end_by: tokio::time::Instant,
    answer_by: tokio::time::Instant,
}

impl Deadline {
    /// Kept back for the answer itself: parking, visibility changes, metrics.
    const RESERVE: Duration = Duration::from_millis(1_500);
    /// Of it, what is kept back for telling Lambda: metrics and the answer.
    const TELLING: Duration = Duration::from_millis(300);
    /// Of it, what a function needs between the last call out, which may use its whole limit, and its answer.
    const CONCLUDING: Duration = Duration::from_millis(300);
    /// A deadline that is no epoch time (as some emulators send) is taken for this.
    const FALLBACK: Duration = Duration::from_secs(25);

    /// From the invocation's deadline in milliseconds since the epoch, less what the answer needs.
    #[must_use]
    pub fn from_epoch_millis(deadline_millis: u64, now: DateTime<Utc>) -> Self {
        let now_millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        match deadline_millis.checked_sub(now_millis) {
            Some(left) if left > 0 => Self::after(Duration::from_millis(left).saturating_sub(Self::RESERVE)),
            _ => Self::after(Self::FALLBACK),
        }
    }

    /// This long from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        let instant = tokio::time::Instant::now() + duration;
        let answer_by = instant + Self::RESERVE.saturating_sub(Self::TELLING);
        Self {
            instant,
            calls_end_by: answer_by - Self::CONCLUDING,
            answer_by,
        }
    }

    /// What is left; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.instant
            .saturating_duration_since(tokio::time::Instant::now())
    }

    /// When every call out has ended, those for parking and visibility changes included. Later than [`Deadline::instant`], and
    /// earlier than [`Deadline::answer_by`]: a call that uses its whole limit leaves time to say what became of it.
    #[must_use]
    pub fn calls_end_by(&self) -> tokio::time::Instant {
        self.calls_end_by
    }

    /// When the function has answered, or is stopped. Later than [`Deadline::calls_end_by`].
    #[must_use]
    pub fn answer_by(&self) -> tokio::time::Instant {
        self.answer_by
    }

    /// The instant itself.
    #[must_use]
    pub fn instant(&self) -> tokio::time::Instant {
        self.instant
    }
}
