//! What Lambda's MSK event source does between a topic and a function: a member of a consumer group reads, invokes, and
//! commits what is done. What is not done comes again with its whole batch.

use crate::environment::{Environment, Outcome};
use crate::kafka_broker::{Broker, PATIENCE, consumer_config, ends_of};
use crate::msk_event::{MskRecord, msk_event};
use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// How long a turn of the group's protocol is given before the members are looked at again.
const TURN: Duration = Duration::from_millis(50);

/// An offset for each partition, `(topic, partition)`.
type Offsets = BTreeMap<(String, i32), i64>;

/// Where this member reads on, by partition; forgotten when the group takes partitions away.
#[derive(Debug, Default)]
struct Positions(Mutex<Offsets>);

impl Positions {
    fn lock(&self) -> MutexGuard<'_, Offsets> {
        self.0.lock().expect("not poisoned")
    }
}

impl ClientContext for Positions {}
impl ConsumerContext for Positions {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.lock().clear();
    }
}

/// One member of a consumer group, as one poller of an event source mapping.
pub struct KafkaSource {
    consumer: StreamConsumer<Positions>,
    topics: Vec<String>,
}

/// Records that were read and not committed yet.
#[derive(Debug, Clone)]
pub struct KafkaBatch {
    /// As the function gets them.
    pub event: Value,
    first: Offsets,
    next: Offsets,
}

impl KafkaBatch {
    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        let records = self.event["records"].as_object().into_iter().flatten();
        records.map(|(_, list)| list.as_array().map_or(0, Vec::len)).sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl KafkaSource {
    /// Joins the group. The broker gives it partitions while it reads.
    #[must_use]
    pub fn join(broker: &Broker, group: &str, topics: &[&str]) -> Self {
        let consumer: StreamConsumer<Positions> = consumer_config(broker, group)
            .create_with_context(Positions::default())
            .expect("a consumer");
        consumer.subscribe(topics).expect("the topics are subscribed");
        Self {
            consumer,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        }
    }

    /// The partitions that the group gave to this member.
    #[must_use]
    pub fn partitions(&self) -> Vec<(String, i32)> {
        let assignment = self.consumer.assignment().expect("the member knows its part");
        let elements = assignment.elements();
        elements
            .iter()
            .map(|element| (element.topic().to_owned(), element.partition()))
            .collect()
    }

    /// Takes part in the group until the condition holds of this member; records that come meanwhile are read again later.
    pub async fn take_part_until(&self, condition: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !condition(self) {
                if let Ok(message) = tokio::time::timeout(TURN, self.consumer.recv()).await {
                    let message = message.expect("a record");
                    self.seek(message.topic(), message.partition(), message.offset());
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the group settles");
    }

    /// Reads up to `most` records of its partitions; none when there is nothing behind what it has read.
    pub async fn receive(&self, most: usize) -> Option<KafkaBatch> {
        self.take_part_until(|member| !member.partitions().is_empty())
            .await;
        let wanted = most.min(self.left());
        if wanted == 0 {
            return None;
        }
        let (mut records, mut first, mut next) = (Vec::new(), Offsets::new(), Offsets::new());
        for _ in 0..wanted {
            let message = tokio::time::timeout(PATIENCE, self.consumer.recv())
                .await
                .expect("the record comes")
                .expect("a record");
            let place = (message.topic().to_owned(), message.partition());
            records.push(msk_record(&message));
            first.entry(place.clone()).or_insert(message.offset());
            next.insert(place.clone(), message.offset() + 1);
            self.consumer.context().lock().insert(place, message.offset() + 1);
        }
        let event = msk_event(&records);
        Some(KafkaBatch { event, first, next })
    }

    /// Reads a batch, hands it to the function, and commits it, or takes it back when the function did not answer.
    pub async fn deliver(&self, environment: &Environment, most: usize) -> Option<(KafkaBatch, Outcome)> {
        let batch = self.receive(most).await?;
        let outcome = environment.invoke(batch.event.clone()).await;
        self.settle(&batch, &outcome);
        Some((batch, outcome))
    }

    /// Delivers until nothing is left, and panics unless the function answered each time. Gives back how many records.
    pub async fn drain(&self, environment: &Environment, most: usize) -> usize {
        let mut delivered = 0;
        while let Some((batch, outcome)) = self.deliver(environment, most).await {
            let logs = environment.lines().join("\n");
            assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}\n{logs}");
            delivered += batch.len();
        }
        delivered
    }

    /// What Lambda does with the offsets after this outcome: committed when the function answered, else not.
    pub fn settle(&self, batch: &KafkaBatch, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(answer) => {
                assert_eq!(
                    answer,
                    &json!({"batchItemFailures": []}),
                    "this event source reads no partial response: what it names would be lost"
                );
                self.commit(batch);
            }
            Outcome::FunctionError(_) | Outcome::Died(_) | Outcome::TimedOut => {
                for ((topic, partition), offset) in &batch.first {
                    self.seek(topic, *partition, *offset);
                }
            }
        }
    }

    /// Commits what it may: a partition that the group gave to another member meanwhile is that member's now.
    fn commit(&self, batch: &KafkaBatch) {
        let mine = self.partitions();
        let mut list = TopicPartitionList::new();
        for (place, offset) in batch.next.iter().filter(|(place, _)| mine.contains(place)) {
            list.add_partition_offset(&place.0, place.1, Offset::Offset(*offset))
                .expect("a partition");
        }
        if list.count() > 0 {
            self.consumer
                .commit(&list, CommitMode::Sync)
                .expect("the offsets are committed");
        }
    }

    /// Everything in its partitions comes again, from offset zero.
    pub async fn rewind(&self) {
        self.take_part_until(|member| !member.partitions().is_empty())
            .await;
        for (topic, partition) in self.partitions() {
            self.seek(&topic, partition, 0);
        }
    }

    /// How many records of its partitions are not committed.
    #[must_use]
    pub fn uncommitted(&self) -> usize {
        let ends = self.ends();
        let committed = self.committed();
        count(
            ends.iter()
                .map(|(place, end)| end - committed.get(place).copied().unwrap_or(0)),
        )
    }

    fn seek(&self, topic: &str, partition: i32, offset: i64) {
        self.consumer
            .seek(topic, partition, Offset::Offset(offset), PATIENCE)
            .expect("the member reads from there");
        self.consumer
            .context()
            .lock()
            .insert((topic.to_owned(), partition), offset);
    }

    /// How many records lie behind what it has read.
    fn left(&self) -> usize {
        let committed = self.committed();
        let positions = self.consumer.context().lock().clone();
        let read = |place| positions.get(place).or_else(|| committed.get(place)).copied();
        count(
            self.ends()
                .iter()
                .map(|(place, end)| end - read(place).unwrap_or(0)),
        )
    }

    fn ends(&self) -> Offsets {
        let mine = self.partitions();
        let mut ends = Offsets::new();
        for topic in &self.topics {
            for (partition, end) in ends_of(&self.consumer, topic) {
                ends.insert((topic.clone(), partition), end);
            }
        }
        ends.retain(|place, _| mine.contains(place));
        ends
    }

    fn committed(&self) -> Offsets {
        let committed = self
            .consumer
            .committed(PATIENCE)
            .expect("the broker knows what is committed");
        let elements = committed.elements();
        let known = elements.iter().filter_map(|element| match element.offset() {
            Offset::Offset(offset) => Some(((element.topic().to_owned(), element.partition()), offset)),
            _ => None,
        });
        known.collect()
    }
}

fn count(numbers: impl Iterator<Item = i64>) -> usize {
    usize::try_from(numbers.sum::<i64>()).expect("a number of records")
}

/// As [`MskRecord`] says it.
pub(crate) fn msk_record(message: &BorrowedMessage<'_>) -> MskRecord {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let (timestamp, timestamp_type) = match message.timestamp() {
        Timestamp::NotAvailable => (-1, "NO_TIMESTAMP_TYPE"),
        Timestamp::CreateTime(millis) => (millis, "CREATE_TIME"),
        Timestamp::LogAppendTime(millis) => (millis, "LOG_APPEND_TIME"),
    };
    MskRecord {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp,
        timestamp_type: timestamp_type.to_owned(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect(),
    }
}
