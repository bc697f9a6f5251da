//! Topics as a driver sees them that plays the event source itself: it writes records, and is told of each one that anybody wrote.
//! It is there in every build, and can be started only in one with the feature `kafka`.

use serde_json::Value;

/// A record of a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Tapped {
    /// Where it lies.
    pub topic: String,
    /// And on which partition.
    pub partition: i32,
    /// As an MSK event source hands it to a function.
    pub record: Value,
    /// Its value as text; none for a tombstone.
    pub value: Option<String>,
}

#[cfg(feature = "kafka")]
mod tap {
    use super::Tapped;
    use crate::kafka_broker::{Broker, consumer_config_at, ends_of, produce_with, producer_at};
    use crate::kafka_source::msk_record;
    use rdkafka::consumer::{Consumer, StreamConsumer};
    use rdkafka::message::Message;
    use rdkafka::producer::FutureProducer;
    use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
    use std::fmt;
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    /// A running broker with its topics. Dropping it ends it.
    pub struct KafkaTap {
        address: String,
        producer: FutureProducer,
        topics: Vec<String>,
        _running: Sender<()>,
        partitions: i32,
    }

    /// Reads every topic to its end and goes on.
    pub struct KafkaReader(StreamConsumer);

    impl KafkaTap {
        /// Starts a broker with these topics, each of this many partitions.
        ///
        /// # Errors
        /// In a build without the feature `kafka`.
        pub fn start(topics: &[&str], partitions: i32) -> Result<Self, String> {
            let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
            let (told, address) = channel();
            let (running, ended) = channel();
            let names = topics.clone();
            // The broker stays on the thread that made it; it ends when no task holds the other end.
            thread::spawn(move || {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let broker = Broker::start(&names, partitions);
                if told.send(broker.address()).is_ok() {
                    let _: Result<(), _> = ended.recv();
                }
            });
            let address = address
                .recv()
                .map_err(|_| "the broker does not start".to_owned())?;
            Ok(Self {
                producer: producer_at(&address),
                address,
                topics,
                _running: running,
                partitions,
            })
        }

        /// As in `KAFKA_BROKERS`.
        #[must_use]
        pub fn address(&self) -> String {
            self.address.clone()
        }

        /// Writes a record; none is a tombstone.
        pub async fn produce(&self, topic: &str, key: &str, value: Option<&str>) {
            produce_with(&self.producer, topic, key, value).await;
        }

        /// A reader of everything, from the beginning.
        #[must_use]
        pub fn reader(&self) -> KafkaReader {
            let consumer: StreamConsumer = consumer_config_at(&self.address, "the-driver")
                .create()
                .expect("a consumer");
            let mut list = TopicPartitionList::new();
            for topic in &self.topics {
                ends_of(&consumer, topic);
                for partition in 0..self.partitions {
                    list.add_partition_offset(topic, partition, Offset::Beginning)
                        .expect("a partition");
                }
            }
            consumer.assign(&list).expect("the partitions are read");
            KafkaReader(consumer)
        }
    }

    impl fmt::Debug for KafkaTap {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "KafkaTap({})", self.address)
        }
    }

    impl KafkaReader {
        /// The next record of any topic, when there is one.
        pub async fn next(&self) -> Tapped {
            loop {
                // What goes wrong passes: the client reads on by itself.
                let Ok(message) = self.0.recv().await else {
                    continue;
                };
                return Tapped {
                    topic: message.topic().to_owned(),
                    partition: message.partition(),
                    record: msk_record(&message).as_lambda_hands_it(),
                    value: message
                        .payload()
                        .map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
                };
            }
        }
    }
}

#[cfg(not(feature = "kafka"))]
mod tap {
    use super::Tapped;

    /// A broker that can't be started in this build.
    #[derive(Debug)]
    pub enum KafkaTap {}

    /// A reader that there is none of in this build.
    pub enum KafkaReader {}

    impl KafkaTap {
        /// Never starts.
        ///
        /// # Errors
        /// Always: this build has no Kafka.
        pub fn start(_: &[&str], _: i32) -> Result<Self, String> {
            Err("this build has no Kafka; build with --features makegood-tests/kafka".to_owned())
        }

        /// As in `KAFKA_BROKERS`.
        #[must_use]
        pub fn address(&self) -> String {
            match *self {}
        }

        /// Writes a record; none is a tombstone.
        pub async fn produce(&self, _: &str, _: &str, _: Option<&str>) {
            match *self {}
        }

        /// A reader of everything, from the beginning.
        #[must_use]
        pub fn reader(&self) -> KafkaReader {
            match *self {}
        }
    }

    impl KafkaReader {
        /// The next record of any topic, when there is one.
        pub async fn next(&self) -> Tapped {
            match *self {}
        }
    }
}

pub use tap::{KafkaReader, KafkaTap};
