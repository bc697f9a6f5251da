//! One school for one test: its database, its queues, its stages, and what is counted.

use chrono::{DateTime, Utc};
use create_purchase::CreatePurchase;
use makegood::clock::Clock;
use makegood::delivery::{Consumer, Deadline, Parking};
use makegood::event::{EventType, PurchaseConfirmed, PurchaseCreated};
use makegood::outbox::{Publisher, Transport};
use makegood::purchase::{IndexGuard, Purchases, SecondPayment};
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::{TestQueue, aws, sqs_event, transport};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;
use uuid::Uuid;

/// Connections of one environment.
const POOL_SIZE: u32 = 2;

pub struct School {
    pub database: TestDatabase,
    pub dead_letters: TestQueue,
    pub outbox_events: TestQueue,
    /// What a second payment comes to; surplus unless the test says otherwise.
    pub second_payment: SecondPayment,
    pub prorates: bool,
    transport: Transport,
    counters: Snapshotter,
    totals: Mutex<HashMap<String, u64>>,
}

impl School {
    pub async fn open() -> Self {
        Self::with_database(TestDatabase::create().await).await
    }

    pub async fn with_database(database: TestDatabase) -> Self {
        let recorder = DebuggingRecorder::new();
        let counters = recorder.snapshotter();
        recorder
            .install()
            .expect("each test is a process of its own: run with cargo nextest");
        let (transport, queues) = transport(&[EventType::PurchaseCreated, EventType::PurchaseEnded]).await;
        let outbox_events = queues["purchase-created"].clone();
        Self {
            database,
            dead_letters: TestQueue::create("dead").await,
            outbox_events,
            second_payment: SecondPayment::Surplus,
            prorates: false,
            transport,
            counters,
            totals: Mutex::default(),
        }
    }

    /// A stage as one execution environment has it: its own pool through PgBouncer, its own memory of the index.
    pub async fn environment(&self) -> Consumer<CreatePurchase> {
        let database = self.database.through_pooler(POOL_SIZE);
        let client = aws_sdk_sqs::Client::new(&aws().await);
        let parking = Parking {
            client: client.clone(),
            queue_url: self.dead_letters.url.clone(),
            function_name: "create-purchase".to_owned(),
            function_version: "test".to_owned(),
        };
        let purchases = Purchases {
            database: database.clone(),
            guard: IndexGuard::default(),
            clock: Clock::System,
            timezone: chrono_tz::Tz::Asia__Kolkata,
            second_payment: self.second_payment,
            prorates: self.prorates,
        };
        let publisher = Publisher {
            database,
            transport: self.transport.clone(),
        };
        Consumer {
            stage: CreatePurchase { purchases, publisher },
            sqs: client,
            parking: Some(parking),
            kafka_reads_partial: false,
            clock: Clock::System,
        }
    }

    /// Records the payments of these events as their payment service does, each with its course and no tier; what is recorded stays as it
    /// is. A body that can't be read has no payment.
    pub async fn record(&self, bodies: &[String]) {
        let events: Vec<PurchaseConfirmed> = bodies
            .iter()
            .filter_map(|body| PurchaseConfirmed::parse(body).ok())
            .collect();
        let rows = "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
                    SELECT id, student, amount, 'succeeded', jsonb_build_object('courseId', course), now()
                    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS r (id, student, course, amount)
                    ON CONFLICT DO NOTHING";
        sqlx::query(rows)
            .bind(events.iter().map(|event| event.payment_id.0).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.student_id.0).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.course_id.0).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.amount_cents).collect::<Vec<_>>())
            .execute(&self.database.direct())
            .await
            .expect("the payments are recorded");
    }

    /// Records the payments of these bodies, and delivers them as one batch to a fresh environment; gives back how many are returned.
    pub async fn deliver(&self, bodies: &[String]) -> usize {
        self.record(bodies).await;
        self.deliver_unrecorded(bodies).await
    }

    /// The same without recording anything.
    pub async fn deliver_unrecorded(&self, bodies: &[String]) -> usize {
        let environment = self.environment().await;
        let returned = deliver_to(&environment, bodies).await;
        close(&environment).await;
        returned
    }

    /// The value of a counter since the test began. A snapshot empties the recorder, so what it held is kept here.
    pub fn counter(&self, name: &str) -> u64 {
        let mut totals = self.totals.lock().expect("no test panics while counting");
        for (key, _, _, value) in self.counters.snapshot().into_vec() {
            if let DebugValue::Counter(count) = value {
                *totals.entry(key.key().name().to_owned()).or_default() += count;
            }
        }
        totals.get(name).copied().unwrap_or(0)
    }

    pub async fn purchases(&self) -> i64 {
        self.database
            .count("SELECT count(*) FROM student_course_purchases WHERE is_active")
            .await
    }

    pub async fn cases(&self, kind: &str) -> i64 {
        self.database
            .count(&format!(
                "SELECT count(*) FROM payment_cases WHERE kind = '{kind}'"
            ))
            .await
    }

    /// How many events of each purchase were published on the queue.
    pub async fn published(&self) -> HashMap<Uuid, usize> {
        let mut published = HashMap::new();
        for body in self.outbox_events.drain().await {
            let event = PurchaseCreated::parse(&body).expect("what is published can be read");
            *published.entry(event.purchase_id.0).or_default() += 1;
        }
        published
    }

    /// What must hold at the end of every test: nothing double, nothing unpublished, nothing left unpublished.
    pub async fn assert_sound(&self) {
        let doubles = "SELECT count(*) FROM (SELECT FROM student_course_purchases WHERE is_active
                       GROUP BY student_id, course_id HAVING count(*) > 1) d";
        assert_eq!(
            self.database.count(doubles).await,
            0,
            "a student has a course twice"
        );
        let silent =
            "SELECT count(*) FROM student_course_purchases p WHERE payment_id IS NOT NULL AND NOT EXISTS
                      (SELECT FROM outbox o WHERE o.event_id = 'purchase-created-' || p.id)";
        assert_eq!(
            self.database.count(silent).await,
            0,
            "a purchase was never published"
        );
        let waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL";
        assert_eq!(
            self.database.count(waiting).await,
            0,
            "an event was not published"
        );
        assert_eq!(
            self.counter("TransactionsAborted"),
            0,
            "a statement met an aborted transaction"
        );
    }

    pub async fn close(self) {
        self.database.drop().await;
    }
}

/// Delivers one batch; gives back how many records are returned.
pub async fn deliver_to(environment: &Consumer<CreatePurchase>, bodies: &[String]) -> usize {
    deliver_on_attempt(environment, bodies, 1).await
}

/// The same on this attempt.
pub async fn deliver_on_attempt(
    environment: &Consumer<CreatePurchase>,
    bodies: &[String],
    attempt: u32,
) -> usize {
    let mut event = sqs_event("purchase-confirmed", bodies);
    for record in event["Records"].as_array_mut().expect("records") {
        record["attributes"]["ApproximateReceiveCount"] = json!(attempt.to_string());
    }
    let answer = environment
        .handle(event, Deadline::after(Duration::from_secs(60)))
        .await
        .expect("a readable batch");
    answer["batchItemFailures"]
        .as_array()
        .expect("a partial response")
        .len()
}

/// Ends an environment. Every connection came back to its pool, or was closed.
pub async fn close(environment: &Consumer<CreatePurchase>) {
    let database = &environment.stage.purchases.database;
    assert_eq!(database.in_use(), 0, "a connection never came back to its pool");
    database.close();
}

/// A payment, told apart by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Payment {
    pub payment_id: Uuid,
    pub student_id: Uuid,
    pub course_id: Uuid,
}

impl Payment {
    pub fn number(number: u128) -> Self {
        Self {
            payment_id: Uuid::from_u128(0xa000_0000 + number),
            student_id: Uuid::from_u128(0xb000_0000 + number),
            course_id: Uuid::from_u128(0xc000_0000 + number % 5),
        }
    }

    /// Another payment of the same student for the same course.
    pub fn again(self, number: u128) -> Self {
        Self {
            payment_id: Uuid::from_u128(0xd000_0000 + number),
            ..self
        }
    }

    pub fn confirmed(self) -> String {
        self.confirmed_with(json!({"purchaseTier": 20, "timeSlot": "5:30 PM"}))
    }

    pub fn confirmed_with(self, metadata: Value) -> String {
        self.event(metadata).to_string()
    }

    pub fn event(self, metadata: Value) -> Value {
        json!({
            "type": "PURCHASE_CONFIRMED", "timestamp": 1_767_817_344_753_i64, "userId": self.student_id, "role": "student",
            "paymentId": self.payment_id, "studentId": self.student_id, "courseId": self.course_id,
            "amountCents": 499_900, "metadata": metadata,
            "_metadata": {"eventId": self.event_id(), "correlationId": self.payment_id,
                          "timestamp": 1_767_817_344_760_i64, "source": "payment-service", "version": "1.0.0"},
        })
    }

    pub fn event_id(self) -> String {
        format!("payment:{}:PURCHASE_CONFIRMED", self.payment_id)
    }

    /// SQL that records the payment as the payment service does.
    pub fn recorded(self, created_at: DateTime<Utc>) -> String {
        format!(
            "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at, created_at) VALUES
             ('{}', '{}', 499900, 'succeeded', '{{\"courseId\": \"{}\", \"purchaseTier\": 20}}', '{created_at}', '{created_at}');",
            self.payment_id, self.student_id, self.course_id
        )
    }
}

/// The ids of all active purchases.
pub async fn purchase_ids(school: &School) -> HashSet<Uuid> {
    let pool = school.database.direct();
    let ids: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM student_course_purchases WHERE is_active")
        .fetch_all(&pool)
        .await
        .expect("the purchases are read");
    ids.into_iter().collect()
}
