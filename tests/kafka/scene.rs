//! Payments on their topic, and the whole pipeline reading and publishing over one broker.

use makegood_local::admin::{self, AdminService};
use makegood_tests::course::{HOPS, Payment};
use makegood_tests::invariants;
use makegood_tests::kafka_course::KafkaCourse;
use makegood_tests::kafka_source::KafkaSource;
use std::sync::Arc;

/// The pipeline with its admin service.
pub struct Scene {
    /// Broker, database, dead letters.
    pub course: KafkaCourse,
    /// Who gives the trainers.
    pub admin: Arc<AdminService>,
}

impl Scene {
    /// All of it fresh, each topic with this many partitions.
    pub async fn set(partitions: i32) -> Self {
        let mut course = KafkaCourse::create(partitions).await;
        let admin = Arc::new(AdminService::with_trainer_count(500));
        let (url, _) = admin::spawn(Arc::clone(&admin))
            .await
            .expect("the admin service listens");
        course.course.admin_url = url;
        Self { course, admin }
    }

    /// Payments that are recorded and published on their topic, as the payment service does it.
    pub async fn pay(&self, payments: &[Payment]) {
        for payment in payments {
            payment.record(&self.course.course.database).await;
            self.publish(payment, &payment.event().to_string()).await;
        }
    }

    /// A record under this payment's key.
    pub async fn publish(&self, payment: &Payment, value: &str) {
        let key = payment.id.to_string();
        self.course
            .broker
            .produce("purchase-confirmed", &key, Some(value))
            .await;
    }

    /// One member of each function's group, in the order of the pipeline.
    pub fn sources(&self) -> Vec<(&'static str, KafkaSource)> {
        HOPS.map(|function| (function, self.course.source_of(function)))
            .into_iter()
            .collect()
    }

    /// Everything that waits goes through all functions; nothing may be left uncommitted.
    pub async fn make_good(&self, sources: &[(&'static str, KafkaSource)]) {
        for (function, source) in sources {
            let environment = self.course.environment_of(function).await;
            source.drain(&environment, 10).await;
            assert_eq!(source.uncommitted(), 0, "{function} left records behind");
        }
    }

    /// The guarantees hold, and the database never refused a statement.
    pub async fn end(self) {
        let database = &self.course.course.database;
        invariants::assert_all_hold(database).await;
        assert_eq!(database.server_errors(), Vec::<String>::new());
        self.course.course.database.drop().await;
    }
}
