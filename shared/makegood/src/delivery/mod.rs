//! One record as it reached us, from SQS or MSK alike, and what becomes of it.

mod backoff;
mod decode;
mod decode_error;
#[cfg(test)]
mod decode_tests;
mod failure;
mod isolate;
mod kafka_record;
mod moved_back;
mod outcome;
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
pub use moved_back::out_of_dead_letters;
pub use outcome::{ConsumerError, Processed};
pub use park::{DeadLetter, ParkError, Parking, unpack_raw};
pub use process::{Consumer, LONGEST_PAYLOAD, MOST_RECEIVES};
pub use replay_mark::{NoMark, ReplayMark};
pub use respond::Answer;
pub use stage::{Record, Stage};

use chrono::{DateTime, Utc};
use std::time::Duration;

/// Where a delivery came from, and what names it there.
///
/// ```
/// use makegood::delivery::{Origin, Trigger};
/// use serde_json::json;
///
/// let event = json!({"records": {"t-0": [{"topic": "t", "partition": 0, "offset": 15, "value": "e30="}]}});
/// let (_, deliveries) = Trigger::decode(event)?;
/// assert!(matches!(&deliveries[0].origin, Origin::Kafka { topic, offset: Some(15), .. } if topic == "t"));
/// # Ok::<(), makegood::delivery::DecodeError>(())
/// ```
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
    ///
    /// ```
    /// use makegood::delivery::Origin;
    ///
    /// let origin = Origin::Sqs {
    ///     message_id: "m-1".to_owned(),
    ///     receipt_handle: "r-1".to_owned(),
    ///     queue_arn: "arn:aws:sqs:eu-west-1:123456789012:purchase-confirmed".to_owned(),
    /// };
    /// assert_eq!(origin.source(), "purchase-confirmed");
    /// ```
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::Sqs { queue_arn, .. } => queue_arn.rsplit(':').next().unwrap_or(queue_arn),
            Self::Kafka { topic, .. } => topic,
        }
    }

    /// What names the message at its source: the message id, or `partition-offset-fingerprint`, with `x` for what is unknown.
    ///
    /// ```
    /// use makegood::delivery::Origin;
    ///
    /// let record = |offset| Origin::Kafka { topic: "t".to_owned(), partition: Some(2), offset, fingerprint: "5f3a".to_owned() };
    /// assert_eq!(record(Some(15)).message_id(), "2-15-5f3a");
    /// assert_eq!(record(None).message_id(), "2-x-5f3a");
    /// ```
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
///
/// ```
/// use makegood::delivery::Trigger;
/// use serde_json::json;
///
/// let (_, deliveries) = Trigger::decode(json!({"Records": [{"messageId": "m-1", "body": "{}",
///     "attributes": {"ApproximateReceiveCount": "3"}, "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:paid"}]}))?;
/// assert_eq!((deliveries[0].payload.as_deref(), deliveries[0].attempt), (Some("{}"), 3));
/// # Ok::<(), makegood::delivery::DecodeError>(())
/// ```
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
    ///
    /// ```
    /// use makegood::delivery::Trigger;
    /// use serde_json::json;
    ///
    /// let event = json!({"records": {"t-0": [{"topic": "t", "partition": 0, "offset": 15, "key": "azE="}]}});
    /// let (_, deliveries) = Trigger::decode(event)?;
    /// assert!(deliveries[0].is_tombstone());
    /// # Ok::<(), makegood::delivery::DecodeError>(())
    /// ```
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        matches!(self.origin, Origin::Kafka { .. }) && self.payload.is_none() && self.defect.is_none()
    }
}

/// Until when this invocation may work.
///
/// ```
/// use makegood::delivery::Deadline;
/// use std::time::Duration;
///
/// let deadline = Deadline::after(Duration::from_secs(20));
/// assert!(deadline.instant() < deadline.calls_end_by() && deadline.calls_end_by() < deadline.answer_by());
/// ```
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
    ///
    /// A deadline that has passed is taken for 25 s from now.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use makegood::delivery::Deadline;
    /// use std::time::Duration;
    ///
    /// let now = DateTime::from_timestamp_millis(1_767_817_344_753).unwrap_or_default();
    /// let deadline = Deadline::from_epoch_millis(1_767_817_344_753 + 30_000, now);
    /// assert!(deadline.remaining() <= Duration::from_millis(28_500), "1.5 s are kept back for the answer");
    /// assert!(deadline.remaining() > Duration::from_secs(20));
    /// ```
    #[must_use]
    pub fn from_epoch_millis(deadline_millis: u64, now: DateTime<Utc>) -> Self {
        let now_millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        match deadline_millis.checked_sub(now_millis) {
            Some(left) if left > 0 => Self::after(Duration::from_millis(left).saturating_sub(Self::RESERVE)),
            _ => Self::after(Self::FALLBACK),
        }
    }

    /// This long from now.
    ///
    /// ```
    /// use makegood::delivery::Deadline;
    /// use std::time::Duration;
    ///
    /// assert!(Deadline::after(Duration::from_secs(5)).remaining() <= Duration::from_secs(5));
    /// ```
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
    ///
    /// ```
    /// use makegood::delivery::Deadline;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Deadline::after(Duration::ZERO).remaining(), Duration::ZERO);
    /// ```
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.instant
            .saturating_duration_since(tokio::time::Instant::now())
    }

    /// When every call out has ended, those for parking and visibility changes included. Later than [`Deadline::instant`], and
    /// earlier than [`Deadline::answer_by`]: a call that uses its whole limit leaves time to say what became of it.
    ///
    /// ```
    /// use makegood::delivery::Deadline;
    /// use std::time::Duration;
    ///
    /// let deadline = Deadline::after(Duration::from_secs(5));
    /// assert_eq!(deadline.calls_end_by() - deadline.instant(), Duration::from_millis(900));
    /// ```
    #[must_use]
    pub fn calls_end_by(&self) -> tokio::time::Instant {
        self.calls_end_by
    }

    /// When the function has answered, or is stopped. Later than [`Deadline::calls_end_by`].
    ///
    /// ```
    /// use makegood::delivery::Deadline;
    /// use std::time::Duration;
    ///
    /// let deadline = Deadline::after(Duration::from_secs(5));
    /// assert_eq!(deadline.answer_by() - deadline.calls_end_by(), Duration::from_millis(300));
    /// ```
    #[must_use]
    pub fn answer_by(&self) -> tokio::time::Instant {
        self.answer_by
    }

    /// The instant itself.
    ///
    /// What a stage may work until.
    ///
    /// ```
    /// use makegood::delivery::Deadline;
    /// use std::time::Duration;
    ///
    /// let deadline = Deadline::after(Duration::from_secs(5));
    /// assert!(deadline.instant() > tokio::time::Instant::now());
    /// ```
    #[must_use]
    pub fn instant(&self) -> tokio::time::Instant {
        self.instant
    }
}
