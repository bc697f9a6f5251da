//! The course pipeline on Kafka: the functions publish to topics and read from them, under the groups of SPEC 3.

use crate::course::Course;
use crate::environment::{Environment, Variables};
use crate::kafka_broker::Broker;
use crate::kafka_source::KafkaSource;
use serde_json::json;

/// The topics of the course pipeline.
pub const TOPICS: [&str; 6] = [
    "purchase-confirmed",
    "purchase-created",
    "trainer-allocated",
    "sessions-generated",
    "sessions-rescheduled",
    "purchase-ended",
];

/// A database, dead-letter queue and admin service as in [`Course`], with topics in place of its other queues.
#[derive(Debug)]
pub struct KafkaCourse {
    /// The broker with all topics.
    pub broker: Broker,
    /// The rest.
    pub course: Course,
}

impl KafkaCourse {
    /// All of it fresh, each topic with this many partitions.
    pub async fn create(partitions: i32) -> Self {
        Self {
            broker: Broker::start(&TOPICS, partitions),
            course: Course::create().await,
        }
    }

    /// What every function is told: brokers, and no queue but the one for dead letters.
    #[must_use]
    pub fn variables(&self) -> Variables {
        let mut variables = self.course.variables_with(&[
            ("TRANSPORT", "kafka".to_owned()),
            ("KAFKA_BROKERS", self.broker.address()),
            ("KAFKA_AUTH", "none".to_owned()),
        ]);
        variables.retain(|name, _| !name.starts_with("QUEUE_URL_"));
        variables
    }

    /// A fresh environment of this function.
    pub async fn environment_of(&self, function: &str) -> Environment {
        Environment::start(function, &self.variables()).await
    }

    /// A new member of this function's consumer group.
    #[must_use]
    pub fn source_of(&self, function: &str) -> KafkaSource {
        let (group, topics): (_, &[&str]) = match function {
            "create-purchase" => ("purchase-creation-workers", &TOPICS[..1]),
            "allocate-trainer" => ("trainer-allocation-workers", &TOPICS[1..2]),
            "schedule-sessions" => ("session-scheduling-workers", &TOPICS[2..3]),
            "invalidate-cache" => ("cache-invalidation-workers", &TOPICS[1..]),
            other => panic!("{other} reads no topic"),
        };
        KafkaSource::join(&self.broker, group, topics)
    }

    /// The outbox sweep, by its function; gives back how many events it published.
    pub async fn sweep_outbox(&self) -> u64 {
        let sweep = self.environment_of("sweep").await;
        let answer = sweep.invoke(json!({"sweep": "outbox"})).await.answer();
        answer["published"]
            .as_u64()
            .expect("the sweep tells what it published")
    }
}
