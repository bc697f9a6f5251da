//! What the course pipeline runs on in one test: a database, a queue for each subscription, and payments to make good.

use crate::database::TestDatabase;
use crate::environment::{Environment, Variables};
use crate::event_source::drain_all;
use crate::queues::TestQueue;
use crate::setting;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// A database and the queues of the course pipeline.
#[derive(Debug)]
pub struct Course {
    /// Its database.
    pub database: TestDatabase,
    /// What `create-purchase` reads.
    pub purchase_confirmed: TestQueue,
    /// What `allocate-trainer` reads.
    pub purchase_created: TestQueue,
    /// What `invalidate-cache` reads: purchases, allocations and sessions alike.
    pub cache_invalidation: TestQueue,
    /// What `schedule-sessions` reads.
    pub trainer_allocated: TestQueue,
    /// What only the cache reads.
    pub sessions_generated: TestQueue,
    /// Where everybody parks.
    pub dead_letters: TestQueue,
    /// Where `allocate-trainer` finds the admin service; empty when a test needs none.
    pub admin_url: String,
}

/// The functions that read from queues, in the order of the pipeline.
pub const HOPS: [&str; 4] = [
    "create-purchase",
    "allocate-trainer",
    "schedule-sessions",
    "invalidate-cache",
];

impl Course {
    /// All of it fresh.
    pub async fn create() -> Self {
        Self::in_database(TestDatabase::create().await).await
    }

    /// The same in this database.
    pub async fn in_database(database: TestDatabase) -> Self {
        Self {
            database,
            purchase_confirmed: TestQueue::create("purchase-confirmed").await,
            purchase_created: TestQueue::create("purchase-created").await,
            cache_invalidation: TestQueue::create("cache-invalidation").await,
            trainer_allocated: TestQueue::create("trainer-allocated").await,
            sessions_generated: TestQueue::create("sessions-generated").await,
            dead_letters: TestQueue::create("dead-letters").await,
            admin_url: String::new(),
        }
    }

    /// What this function reads.
    #[must_use]
    pub fn queue_of(&self, function: &str) -> &TestQueue {
        match function {
            "create-purchase" => &self.purchase_confirmed,
            "allocate-trainer" => &self.purchase_created,
            "schedule-sessions" => &self.trainer_allocated,
            "invalidate-cache" => &self.cache_invalidation,
            other => panic!("{other} reads no queue of the course pipeline"),
        }
    }

    /// A fresh environment of this function, with nothing wrong.
    pub async fn environment_of(&self, function: &str) -> Environment {
        Environment::start(function, &self.variables()).await
    }

    /// Runs this function on everything that waits for it; panics unless all of it is done.
    pub async fn run(&self, function: &str) -> usize {
        drain_all(self.queue_of(function), &self.environment_of(function).await, 10).await
    }

    /// The outbox sweep, by its function; gives back how many events it published.
    pub async fn sweep_outbox(&self) -> u64 {
        let answer = self
            .environment_of("sweep")
            .await
            .invoke(json!({"sweep": "outbox"}))
            .await
            .answer();
        answer["published"]
            .as_u64()
            .expect("the sweep tells what it published")
    }

    /// What every function of the pipeline is told; each reads its part of it.
    #[must_use]
    pub fn variables(&self) -> Variables {
        let with_cache = |queue: &TestQueue| format!("{},{}", queue.url, self.cache_invalidation.url);
        let mut variables: Variables = [
            ("DATABASE_URL", self.database.pooler_url()),
            ("DATABASE_POOL_SIZE", "2".to_owned()),
            ("PIPELINES", "course".to_owned()),
            (
                "QUEUE_URL_PURCHASE_CONFIRMED",
                self.purchase_confirmed.url.clone(),
            ),
            ("QUEUE_URL_PURCHASE_CREATED", with_cache(&self.purchase_created)),
            ("QUEUE_URL_TRAINER_ALLOCATED", with_cache(&self.trainer_allocated)),
            (
                "QUEUE_URL_SESSIONS_GENERATED",
                with_cache(&self.sessions_generated),
            ),
            (
                "QUEUE_URL_SESSIONS_RESCHEDULED",
                self.cache_invalidation.url.clone(),
            ),
            ("QUEUE_URL_PURCHASE_ENDED", self.cache_invalidation.url.clone()),
            ("DEAD_LETTER_QUEUE_URL", self.dead_letters.url.clone()),
            ("BUSINESS_TIMEZONE", "Asia/Kolkata".to_owned()),
            ("REDIS_URL", setting("MAKEGOOD_TEST_REDIS_URL")),
            ("ADMIN_SERVICE_URL", self.admin_url.clone()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            variables.insert(name.to_owned(), setting(name));
        }
        variables
    }

    /// As [`Course::variables`], with some of them otherwise.
    #[must_use]
    pub fn variables_with(&self, changed: &[(&str, String)]) -> Variables {
        let mut variables = self.variables();
        variables.extend(
            changed
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        variables
    }

    /// What a person would see, without ids that are made up on the way and without which trainer it was.
    pub async fn rows(&self) -> Vec<String> {
        const ROWS: &str = "
            SELECT format('payment %s of %s for %s: %s sessions, %s from %s', p.payment_id, p.student_id, p.course_id,
                          p.purchase_tier, a.status, string_agg(s.scheduled_date || ' ' || s.scheduled_time || ' '
                          || s.status, ', ' ORDER BY s.scheduled_date))
            FROM student_course_purchases p
            LEFT JOIN trainer_allocations a USING (student_id, course_id)
            LEFT JOIN tutoring_sessions s ON s.allocation_id = a.id
            GROUP BY p.id, a.id
            UNION ALL SELECT format('case %s of %s: %s', kind, payment_id, status) FROM payment_cases
            UNION ALL SELECT format('received %s: %s', id, status) FROM payments
            UNION ALL SELECT format('%s events %s', count(*), event_type) FROM outbox GROUP BY event_type
            UNION ALL SELECT format('%s marks %s', count(*), event_type) FROM processed_events GROUP BY event_type
            ORDER BY 1";
        let mut connection = PgConnection::connect(&self.database.direct_url())
            .await
            .expect("the database answers");
        sqlx::query_scalar(ROWS)
            .fetch_all(&mut connection)
            .await
            .expect("the rows are read")
    }

    /// Thirty seconds later: whoever owned events in the outbox owns them no more.
    pub async fn outbox_leases_run_out(&self) {
        self.database
            .run_sql("UPDATE outbox SET claimed_until = now() - interval '1 second'")
            .await;
    }
}

/// A payment that succeeded, for a course of thirty sessions from Monday 2 June 2031 at 4:00 PM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: Uuid,
    /// Who learns.
    pub student_id: Uuid,
    /// What was bought.
    pub course_id: Uuid,
}

impl Payment {
    /// What it cost, in minor units.
    pub const AMOUNT_MINOR: i64 = 499_900;

    /// A payment of a new student for a new course.
    #[must_use]
    pub fn new() -> Self {
        Self {
            id: Uuid::new_v4(),
            student_id: Uuid::new_v4(),
            course_id: Uuid::new_v4(),
        }
    }

    /// This many payments, each of its own student.
    #[must_use]
    pub fn several(number: usize) -> Vec<Self> {
        std::iter::repeat_with(Self::new).take(number).collect()
    }

    /// `PURCHASE_CONFIRMED` as a payment service sends it.
    #[must_use]
    pub fn event(&self) -> Value {
        json!({
            "type": "PURCHASE_CONFIRMED", "timestamp": 1_767_817_344_753_i64, "userId": self.student_id,
            "role": "student", "paymentId": self.id, "studentId": self.student_id, "courseId": self.course_id,
            "amountCents": Self::AMOUNT_MINOR,
            "metadata": {"purchaseTier": 30, "timeSlot": "4:00 PM", "schedule": {"startDate": "2031-06-02"}},
            "_metadata": {
                "eventId": format!("payment:{}:PURCHASE_CONFIRMED", self.id), "correlationId": self.id,
                "timestamp": 1_767_817_344_760_i64, "source": "payment-service", "version": "1.0.0"},
        })
    }

    /// Plants what its course costs, in every tier.
    pub async fn price(&self, database: &TestDatabase) {
        let (course, amount) = (self.course_id, Self::AMOUNT_MINOR);
        database
            .run_sql(&format!(
                "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
                 SELECT '{course}', tier, 'INR', {amount}, 'epoch' FROM unnest(ARRAY[10, 20, 30]) tier ON CONFLICT DO NOTHING"
            ))
            .await;
    }

    /// Plants the row that says that the money was received.
    pub async fn record(&self, database: &TestDatabase) {
        Self::record_all(std::slice::from_ref(self), database).await;
    }

    /// The same for several. No stage makes anything for an event whose row is not there.
    pub async fn record_all(payments: &[Self], database: &TestDatabase) {
        let of = |field: fn(&Self) -> Uuid| payments.iter().map(field).collect::<Vec<_>>();
        let mut connection = PgConnection::connect(&database.direct_url())
            .await
            .expect("the database answers");
        sqlx::query(
            "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
             SELECT id, student, $4, 'succeeded', jsonb_build_object('courseId', course), now()
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS r (id, student, course)",
        )
        .bind(of(|payment| payment.id))
        .bind(of(|payment| payment.student_id))
        .bind(of(|payment| payment.course_id))
        .bind(Self::AMOUNT_MINOR)
        .execute(&mut connection)
        .await
        .expect("the payments are recorded");
    }
}

impl Default for Payment {
    fn default() -> Self {
        Self::new()
    }
}
