//! A night on call: a payment whose event was parked, a job that failed, a case that is open, and the whole console around it.

use super::chromium::{Browser, Screen};
use super::front;
use makegood_local::identity::{CONSOLE_CLIENT_ID, Issuer};
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::queues::TestQueue;
use makegood_tests::setting;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

pub const PAYMENT: Uuid = Uuid::from_u128(0xbeef_0001);
pub const STUDENT: Uuid = Uuid::from_u128(0xbeef_0002);
pub const COURSE: Uuid = Uuid::from_u128(0xbeef_0003);
pub const DEAD_LETTER: Uuid = Uuid::from_u128(0xbeef_0004);
pub const JOB: Uuid = Uuid::from_u128(0xbeef_0005);
pub const CASE: Uuid = Uuid::from_u128(0xbeef_0006);
pub const INTENT: &str = "pi_khalti_1767817344753_0000beef";

/// The parked body; its course is a name, where an id must be.
pub fn body(course: &str) -> String {
    json!({"type": "PURCHASE_CONFIRMED", "timestamp": 1_767_817_344_753_u64, "userId": STUDENT, "role": "student", "paymentId": PAYMENT,
           "studentId": STUDENT, "courseId": course, "amountCents": 499_900, "metadata": {"purchaseTier": 30}})
    .to_string()
}

pub struct Scene {
    pub database: TestDatabase,
    pub confirmed: TestQueue,
    pub jobs: TestQueue,
    pub origin: String,
    pub browser: Browser,
    _issuer: Issuer,
    _admin: Arc<Environment>,
    _sweep: Arc<Environment>,
}

impl Scene {
    /// Everything runs, and the operator has logged in.
    pub async fn open(screen: Screen) -> Self {
        let scene = Self::open_outside(screen).await;
        scene.browser.open(&format!("{}/admin", scene.origin)).await;
        scene.browser.press("Log in as operator on call").await;
        scene.browser.says("Paid, not fulfilled").await;
        scene
    }

    /// Everything runs, and no operator has logged in.
    pub async fn open_outside(screen: Screen) -> Self {
        let database = TestDatabase::create().await;
        let (confirmed, jobs) = (
            TestQueue::create("purchase-confirmed").await,
            TestQueue::create("jobs").await,
        );
        database.run_sql(&rows(&name_of(&confirmed))).await;
        let issuer = Issuer::spawn().await.expect("the issuer listens");
        let mut common = Variables::new();
        let mut set = |name: &str, value: &str| common.insert(name.to_owned(), value.to_owned());
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            set(name, &setting(name));
        }
        set("DATABASE_URL", &database.pooler_url());
        set("JOBS_QUEUE_URL", &jobs.url);
        set("PIPELINES", "course");
        for topic in [
            "PURCHASE_CONFIRMED",
            "PURCHASE_CREATED",
            "TRAINER_ALLOCATED",
            "SESSIONS_GENERATED",
            "SESSIONS_RESCHEDULED",
            "PURCHASE_ENDED",
        ] {
            set(&format!("QUEUE_URL_{topic}"), &confirmed.url);
        }
        let sweep = Arc::new(Environment::start("sweep", &common).await);
        let mut set = |name: &str, value: &str| common.insert(name.to_owned(), value.to_owned());
        set("QUEUE_URL_PURCHASE_CREATED", "");
        set("QUEUE_URL_TRAINER_ALLOCATED", "");
        set("QUEUE_URL_SESSIONS_GENERATED", "");
        set("QUEUE_URL_SESSIONS_RESCHEDULED", "");
        set("QUEUE_URL_PURCHASE_ENDED", "");
        set(
            "AWS_ENDPOINT_URL_LAMBDA",
            &front::lambda_api(Arc::clone(&sweep)).await,
        );
        set("SWEEP_FUNCTION", "sweep");
        set("OIDC_ISSUER", &issuer.url);
        set("OIDC_CLIENT_ID", CONSOLE_CLIENT_ID);
        set("CONSOLE_SECRET", crate::stage::SECRET);
        set("SINGLE_OPERATOR", "yes");
        set("METRICS_NAMESPACE", "Makegood/makegood-production-ap-south-1");
        let admin = Arc::new(Environment::start("admin", &common).await);
        let origin = front::serve(Arc::clone(&admin)).await;
        Self {
            database,
            confirmed,
            jobs,
            origin,
            browser: Browser::start(screen).await,
            _issuer: issuer,
            _admin: admin,
            _sweep: sweep,
        }
    }

    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub async fn close(self) {
        self.browser.close().await;
        assert_eq!(self.database.server_errors(), Vec::<String>::new());
        self.database.drop().await;
    }
}

/// The queue's name, which is the source of its dead letters.
pub fn name_of(queue: &TestQueue) -> String {
    queue.url.rsplit('/').next().expect("a name").to_owned()
}

fn rows(source: &str) -> String {
    let event = body("Kathak for beginners");
    format!(
        "INSERT INTO payments (id, student_id, amount_cents, currency, status, provider, provider_payment_id, metadata, confirmed_at, created_at)
         VALUES ('{PAYMENT}', '{STUDENT}', 499900, 'INR', 'succeeded', 'razorpay', 'pay_Night1', '{{\"courseId\": \"{COURSE}\"}}',
                 now() - interval '7 minutes', now() - interval '8 minutes');
         INSERT INTO dead_letters (id, source, message_id, function_name, event_type, event_id, correlation_id, failure_reason, error_code,
                                   permanent, attempts, raw, document, parked_at)
         VALUES ('{DEAD_LETTER}', '{source}', 'm-1', 'create-purchase', 'PURCHASE_CONFIRMED', 'payment:{PAYMENT}:PURCHASE_CONFIRMED', '{PAYMENT}',
                 'courseId must be a UUID, it is \"Kathak for beginners\"', 'bad_field', true, 1, '{event}',
                 '{{\"functionName\": \"create-purchase\", \"originalSource\": \"{source}\"}}', now() - interval '6 minutes');
         INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, status, created_at)
         VALUES ('{INTENT}', '{STUDENT}', 'khalti', 'pidx-1', 150000, '[]', 'succeeded', now() - interval '1 hour');
         INSERT INTO job_queue (id, job_type, payload, priority, status, attempts, idempotency_key, last_error, created_at, failed_at)
         VALUES ('{JOB}', 'finalize_order', '{{\"payment_intent_id\": \"{INTENT}\", \"provider\": \"khalti\"}}', 1, 'failed', 3,
                 'payment_khalti_pidx-1', 'unknown_variant: variant 7 is not in the catalogue', now() - interval '50 minutes', now() - interval '40 minutes');
         INSERT INTO payment_cases (id, kind, subject, payment_intent_id, amount_cents, currency, details, opened_at)
         VALUES ('{CASE}', 'refund_due', 'intent:{INTENT}', '{INTENT}', 150000, 'NPR',
                 '{{\"reason\": \"the stock is gone\", \"provider\": \"khalti\"}}', now() - interval '40 minutes');
         INSERT INTO health_samples (at, name, value)
         SELECT date_trunc('minute', now()) - n * interval '10 minutes', name,
                CASE name WHEN 'parked' THEN 1 + n % 5 WHEN 'outbox_backlog' THEN (n * 37) % 90 ELSE n % 3 END
         FROM generate_series(0, 130) n, unnest(ARRAY['parked', 'outbox_backlog', 'paid_unfulfilled', 'jobs_open', 'allocations_pending', 'cases_open']) name;
         INSERT INTO payments (student_id, amount_cents, status, provider, provider_payment_id, metadata, confirmed_at, created_at)
         SELECT gen_random_uuid(), 100000, 'succeeded', 'razorpay', 'pay_' || n, jsonb_build_object('courseId', gen_random_uuid()), at, at
         FROM generate_series(1, 400) n, LATERAL (SELECT now() - interval '23 hours' * (1 - (n / 401.0) ^ 1.6) - interval '3 minutes' AS at) t;
         INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, payment_id, created_at)
         SELECT student_id, (metadata ->> 'courseId')::uuid, 30, id, confirmed_at + interval '900 ms' + interval '20 ms' * (amount_cents % 7 + length(provider_payment_id))
         FROM payments WHERE provider_payment_id <> 'pay_Night1';
         INSERT INTO sweep_runs (sweep, started_at, millis, done) SELECT name, now() - n * interval '1 minute', 40 + n * 3, jsonb_build_object('sweep', name, 'freed', n % 3)
         FROM generate_series(1, 30) n, unnest(ARRAY['outbox', 'stale-jobs', 'reservations', 'health']) name ORDER BY n DESC;"
    )
}
