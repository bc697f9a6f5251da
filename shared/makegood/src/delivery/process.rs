//! From an invocation to its answer: read, process, retry, park, acknowledge.

use super::isolate::{OUT_OF_TIME, out_of_time, panicked, process_isolated};
use super::moved_back::moved_back;
use super::outcome::{ConsumerError, Processed};
use super::stage::{Record, Stage};
use super::{
    Answer, Deadline, Delivery, Disposition, Failure, Origin, Parking, Trigger, outage_delay, retry_delay,
};
use crate::cause::Cause;
use crate::clock::Clock;
use crate::event::{Envelope, EventError};
use crate::telemetry;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use futures::stream::{self, StreamExt};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How many parkings and visibility changes run side by side.
const SETTLING_AT_ONCE: usize = 8;
/// How often SQS may deliver a message before it is parked, whatever it waited for: with the pauses of an outage that is more than
/// four hours. The queue's own redrive policy is one receive later, for what its function never answered.
pub const MOST_RECEIVES: u32 = 30;
/// The longest body that is read, in bytes: what follows from it must fit a message again.
pub const LONGEST_PAYLOAD: usize = 262_144;

/// The code of a record whose envelope hides its body.
const MALFORMED_RECORD: &str = "malformed_record";

/// A stage with what it needs to answer its event source.
///
/// ```
/// use aws_sdk_sqs::{Client, Config, config::BehaviorVersion};
/// use makegood::{clock::Clock, delivery::Consumer};
///
/// let sqs = Client::from_conf(Config::builder().behavior_version(BehaviorVersion::latest()).build());
/// let stage = (); // whatever implements `Stage`
/// let consumer = Consumer { stage, sqs, parking: None, kafka_reads_partial: true, clock: Clock::System };
/// assert!(consumer.parking.is_none(), "as for a stage that never parks");
/// ```
pub struct Consumer<S> {
    /// The stage.
    pub stage: S,
    /// SQS, for visibility changes.
    pub sqs: Client,
    /// Where to park; none for a stage that never parks.
    pub parking: Option<Parking>,
    /// Whether the MSK source reads partial responses (provisioned mode).
    pub kafka_reads_partial: bool,
    /// The time.
    pub clock: Clock,
}

/// A record that is not done, with why.
struct Unfinished {
    delivery: Delivery,
    envelope: Option<Envelope>,
    failure: Failure,
    attempt: u32,
}

enum Settled {
    Done,
    Parked,
    Returned(Origin),
}

impl<S: Stage> Consumer<S> {
    /// Handles one invocation.
    ///
    /// Returns the answer for the event source: which records are to come again.
    ///
    /// ```
    /// # use aws_sdk_sqs::{Client, Config, config::BehaviorVersion};
    /// # use makegood::{clock::Clock, delivery::*, event::{Envelope, EventError}};
    /// # struct Picky;
    /// # impl Stage for Picky {
    /// #     const NAME: &'static str = "picky";
    /// #     const MAX_ATTEMPTS: u32 = 3;
    /// #     type Input = Envelope;
    /// #     fn read(&self, payload: &str) -> Result<Envelope, EventError> { Ok(Envelope::read(None, payload, "c")) }
    /// #     fn envelope<'a>(&self, input: &'a Envelope) -> &'a Envelope { input }
    /// #     async fn process(&self, records: &[Record<Envelope>], _: Deadline) -> Result<Vec<Result<(), Failure>>, Failure> {
    /// #         let done = |record: &Record<Envelope>| match record.input.event_id.as_str() {
    /// #             "good" => Ok(()),
    /// #             _ => Err(Failure::retry("bad", "not today")),
    /// #         };
    /// #         Ok(records.iter().map(done).collect())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ConsumerError> {
    /// # let sqs = Client::from_conf(Config::builder().behavior_version(BehaviorVersion::latest()).build());
    /// # let consumer = Consumer { stage: Picky, sqs, parking: None, kafka_reads_partial: true, clock: Clock::System };
    /// # use serde_json::json;
    /// // A stage that can do `good` and not `bad`.
    /// let event = json!({"Records": [{"messageId": "m-1", "body": "good"}, {"messageId": "m-2", "body": "bad"}]});
    /// let answer = consumer.handle(event, Deadline::after(std::time::Duration::from_secs(5))).await?;
    /// assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m-2"}]}));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the invocation as a whole must come again: its envelope can't be read, or the source can't be told
    /// which records to deliver again.
    pub async fn handle(&self, event: Value, deadline: Deadline) -> Result<Value, ConsumerError> {
        let started = Instant::now();
        let (trigger, deliveries) = Trigger::decode(event)?;
        let total = deliveries.len();
        let (tombstones, deliveries): (Vec<_>, Vec<_>) =
            deliveries.into_iter().partition(Delivery::is_tombstone);
        skip::<S>(&tombstones);
        let (records, mut unfinished) = self.read_all(deliveries);
        unfinished.extend(self.work_off(trigger, records, deadline).await);

        let settled: Vec<Settled> = stream::iter(unfinished)
            .map(|record| self.settle(trigger, record))
            .buffered(SETTLING_AT_ONCE)
            .collect()
            .await;
        let returned: Vec<&Origin> = settled
            .iter()
            .filter_map(|outcome| match outcome {
                Settled::Returned(origin) => Some(origin),
                Settled::Done | Settled::Parked => None,
            })
            .collect();
        let parked = settled
            .iter()
            .filter(|outcome| matches!(outcome, Settled::Parked))
            .count();
        let processed = Processed {
            succeeded: total - returned.len() - parked,
            returned: returned.len(),
            parked,
        };
        telemetry::stage_finished(started.elapsed());
        tracing::info!(
            function = S::NAME,
            records = total,
            succeeded = processed.succeeded,
            returned = processed.returned,
            parked = processed.parked,
            "batch done"
        );
        match Answer::for_returned(trigger, &returned, self.kafka_reads_partial) {
            Answer::Partial(answer) => Ok(answer),
            Answer::Fail(reason) => Err(ConsumerError::Returned(reason)),
        }
    }

    fn read_all(&self, deliveries: Vec<Delivery>) -> (Vec<Record<S::Input>>, Vec<Unfinished>) {
        let mut records = Vec::with_capacity(deliveries.len());
        let mut refused = Vec::new();
        for delivery in deliveries.into_iter().map(moved_back) {
            let attempt = delivery.attempt;
            match catch_unwind(AssertUnwindSafe(|| self.read_one(&delivery))) {
                Ok(Ok(input)) => records.push(Record {
                    delivery,
                    input,
                    attempt,
                }),
                Ok(Err(failure)) => refused.push(Unfinished {
                    delivery,
                    envelope: None,
                    failure,
                    attempt,
                }),
                Err(panic) => {
                    let failure = panicked(panic.as_ref());
                    refused.push(Unfinished {
                        delivery,
                        envelope: None,
                        failure,
                        attempt,
                    });
                }
            }
        }
        (records, refused)
    }

    fn read_one(&self, delivery: &Delivery) -> Result<S::Input, Failure> {
        if let Some(defect) = &delivery.defect {
            return Err(Failure::park(MALFORMED_RECORD, defect.as_str()));
        }
        let payload = delivery.payload.as_deref().ok_or(EventError::Empty)?;
        if payload.len() > LONGEST_PAYLOAD {
            let reason = format!(
                "the body has {} bytes; {LONGEST_PAYLOAD} is the most that is read",
                payload.len()
            );
            return Err(Failure::park("payload_too_large", reason));
        }
        Ok(self.stage.read(payload)?)
    }

    /// Processes until every record is done, or its attempts or the time are used up. SQS delivers again by itself;
    /// Kafka does not, so its retries happen here, and a record that keeps failing is parked, never in the way.
    async fn work_off(
        &self,
        trigger: Trigger,
        mut records: Vec<Record<S::Input>>,
        deadline: Deadline,
    ) -> Vec<Unfinished> {
        let mut unfinished = Vec::new();
        while !records.is_empty() {
            let outcomes = process_isolated(&self.stage, &records, deadline).await;
            let mut again = Vec::new();
            for (record, outcome) in records.into_iter().zip(outcomes) {
                let Err(failure) = outcome else { continue };
                let retriable = failure.disposition == Disposition::Retry && failure.code != OUT_OF_TIME;
                if trigger == Trigger::Kafka && retriable && record.attempt < S::MAX_ATTEMPTS {
                    again.push(Record {
                        attempt: record.attempt + 1,
                        ..record
                    });
                } else {
                    unfinished.push(self.unfinished(record, failure));
                }
            }
            records = again;
            let Some(slowest) = records.iter().map(|record| record.attempt).max() else {
                break;
            };
            let pause = kafka_pause(slowest);
            if pause >= deadline.remaining() {
                unfinished.extend(
                    records
                        .into_iter()
                        .map(|record| self.unfinished(record, out_of_time())),
                );
                break;
            }
            tokio::time::sleep(pause).await;
        }
        unfinished
    }

    fn unfinished(&self, record: Record<S::Input>, failure: Failure) -> Unfinished {
        let envelope = Some(self.stage.envelope(&record.input).clone());
        Unfinished {
            delivery: record.delivery,
            envelope,
            failure,
            attempt: record.attempt,
        }
    }

    /// Decides and does what becomes of a record that failed; the one place where a failure is logged.
    async fn settle(&self, trigger: Trigger, record: Unfinished) -> Settled {
        let failure = &record.failure;
        let out_of_time = failure.code == OUT_OF_TIME;
        let exhausted = is_exhausted::<S>(trigger, failure, record.attempt);
        let wants_parking = failure.disposition == Disposition::Park || exhausted;
        if failure.disposition == Disposition::Acknowledge || (wants_parking && !S::PARKS) {
            self.log(&record, "acknowledged although it failed");
            return Settled::Done;
        }
        if wants_parking && let Some(parking) = &self.parking {
            let now = self.clock.now();
            match parking
                .park(
                    &record.delivery,
                    record.envelope.as_ref(),
                    failure,
                    record.attempt,
                    now,
                )
                .await
            {
                Ok(()) => {
                    self.log(&record, "parked");
                    metrics::counter!("DeadLettered").increment(1);
                    return Settled::Parked;
                }
                Err(error) => tracing::error!(function = S::NAME, %error, "not parked; returned"),
            }
        }
        self.log(&record, "returned");
        if !out_of_time {
            self.delay_redelivery(&record).await;
        }
        Settled::Returned(record.delivery.origin)
    }

    fn log(&self, record: &Unfinished, what: &'static str) {
        let (event_id, correlation_id) = match &record.envelope {
            Some(envelope) => (envelope.event_id.as_str(), envelope.correlation_id.as_str()),
            None => ("", ""),
        };
        tracing::warn!(
            function = S::NAME,
            attempt = record.attempt,
            event_id,
            correlation_id,
            source = record.delivery.origin.source(),
            message_id = record.delivery.origin.message_id(),
            code = record.failure.code,
            reason = record.failure.reason,
            "{what}"
        );
    }

    /// Per-message backoff: the message stays invisible a while. A failure to say so costs only the delay.
    async fn delay_redelivery(&self, record: &Unfinished) {
        let Origin::Sqs {
            receipt_handle,
            queue_arn,
            ..
        } = &record.delivery.origin
        else {
            return;
        };
        let Some(queue_url) = queue_url(queue_arn) else {
            return;
        };
        let delay = match record.failure.cause {
            Cause::Outage | Cause::Drift => outage_delay(record.attempt),
            Cause::Lock | Cause::WorkerLost | Cause::OwnFault => retry_delay(record.attempt),
        };
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let changed = self
            .sqs
            .change_message_visibility()
            .queue_url(queue_url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(seconds)
            .send()
            .await;
        if let Err(error) = changed {
            let error = DisplayErrorContext(error);
            tracing::warn!(function = S::NAME, %error, "visibility not changed; the queue's own time-out applies");
        }
    }
}

/// Whether a record that failed is not tried again. Attempts count what the record itself failed at. What it waited for (an outage,
/// a column that is missing, another transaction's lock, time) is bounded by [`MOST_RECEIVES`] on SQS. Kafka keeps its records,
/// and while one waits for an outage no other of its partition would get through either.
fn is_exhausted<S: Stage>(trigger: Trigger, failure: &Failure, attempt: u32) -> bool {
    let waits = failure.code == OUT_OF_TIME || !failure.cause.uses_attempt();
    match trigger {
        _ if !waits || !S::PARKS => attempt >= S::MAX_ATTEMPTS,
        Trigger::Sqs => attempt >= MOST_RECEIVES,
        Trigger::Kafka => {
            let partition_waits =
                failure.code == OUT_OF_TIME || matches!(failure.cause, Cause::Outage | Cause::Drift);
            attempt >= S::MAX_ATTEMPTS && !partition_waits
        }
    }
}

/// Counts what a compacted topic writes in place of a record that was deleted: there is nothing in it to be done or kept.
fn skip<S: Stage>(tombstones: &[Delivery]) {
    let (Some(first), Some(last)) = (tombstones.first(), tombstones.last()) else {
        return;
    };
    metrics::counter!("TombstonesSkipped").increment(tombstones.len() as u64);
    tracing::info!(
        function = S::NAME,
        source = first.origin.source(),
        first = first.origin.message_id(),
        last = last.origin.message_id(),
        records = tombstones.len(),
        "tombstones acknowledged"
    );
}

/// The URL that goes with a queue's ARN (`arn:aws:sqs:region:account:name`).
fn queue_url(arn: &str) -> Option<String> {
    let mut parts = arn.split(':').skip(3);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("https://sqs.{region}.amazonaws.com/{account}/{name}"))
}

/// The pause before a Kafka record's next attempt: short, since its partition waits.
fn kafka_pause(attempt: u32) -> Duration {
    const FIRST_MILLIS: u64 = 100;
    const LONGEST_MILLIS: u64 = 5_000;
    Duration::from_millis((FIRST_MILLIS << attempt.min(10)).min(LONGEST_MILLIS))
}
