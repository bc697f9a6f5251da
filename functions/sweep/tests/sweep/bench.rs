//! A database, the queues of the course pipeline, and the sweeps over them.

use makegood::clock::Clock;
use makegood::delivery::Deadline;
use makegood::event::EventType;
use makegood::outbox::{Publisher, Transport};
use makegood::refund::PartialRefund;
use makegood::school_days::TeachingDays;
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::queues::{TestQueue, transport};
use makegood_tests::setting;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use sweep::{Pipelines, Sweep};
use uuid::Uuid;

pub const TYPES: [EventType; 5] = [
    EventType::PurchaseEnded,
    EventType::PurchaseConfirmed,
    EventType::PurchaseCreated,
    EventType::TrainerAllocated,
    EventType::SessionsGenerated,
];

pub struct Bench {
    pub database: TestDatabase,
    pub queues: HashMap<&'static str, TestQueue>,
    pub transport: Transport,
    pub sweep: Sweep,
}

/// The built binary, with this database and a queue for every event.
pub async fn start_binary(database_url: &str) -> Environment {
    let queue = TestQueue::create("any").await;
    let mut variables = Variables::from([("DATABASE_URL".to_owned(), database_url.to_owned())]);
    for event_type in EventType::ALL {
        let topic = event_type.topic().to_uppercase().replace('-', "_");
        variables.insert(format!("QUEUE_URL_{topic}"), queue.url.clone());
    }
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        variables.insert(name.to_owned(), setting(name));
    }
    Environment::start("sweep", &variables).await
}

impl Bench {
    pub async fn over(database: TestDatabase) -> Self {
        let (transport, queues) = transport(&TYPES).await;
        let publisher = Publisher {
            database: database.through_pooler(4),
            transport: transport.clone(),
        };
        let sweep = Sweep {
            publisher,
            pipelines: Pipelines::Both,
            gateways: None,
            refund_question_days: 45,
            retention: sweep::Retention::default(),
            razorpay: None,
            stripe: None,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            waker: None,
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
        };
        Self {
            database,
            queues,
            transport,
            sweep,
        }
    }

    pub async fn fresh() -> Self {
        Self::over(TestDatabase::create().await).await
    }

    pub async fn run(&self, name: &str) -> Value {
        self.run_with(&json!({"sweep": name})).await
    }

    pub async fn run_with(&self, input: &Value) -> Value {
        self.sweep
            .handle(input, Deadline::after(Duration::from_secs(60)))
            .await
            .unwrap()
    }

    /// What the reconciliation of courses did, without the figures that grow with time.
    pub async fn reconcile(&self) -> Value {
        self.run("reconcile").await["course"].clone()
    }

    /// The event ids in this topic's queue, sorted; taken out.
    pub async fn published(&self, topic: &str) -> Vec<String> {
        let bodies = self.queues[topic].drain().await;
        let mut ids: Vec<String> = bodies
            .iter()
            .map(|body| {
                makegood::event::Event::parse(body)
                    .expect("what is published can be read")
                    .envelope()
                    .event_id
                    .clone()
            })
            .collect();
        ids.sort();
        ids
    }

    /// Five minutes pass for everything that was published.
    pub async fn five_minutes_pass(&self) {
        self.database
            .run_sql("UPDATE outbox SET published_at = published_at - interval '5 minutes'")
            .await;
    }

    /// A succeeded payment of a day ago; gives back its id.
    pub async fn payment(&self, student: Uuid, course: Uuid) -> Uuid {
        let id = Uuid::new_v4();
        self.database
            .run_sql(&format!(
                "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at, created_at)
                 VALUES ('{id}', '{student}', 499900, 'succeeded',
                         '{{\"courseId\": \"{course}\", \"purchaseTier\": 20, \"timeSlot\": \"5:30 PM\"}}',
                         now() - interval '1 day', now() - interval '1 day')"
            ))
            .await;
        id
    }

    /// An active purchase of this long ago; gives back its id.
    pub async fn purchase(&self, student: Uuid, course: Uuid, payment: Option<Uuid>, ago: &str) -> Uuid {
        let id = Uuid::new_v4();
        let payment = payment.map_or("NULL".to_owned(), |payment| format!("'{payment}'"));
        self.database
            .run_sql(&format!(
                "INSERT INTO student_course_purchases (id, student_id, course_id, payment_id, purchase_tier, metadata, created_at)
                 VALUES ('{id}', '{student}', '{course}', {payment}, 20, '{{\"timeSlot\": \"5:30 PM\"}}', now() - interval '{ago}')"
            ))
            .await;
        id
    }

    /// An approved allocation of a day ago; gives back its id.
    pub async fn allocation(&self, student: Uuid, course: Uuid) -> Uuid {
        let id = Uuid::new_v4();
        let trainer = Uuid::new_v4();
        self.database
            .run_sql(&format!(
                "INSERT INTO trainer_allocations (id, student_id, course_id, trainer_id, requested_by, status, metadata, created_at)
                 VALUES ('{id}', '{student}', '{course}', '{trainer}', '{student}', 'approved', '{{\"sessionCount\": 2}}',
                         now() - interval '1 day')"
            ))
            .await;
        id
    }

    /// A session of this allocation, so many days from today.
    pub async fn session(&self, allocation: Uuid, days: i32, status: &str) {
        self.database
            .run_sql(&format!(
                "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
                 SELECT id, student_id, trainer_id, course_id, current_date + {days}, '5:30 PM', '{status}'
                 FROM trainer_allocations WHERE id = '{allocation}'"
            ))
            .await;
    }
}
