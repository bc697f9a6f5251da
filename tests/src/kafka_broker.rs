//! A Kafka-protocol broker of its own for each test: librdkafka's mock cluster, on real sockets of the loopback.

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How long a test waits for an answer of the broker that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The one broker of the cluster.
const BROKER: i32 = 1;

/// A running broker. Dropping it ends it.
pub struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    producer: FutureProducer,
}

/// One record as a consumer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it lies.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: Option<String>,
    /// Its value; none for a tombstone.
    pub value: Option<String>,
    /// Its headers by name.
    pub headers: BTreeMap<String, String>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Broker({})", self.address())
    }
}

impl Broker {
    /// A broker with these topics, each of this many partitions.
    #[must_use]
    pub fn start(topics: &[&str], partitions: i32) -> Self {
        let cluster = MockCluster::new(1).expect("the broker starts");
        for topic in topics {
            cluster
                .create_topic(topic, partitions, 1)
                .expect("the broker makes the topic");
        }
        let producer = producer_at(&cluster.bootstrap_servers());
        Self { cluster, producer }
    }

    /// Where it listens, as in `KAFKA_BROKERS`.
    #[must_use]
    pub fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Sends a record as another service would; none is a tombstone.
    pub async fn produce(&self, topic: &str, key: &str, value: Option<&str>) {
        produce_with(&self.producer, topic, key, value).await;
    }

    /// The next requests to store records, this many, are refused for want of a permission.
    pub fn refuse_records(&self, times: usize) {
        let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        self.cluster
            .request_errors(RDKafkaApiKey::Produce, &vec![refusal; times]);
    }

    /// It tells the next producer that it lost its place in the sequence, after which that producer can send no more.
    pub fn disown_the_producer(&self) {
        let lost = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        self.cluster.request_errors(RDKafkaApiKey::Produce, &[lost]);
    }

    /// It refuses what the next producer sends as that of an older epoch, which librdkafka does not call fatal.
    pub fn fence_the_producer(&self) {
        let fenced = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
        self.cluster.request_errors(RDKafkaApiKey::Produce, &[fenced]);
    }

    /// What was left of [`Broker::refuse_records`] is forgotten.
    pub fn take_records_again(&self) {
        self.cluster.clear_request_errors(RDKafkaApiKey::Produce);
    }

    /// It can't be reached until [`Broker::come_back`].
    pub fn go_away(&self) {
        self.cluster.broker_down(BROKER).expect("the broker goes away");
    }

    /// It listens again.
    pub fn come_back(&self) {
        self.cluster.broker_up(BROKER).expect("the broker comes back");
    }

    /// Everything in a topic, by partition and offset, as a consumer outside every group reads it.
    #[must_use]
    pub fn everything_in(&self, topic: &str) -> Vec<Recorded> {
        let consumer: BaseConsumer = consumer_config(self, "an-onlooker").create().expect("a consumer");
        let ends = ends_of(&consumer, topic);
        let mut list = TopicPartitionList::new();
        for partition in ends.keys() {
            list.add_partition_offset(topic, *partition, Offset::Beginning)
                .expect("a partition");
        }
        consumer.assign(&list).expect("the partitions are read");
        let all = usize::try_from(ends.values().sum::<i64>()).expect("a number of records");
        let mut records = Vec::with_capacity(all);
        while records.len() < all {
            let message = consumer.poll(PATIENCE).expect("the record comes");
            records.push(recorded(&message.expect("a record")));
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }
}

/// A producer as another service has it.
pub(crate) fn producer_at(address: &str) -> FutureProducer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address)
        .set("partitioner", "murmur2_random");
    config.create().expect("a producer")
}

/// Sends a record; none is a tombstone.
pub(crate) async fn produce_with(producer: &FutureProducer, topic: &str, key: &str, value: Option<&str>) {
    let mut record = FutureRecord::to(topic).key(key);
    if let Some(value) = value {
        record = record.payload(value);
    }
    let sent = producer.send(record, PATIENCE).await;
    sent.expect("the broker takes the record");
}

/// What every consumer of a test is told: it begins at the beginning and commits by hand.
pub(crate) fn consumer_config(broker: &Broker, group: &str) -> ClientConfig {
    consumer_config_at(&broker.address(), group)
}

/// The same for the broker at this address.
pub(crate) fn consumer_config_at(address: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "200")
        .set("fetch.wait.max.ms", "50");
    config
}

/// The end of each partition of a topic.
pub(crate) fn ends_of<C: rdkafka::consumer::ConsumerContext>(
    consumer: &impl Consumer<C>,
    topic: &str,
) -> BTreeMap<i32, i64> {
    let metadata = consumer
        .fetch_metadata(Some(topic), PATIENCE)
        .expect("the broker describes the topic");
    let partitions = metadata.topics()[0].partitions().iter();
    partitions
        .map(|partition| {
            let (_, end) = consumer
                .fetch_watermarks(topic, partition.id(), PATIENCE)
                .expect("the broker knows the end");
            (partition.id(), end)
        })
        .collect()
}

fn recorded(message: &impl Message) -> Recorded {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    Recorded {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(text),
        value: message.payload().map(text),
        headers: headers
            .map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default()))
            .collect(),
    }
}
