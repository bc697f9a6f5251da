//! A school for one test: its database behind the pooler, its queues, and an admin service on a real socket.

use allocate_trainer::{AdminService, AllocateTrainer, Breaker};
use chrono::{DateTime, Utc};
use makegood::clock::Clock;
use makegood::delivery::{Consumer, Deadline, Parking, Stage};
use makegood::event::EventType;
use makegood::outbox::Publisher;
use makegood::school_days::TeachingDays;
use makegood_local::admin;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::{TestQueue, sqs_event, transport};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub struct School {
    pub database: TestDatabase,
    pub service: Arc<admin::AdminService>,
    pub published: TestQueue,
    pub parked: TestQueue,
    pub consumer: Arc<Consumer<AllocateTrainer>>,
}

/// A purchase as planted.
#[derive(Debug, Clone, Copy)]
pub struct Purchase {
    pub id: Uuid,
    pub student: Uuid,
    pub course: Uuid,
    pub payment: Uuid,
}

/// Friday 9 January 2026, 21:00 UTC: already Saturday at the school.
pub fn friday_night() -> DateTime<Utc> {
    "2026-01-09T21:00:00Z".parse().unwrap()
}

impl School {
    pub async fn open() -> Self {
        let database = TestDatabase::create().await;
        let service = Arc::new(admin::AdminService::with_trainer_count(3));
        let (url, _) = admin::spawn(Arc::clone(&service)).await.unwrap();
        let (transport, mut queues) = transport(&[EventType::TrainerAllocated]).await;
        let published = queues.remove("trainer-allocated").unwrap();
        let parked = TestQueue::create("purchase-created-dlq").await;
        let stage = AllocateTrainer {
            publisher: Publisher {
                database: database.through_pooler(8),
                transport,
            },
            service: AdminService::at(&url, Duration::from_millis(400)).unwrap(),
            breaker: Breaker::default(),
            clock: Clock::Fixed(friday_night()),
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
        };
        let parking = Parking {
            client: parked.client.clone(),
            queue_url: parked.url.clone(),
            function_name: AllocateTrainer::NAME.to_owned(),
            function_version: "test".to_owned(),
        };
        let consumer = Arc::new(Consumer {
            stage,
            sqs: parked.client.clone(),
            parking: Some(parking),
            kafka_reads_partial: true,
            clock: Clock::System,
        });
        Self {
            database,
            service,
            published,
            parked,
            consumer,
        }
    }

    /// The same, with a breaker that these tests of single answers never open.
    pub async fn open_without_breaker() -> Self {
        let mut school = Self::open().await;
        let breaker = Breaker::new(u32::MAX, chrono::TimeDelta::zero());
        Arc::get_mut(&mut school.consumer).unwrap().stage.breaker = breaker;
        school
    }

    pub fn set_time(&mut self, now: DateTime<Utc>) {
        Arc::get_mut(&mut self.consumer).unwrap().stage.clock = Clock::Fixed(now);
    }

    pub fn teach_on(&mut self, days: &str) {
        Arc::get_mut(&mut self.consumer).unwrap().stage.teaching_days = days.parse().unwrap();
    }

    /// An active purchase of thirty sessions at 5:30 PM, from Monday 12 January 2026.
    pub async fn purchase(&self) -> Purchase {
        let purchase = Purchase {
            id: Uuid::new_v4(),
            student: Uuid::new_v4(),
            course: Uuid::new_v4(),
            payment: Uuid::new_v4(),
        };
        self.plant(&purchase, true).await;
        purchase
    }

    pub async fn plant(&self, purchase: &Purchase, active: bool) {
        let Purchase {
            id,
            student,
            course,
            payment,
        } = purchase;
        self.database
            .run_sql(&format!(
                "INSERT INTO student_course_purchases (id, student_id, course_id, payment_id, purchase_tier, is_active, metadata)
                 VALUES ('{id}', '{student}', '{course}', '{payment}', 20, {active}, '{{\"timeSlot\": \"5:30 PM\"}}')"
            ))
            .await;
    }

    /// An allocation as planted; gives back its id.
    pub async fn allocation(&self, purchase: &Purchase, status: &str, trainer: Option<Uuid>) -> Uuid {
        let id = Uuid::new_v4();
        self.allocation_with_id(id, purchase, status, trainer).await;
        id
    }

    pub async fn allocation_with_id(
        &self,
        id: Uuid,
        purchase: &Purchase,
        status: &str,
        trainer: Option<Uuid>,
    ) {
        let Purchase { student, course, .. } = purchase;
        let trainer = trainer.map_or("NULL".to_owned(), |trainer| format!("'{trainer}'"));
        self.database
            .run_sql(&format!(
                "INSERT INTO trainer_allocations (id, student_id, course_id, trainer_id, requested_by, status)
                 VALUES ('{id}', '{student}', '{course}', {trainer}, '{student}', '{status}')"
            ))
            .await;
    }

    /// One invocation with these purchases, each on this attempt; gives back the ids that are returned.
    pub async fn deliver_on_attempt(&self, purchases: &[Purchase], attempt: u32) -> Vec<String> {
        let bodies: Vec<String> = purchases.iter().map(event).collect();
        let mut invocation = sqs_event("purchase-created", &bodies);
        for record in invocation["Records"].as_array_mut().unwrap() {
            record["attributes"]["ApproximateReceiveCount"] = json!(attempt.to_string());
        }
        self.invoke(invocation).await
    }

    pub async fn deliver(&self, purchases: &[Purchase]) -> Vec<String> {
        self.deliver_on_attempt(purchases, 1).await
    }

    pub async fn invoke(&self, invocation: Value) -> Vec<String> {
        let answer = self
            .consumer
            .handle(invocation, Deadline::after(Duration::from_secs(30)))
            .await
            .unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap();
        failures
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap_or("kafka").to_owned())
            .collect()
    }

    /// Until a session waits for an advisory lock.
    pub async fn wait_for_an_advisory_lock(&self) {
        const WAITING: &str = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                               WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted";
        let waits = async { while self.count(WAITING).await == 0 {} };
        tokio::time::timeout(Duration::from_secs(20), waits)
            .await
            .expect("a session waits for the lock");
    }

    pub async fn count(&self, query: &str) -> i64 {
        self.database.count(query).await
    }

    /// One approved allocation a purchase, one event of it, one mark.
    pub async fn assert_allocated_once(&self, purchase: &Purchase) {
        let Purchase {
            id, student, course, ..
        } = purchase;
        let pair = format!("student_id = '{student}' AND course_id = '{course}'");
        let state = format!("SELECT count(*) FROM trainer_allocations WHERE {pair} AND status = 'approved'");
        assert_eq!(self.count(&state).await, 1);
        assert_eq!(
            self.count(&format!("SELECT count(*) FROM trainer_allocations WHERE {pair}"))
                .await,
            1
        );
        let events = format!(
            "SELECT count(*) FROM outbox WHERE event_type = 'TRAINER_ALLOCATED' AND payload->>'studentId' = '{student}'"
        );
        assert_eq!(self.count(&events).await, 1);
        let marks = format!("SELECT count(*) FROM processed_events WHERE event_id = 'purchase-created-{id}'");
        assert_eq!(self.count(&marks).await, 1);
    }

    pub async fn close(self) {
        self.database.drop().await;
    }
}

/// `PURCHASE_CREATED` of a purchase.
pub fn event(purchase: &Purchase) -> String {
    json!({
        "type": "PURCHASE_CREATED", "timestamp": 1_767_817_344_753_i64, "purchaseId": purchase.id,
        "studentId": purchase.student, "courseId": purchase.course, "purchaseTier": 20,
        "metadata": {"schedule": {"startDate": "2026-01-12"}},
        "_metadata": {"eventId": format!("purchase-created-{}", purchase.id), "correlationId": purchase.payment,
                      "source": "create-purchase", "version": "1.0.0"},
    })
    .to_string()
}
