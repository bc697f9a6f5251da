//! The topics of a run over Kafka. A broker takes what functions and the payment service write; from there on the driver is the
//! event source, so that what is delivered, to whom and at which offset happens by plan.

mod log;

use crate::environments::Api;
use crate::environments::function::Function;
use anyhow::{Result, anyhow};
use log::{Batch, Log, Place};
use makegood_tests::environment::Outcome;
use makegood_tests::kafka_tap::{KafkaReader, KafkaTap};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The topics of the course pipeline, each with its readers, and that of the shop, which the driver alone reads.
pub const TOPICS: [&str; 7] = [
    "purchase-confirmed",
    "purchase-created",
    "trainer-allocated",
    "sessions-generated",
    "sessions-rescheduled",
    "order-confirmed",
    "purchase-ended",
];
/// Of them those whose reader parks what it can't read.
const PARKED: [&str; 3] = ["purchase-confirmed", "purchase-created", "trainer-allocated"];
/// In a record of poison: where the text goes that no other record has.
pub const MARK: &str = "{mark}";
const PARTITIONS: i32 = 3;
/// Between two looks at a partition, and before a batch that failed is delivered again.
const PAUSE: Duration = Duration::from_millis(40);

/// Poison that was written.
#[derive(Debug, Default)]
struct Poison {
    number: u64,
    /// What tells apart those records that must become dead letters.
    marks: Vec<String>,
}

/// The topics, and who has read how far.
#[derive(Debug)]
pub struct Topics {
    tap: KafkaTap,
    log: Mutex<Log>,
    poison: Mutex<Poison>,
    is_rebalancing: AtomicBool,
}

impl Topics {
    /// Starts the broker, empty.
    ///
    /// # Errors
    /// In a build without Kafka.
    pub fn start() -> Result<Self> {
        Ok(Self {
            tap: KafkaTap::start(&TOPICS, PARTITIONS).map_err(|reason| anyhow!(reason))?,
            log: Mutex::default(),
            poison: Mutex::default(),
            is_rebalancing: AtomicBool::new(false),
        })
    }

    /// As in `KAFKA_BROKERS`.
    #[must_use]
    pub fn address(&self) -> String {
        self.tap.address()
    }

    /// A record from outside; none is a tombstone.
    pub async fn put(&self, topic: &str, key: &str, value: Option<&str>) {
        self.tap.produce(topic, key, value).await;
    }

    /// A record that can't be read; none is a tombstone. [`MARK`] in it becomes a text that no other record has.
    pub async fn put_poison(&self, topic: &str, value: Option<&str>) {
        let Some(value) = value.filter(|value| value.contains(MARK)) else {
            return self.put(topic, "poison", value).await;
        };
        let mark = {
            let mut poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
            poison.number += 1;
            let mark = format!("poison-{}-", poison.number);
            if PARKED.contains(&topic) {
                poison.marks.push(mark.clone());
            }
            mark
        };
        self.put(topic, "poison", Some(&value.replace(MARK, &mark))).await;
    }

    /// What tells apart those records that must be among the dead letters by the end.
    #[must_use]
    pub fn poison(&self) -> Vec<String> {
        let poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
        poison.marks.clone()
    }

    /// From now on, or no longer, every batch is delivered to two environments at once, as when a partition changes hands.
    pub fn rebalance(&self, is_rebalancing: bool) {
        self.is_rebalancing.store(is_rebalancing, Ordering::Relaxed);
    }

    /// A topic is deleted and made anew (`Log::make_anew`).
    pub fn make_anew(&self, topic: &str) {
        self.log().make_anew(topic);
    }

    /// How many records some function has yet to do.
    #[must_use]
    pub fn behind(&self) -> usize {
        self.log().behind()
    }

    /// Records that were written so far, and how often they were delivered.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let log = self.log();
        (log.written, log.delivered)
    }

    /// Every event that was ever written, once each.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.log().events()
    }

    /// Takes note of everything that is written, for ever.
    pub async fn follow(self: Arc<Self>) {
        self.note_all(&self.tap.reader()).await;
    }

    async fn note_all(&self, reader: &KafkaReader) {
        loop {
            let tapped = reader.next().await;
            self.log().append(tapped);
        }
    }

    /// The partitions that this function reads; from now on it is behind there.
    #[must_use]
    pub fn subscribe(&self, function: &Function) -> Vec<Place> {
        let places: Vec<Place> = function
            .topics()
            .iter()
            .flat_map(|topic| (0..PARTITIONS).map(|number| ((*topic).to_owned(), number)))
            .collect();
        for place in &places {
            self.log().subscribe(function.name, place.clone());
        }
        places
    }

    /// Delivers one partition to a function, batch by batch in order, each until it is done, for ever.
    pub async fn deliver(self: Arc<Self>, function: &'static Function, api: Arc<Api>, place: Place) {
        loop {
            if !self.log().has_any(function.name, &place) {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            tokio::time::sleep(Duration::from_millis(function.window_millis)).await;
            let batch = self.log().batch(function.name, &place, function.batch);
            let Some(batch) = batch else { continue };
            if self.is_done(&api, &batch).await {
                self.log().commit(function.name, &place, &batch);
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Whether the batch is done. In a rebalance the one who has lost the partition is still at work on it when the new owner gets
    /// it; what the latter says counts.
    async fn is_done(&self, api: &Arc<Api>, batch: &Batch) -> bool {
        let invoke = || api.run(batch.event.clone());
        let outcome = if self.is_rebalancing.load(Ordering::Relaxed) {
            let (_, outcome) = tokio::join!(invoke(), invoke());
            outcome
        } else {
            invoke().await
        };
        is_commit(&outcome)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Any answer commits the whole batch: this event source reads no partial response, and what one names is lost here as it is there.
fn is_commit(outcome: &Outcome) -> bool {
    if let Outcome::Answered(answer) = outcome
        && *answer != json!({"batchItemFailures": []})
    {
        eprintln!("· an answer to a batch of a topic names records, which are lost: {answer}");
    }
    matches!(outcome, Outcome::Answered(_))
}
