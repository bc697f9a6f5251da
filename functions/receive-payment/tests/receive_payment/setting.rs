//! The function with a database of its own and a queue of the test's choosing, and the messages that are sent to it.

use chrono::DateTime;
use makegood::clock::Clock;
use makegood::config::Place;
use makegood::db::{Database, Limits};
use makegood::event::EventType;
use makegood::outbox::{Publisher, SqsTransport, Transport};
use makegood::payment::returned::PartialRefund;
use makegood::secret::Rotating;
use makegood_tests::database::TestDatabase;
use makegood_tests::openapi::assert_documented;
use makegood_tests::queues;
use receive_payment::ReceivePayment;
use receive_payment::signature::{Keys, sign};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::net::TcpListener;
use std::time::Duration;
use uuid::Uuid;

pub const RAZORPAY_SECRET: &str = "razorpay secret of the tests";
pub const CONFIRMATION_SECRET: &str = "confirmation secret of the tests";
pub const STUDENT: &str = "5c0f3c3e-6a1b-4a55-9d39-0a1f6f0f2b11";
pub const COURSE: &str = "b8a1f0d2-1f6e-4b4d-8f1b-7a3f0c9d2e22";
pub const PAYMENT: &str = "7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01";
/// The second at which all tests take place.
pub const NOW: i64 = 1_767_817_344;

pub struct Setting {
    pub database: TestDatabase,
    pub function: ReceivePayment,
}

impl Setting {
    /// What is committed stays in the outbox: the function has no time to publish.
    pub async fn with_no_queue() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self::with_endpoint(&listener, Duration::ZERO).await
    }

    /// The queue is whatever listens there.
    pub async fn with_endpoint(listener: &TcpListener, answer_within: Duration) -> Self {
        let address = listener.local_addr().expect("an address");
        let config = aws_sdk_sqs::config::Builder::from(&queues::aws().await)
            .endpoint_url(format!("http://{address}"));
        let topic = EventType::PurchaseConfirmed.topic().to_owned();
        let routes = [(
            topic,
            vec![format!("http://{address}/000000000000/purchase-confirmed")],
        )]
        .into();
        let client = aws_sdk_sqs::Client::from_conf(config.build());
        Self::with_transport(Transport::Sqs(SqsTransport::new(client, routes)), answer_within).await
    }

    pub async fn with_transport(transport: Transport, answer_within: Duration) -> Self {
        const CONNECTIONS: u32 = 8;
        let database = TestDatabase::create().await;
        database
            .run_sql(&format!(
                "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
                 VALUES ('{COURSE}', 20, 'INR', 499900, 'epoch')"
            ))
            .await;
        let publisher = Publisher {
            database: database.through_pooler(CONNECTIONS),
            transport,
        };
        let function = function(publisher, answer_within);
        Self { database, function }
    }

    /// The same function, with its database elsewhere.
    pub fn with_database_at(&self, url: &str) -> ReceivePayment {
        let patience = Limits {
            acquire: Duration::from_millis(300),
            ..Limits::default()
        };
        let publisher = Publisher {
            database: Database::with_limits(url.parse().expect("a URL"), 1, patience),
            transport: self.function.publisher.transport.clone(),
        };
        function(publisher, Duration::ZERO)
    }

    /// The status and the body of the answer.
    pub async fn send(&self, request: Value) -> (u64, Value) {
        let answer = self
            .function
            .handle(request.clone())
            .await
            .expect("an HTTP request");
        assert_documented(&request, &answer);
        let body = answer["body"].as_str().expect("a body");
        (
            answer["statusCode"].as_u64().expect("a status"),
            serde_json::from_str(body).expect("JSON"),
        )
    }

    /// How many rows there are in all tables together.
    pub async fn rows_in_all_tables(&self) -> i64 {
        self.count(
            "SELECT coalesce(sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I',
                    schemaname, tablename), false, true, '')))[1]::text::bigint), 0)::bigint
             FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('_sqlx_migrations', 'course_prices')",
        )
        .await
    }

    pub async fn payments_and_events(&self) -> (i64, i64) {
        (
            self.count("SELECT count(*) FROM payments").await,
            self.count("SELECT count(*) FROM outbox").await,
        )
    }

    pub async fn count(&self, query: &str) -> i64 {
        self.database.count(query).await
    }

    /// The first column of the one row, a jsonb.
    pub async fn json(&self, query: &str) -> Value {
        let pool = self.database.direct();
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_one(&pool)
            .await
            .expect("one row")
    }

    /// Asks again until the count is no longer zero.
    pub async fn wait_for(&self, query: &str) {
        while self.count(query).await == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// A payment that the school's checkout wrote, with no word of the provider yet.
    pub async fn begin_payment(&self, status: &str, amount_minor: i64) -> Uuid {
        let id = Uuid::new_v4();
        let metadata = json!({"checkout": "web", "courseId": COURSE, "purchaseTier": 10});
        self.database
            .run_sql(&format!(
                "INSERT INTO payments (id, student_id, amount_cents, status, metadata)
                 VALUES ('{id}', '{STUDENT}', {amount_minor}, '{status}', '{metadata}')"
            ))
            .await;
        id
    }

    /// Makes every insert into the outbox fail, at once.
    pub async fn refuse_outbox_rows(&self, when: &str) {
        self.database
            .run_sql(&format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'refused by the test'; END$$;
                 CREATE TRIGGER refuse {when} EXECUTE FUNCTION refuse()"
            ))
            .await;
    }

    /// Makes every commit fail that wrote to the outbox.
    pub async fn refuse_outbox_rows_at_commit(&self) {
        self.database
            .run_sql(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'refused by the test'; END$$;
                 CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION refuse()",
            )
            .await;
    }

    pub async fn finish(self) {
        self.function.publisher.database.close();
        self.database.drop().await;
    }
}

fn function(publisher: Publisher, answer_within: Duration) -> ReceivePayment {
    ReceivePayment {
        publisher,
        razorpay: Rotating::fixed(
            Keys::read("RAZORPAY_WEBHOOK_SECRET", RAZORPAY_SECRET, 16).expect("a secret"),
        ),
        stripe: Rotating::fixed(Keys::none()),
        place: Place::Live,
        confirmation: Rotating::fixed(
            Keys::read("CONFIRMATION_SECRET", CONFIRMATION_SECRET, 32).expect("a secret"),
        ),
        clock: Clock::Fixed(DateTime::from_timestamp(NOW, 0).expect("an instant")),
        trusts_notes: false,
        partial_refund: PartialRefund::Keep,
        timezone: chrono_tz::Asia::Kolkata,
        answer_within,
    }
}

/// Razorpay's message about a capture.
pub fn capture(id: &str) -> Value {
    json!({"entity": "event", "event": "payment.captured", "payload": {"payment": {"entity": {
        "id": id, "amount": 499_900, "currency": "INR", "status": "captured", "method": "upi",
        "email": "student@example.com", "contact": "+910000000000", "notes": {"studentId": STUDENT, "courseId": COURSE,
        "purchaseTier": "20", "timeSlot": "5:30 PM", "email": "student@example.com"}}}}})
}

/// A payment service's confirmation.
pub fn confirmation() -> Value {
    json!({"paymentId": PAYMENT, "studentId": STUDENT, "courseId": COURSE, "amountCents": 499_900, "provider": "razorpay",
           "providerPaymentId": "pay_1", "metadata": {"purchaseTier": 20}})
}

pub fn signed_webhook(body: &str) -> Value {
    razorpay_request(body, Some(&sign(RAZORPAY_SECRET, &[body.as_bytes()])))
}

pub fn razorpay_request(body: &str, signature: Option<&str>) -> Value {
    request(
        "/payments/webhooks/razorpay",
        json!({"x-razorpay-signature": signature}),
        body,
    )
}

pub fn signed_confirmation(body: &str, signed_at: i64) -> Value {
    let timestamp = signed_at.to_string();
    let signature = sign(
        CONFIRMATION_SECRET,
        &[timestamp.as_bytes(), b".", body.as_bytes()],
    );
    confirmation_request(body, Some(&timestamp), Some(&signature))
}

pub fn confirmation_request(body: &str, timestamp: Option<&str>, signature: Option<&str>) -> Value {
    let headers = json!({"x-makegood-timestamp": timestamp, "x-makegood-signature": signature});
    request("/payments/confirmations", headers, body)
}

pub fn stripe_request(body: &str, signature: Option<&str>) -> Value {
    request(
        "/payments/webhooks/stripe",
        json!({"stripe-signature": signature}),
        body,
    )
}

fn request(path: &str, mut headers: Value, body: &str) -> Value {
    if let Some(headers) = headers.as_object_mut() {
        headers.retain(|_, value| !value.is_null());
    }
    json!({"version": "2.0", "rawPath": path, "headers": headers, "requestContext": {"stage": "$default", "http": {"method": "POST"}},
           "body": body, "isBase64Encoded": false})
}
