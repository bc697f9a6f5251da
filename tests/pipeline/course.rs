//! The whole course pipeline over the very binaries and real queues: from a signed webhook to sessions on the calendar,
//! with the same rows whichever source delivers, how often, and in which order.

use base64::Engine;
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use makegood_local::admin::{self, AdminService};
use makegood_tests::course::{Course, HOPS, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::event_source::{deliver, make_visible_again};
use makegood_tests::invariants;
use makegood_tests::queues::kafka_event;
use makegood_tests::setting;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use redis::AsyncCommands;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;

pub const SECRET: &str = "of-the-webhook-in-the-tests";
const CONFIRMATION_SECRET: &str = "another, of as many bytes as is asked for";
const PAYMENTS: usize = 8;
const TIERS: [&str; 3] = ["10", "20", "30"];

/// How messages reach the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// From the queues, once each, in batches of ten.
    Sqs,
    /// The same events as an MSK batch, delivered twice as after a lost answer.
    Kafka,
    /// From the queues, three times each, shuffled, to three environments at once.
    Shuffled,
}

/// The HTTP API's event for a captured payment, signed with this secret.
pub fn webhook(payment: &Payment, number: usize, secret: &str) -> Value {
    let body = json!({"event": "payment.captured", "payload": {"payment": {"entity": {
        "id": format!("pay_{}", payment.id.simple()), "amount": Payment::AMOUNT_MINOR, "currency": "INR",
        "status": "captured", "method": "upi",
        "notes": {"studentId": payment.student_id, "courseId": payment.course_id, "timeSlot": "5:30 PM",
                  "purchaseTier": TIERS[number % TIERS.len()], "startDate": "2031-06-06"}}}}})
    .to_string();
    from_razorpay(&body, secret)
}

/// The HTTP API's event for this body, as Razorpay signs it.
pub fn from_razorpay(body: &str, secret: &str) -> Value {
    let headers =
        json!({"content-type": "application/json", "x-razorpay-signature": signature(secret, body)});
    request("/payments/webhooks/razorpay", &headers, body)
}

/// The HTTP API's event for this body, as the payment service signs it.
pub fn from_payment_service(body: &str) -> Value {
    let now = Utc::now().timestamp().to_string();
    let signed = signature(CONFIRMATION_SECRET, &format!("{now}.{body}"));
    let headers = json!({"x-makegood-timestamp": now, "x-makegood-signature": signed});
    request("/payments/confirmations", &headers, body)
}

fn signature(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn request(path: &str, headers: &Value, body: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": format!("POST {path}"), "rawPath": path, "headers": headers,
        "requestContext": {"http": {"method": "POST", "path": path}, "stage": "$default"},
        "body": base64::engine::general_purpose::STANDARD.encode(body), "isBase64Encoded": true,
    })
}

/// One pipeline with its own database, queues and admin service.
pub struct Pipeline {
    pub course: Course,
    admin: Arc<AdminService>,
    source: Source,
}

impl Pipeline {
    pub async fn fed_by(source: Source) -> Self {
        Self::of(Course::create().await, source).await
    }

    /// The pipeline of this school.
    pub async fn of(mut course: Course, source: Source) -> Self {
        let admin = Arc::new(AdminService::with_trainer_count(500));
        let (admin_url, _) = admin::spawn(Arc::clone(&admin))
            .await
            .expect("the admin service listens");
        course.admin_url = admin_url;
        Self {
            course,
            admin,
            source,
        }
    }

    /// Sends these requests to `receive-payment`; gives back the status of each answer.
    pub async fn receive(&self, requests: &[Value]) -> Vec<u64> {
        let secrets = [
            ("RAZORPAY_WEBHOOK_SECRET", SECRET.to_owned()),
            ("CONFIRMATION_SECRET", CONFIRMATION_SECRET.to_owned()),
        ];
        let door = Environment::start("receive-payment", &self.course.variables_with(&secrets)).await;
        let mut answers = Vec::new();
        for request in requests {
            let answer = door.invoke(request.clone()).await.answer();
            answers.push(answer["statusCode"].as_u64().expect("an HTTP answer"));
        }
        // An answer does not wait for a slow queue: what is left then is the sweep's.
        drop(door);
        self.course.outbox_leases_run_out().await;
        self.course.sweep_outbox().await;
        answers
    }

    /// Everything that waits goes through all functions.
    pub async fn make_good(&self) {
        for function in HOPS {
            match self.source {
                Source::Sqs => {
                    self.course.run(function).await;
                }
                Source::Kafka => self.deliver_from_kafka(function).await,
                Source::Shuffled => self.deliver_shuffled(function).await,
            }
        }
    }

    async fn deliver_from_kafka(&self, function: &str) {
        let values: Vec<Option<String>> = self
            .course
            .queue_of(function)
            .drain()
            .await
            .into_iter()
            .map(Some)
            .collect();
        let environment = self.course.environment_of(function).await;
        for _ in 0..2 {
            let outcome = environment.invoke(kafka_event("topic", &values)).await;
            let logs = environment.lines().join("\n");
            assert_eq!(
                outcome,
                Outcome::Answered(json!({"batchItemFailures": []})),
                "{function}\n{logs}"
            );
        }
    }

    async fn deliver_shuffled(&self, function: &str) {
        let queue = self.course.queue_of(function);
        let bodies = queue.drain().await;
        let mut thrice: Vec<&String> = bodies.iter().cycle().take(bodies.len() * 3).collect();
        thrice.shuffle(&mut StdRng::seed_from_u64(42));
        for body in thrice {
            queue.send(body.as_str()).await;
        }
        let one = || deliver_all(&self.course, function);
        tokio::join!(one(), one(), one());
    }

    /// Panics unless every guarantee holds, nothing was parked, and the admin service was asked for this many trainers.
    pub async fn end(self, allocations: usize) {
        invariants::assert_all_hold(&self.course.database).await;
        assert_eq!(
            self.admin.report().allocations.len(),
            allocations,
            "allocations at the admin service"
        );
        assert_eq!(self.course.dead_letters.drain().await, Vec::<String>::new());
        assert_eq!(self.course.database.server_errors(), Vec::<String>::new());
        self.course.database.drop().await;
    }
}

async fn deliver_all(course: &Course, function: &str) {
    let queue = course.queue_of(function);
    let environment = course.environment_of(function).await;
    while let Some(batch) = deliver(queue, &environment, 5).await {
        assert!(
            matches!(batch.outcome, Outcome::Answered(_)),
            "{:?}",
            batch.outcome
        );
        make_visible_again(queue, &batch.left()).await;
    }
}

/// Payments arrive twice each, then a forged one and a second payment for what is owned already; all of it is made good.
async fn made_good_over(source: Source, payments: &[Payment], surplus: &Payment) -> Vec<String> {
    let pipeline = Pipeline::fed_by(source).await;
    let mut redis = redis::Client::open(setting("MAKEGOOD_TEST_REDIS_URL")).unwrap();
    let mut redis = warm(&mut redis, payments).await;

    for payment in payments {
        payment.price(&pipeline.course.database).await;
    }
    let requests: Vec<Value> = payments
        .iter()
        .enumerate()
        .flat_map(|(number, payment)| vec![webhook(payment, number, SECRET); 2])
        .collect();
    assert_eq!(pipeline.receive(&requests).await, vec![200; PAYMENTS * 2]);
    pipeline.make_good().await;
    for payment in payments {
        let home: bool = redis
            .exists(format!("student:home:{}", payment.student_id))
            .await
            .unwrap();
        let learning: bool = redis
            .exists(format!("student:learning:{}", payment.student_id))
            .await
            .unwrap();
        assert_eq!(
            (home, learning),
            (false, false),
            "the caches of student {}",
            payment.student_id
        );
    }

    let forged = webhook(&Payment::new(), 0, "a guess");
    assert_eq!(
        pipeline.receive(&[forged, webhook(surplus, 0, SECRET)]).await,
        [401, 200]
    );
    pipeline.make_good().await;
    let rows = pipeline.course.rows().await;
    pipeline.end(PAYMENTS).await;
    rows
}

async fn warm(client: &mut redis::Client, payments: &[Payment]) -> redis::aio::MultiplexedConnection {
    let mut redis = client
        .get_multiplexed_async_connection()
        .await
        .expect("Redis answers");
    for payment in payments {
        for page in ["home", "learning"] {
            let () = redis
                .set_ex(format!("student:{page}:{}", payment.student_id), "stale", 600)
                .await
                .unwrap();
        }
    }
    redis
}

/// Payments, and one more for what the first of them bought.
fn buyers() -> (Vec<Payment>, Payment) {
    let payments = Payment::several(PAYMENTS);
    let surplus = Payment {
        id: uuid::Uuid::new_v4(),
        ..payments[0]
    };
    (payments, surplus)
}

#[tokio::test]
async fn paid_courses_become_sessions_over_sqs_and_msk_alike() {
    // GIVEN the same payments WHEN they go through both THEN the rows are the same
    let (payments, surplus) = buyers();
    let over_sqs = made_good_over(Source::Sqs, &payments, &surplus).await;
    let over_kafka = made_good_over(Source::Kafka, &payments, &surplus).await;
    assert_eq!(over_sqs, over_kafka);

    // AND they are what was paid for: seven weekdays from Friday 6 June 2031 on, and one case
    let first = "approved from 2031-06-06 5:30 PM scheduled, 2031-06-09 5:30 PM scheduled, 2031-06-10 5:30 PM scheduled, \
                 2031-06-11 5:30 PM scheduled, 2031-06-12 5:30 PM scheduled, 2031-06-13 5:30 PM scheduled, \
                 2031-06-16 5:30 PM scheduled";
    assert_eq!(
        over_sqs.iter().filter(|row| row.ends_with(first)).count(),
        PAYMENTS,
        "{over_sqs:#?}"
    );
    assert_eq!(
        over_sqs
            .iter()
            .filter(|row| row.starts_with("case surplus_payment"))
            .count(),
        1
    );
    assert_eq!(
        over_sqs.iter().filter(|row| row.starts_with("received")).count(),
        PAYMENTS + 1
    );
}

#[tokio::test]
async fn events_delivered_thrice_shuffled_and_at_once_leave_the_same_rows_as_one_quiet_delivery() {
    let (payments, surplus) = buyers();
    let quiet = made_good_over(Source::Sqs, &payments, &surplus).await;
    let shuffled = made_good_over(Source::Shuffled, &payments, &surplus).await;
    assert_eq!(quiet, shuffled);
}

#[tokio::test]
async fn two_courses_of_one_student_are_never_at_one_time() {
    for source in [Source::Sqs, Source::Kafka, Source::Shuffled] {
        // GIVEN payments of students for two courses each, at one hour
        let pipeline = Pipeline::fed_by(source).await;
        let two = |first: Payment| {
            let second = Payment {
                student_id: first.student_id,
                ..Payment::new()
            };
            [first, second]
        };
        let payments: Vec<Payment> = Payment::several(PAYMENTS / 2).into_iter().flat_map(two).collect();
        for payment in &payments {
            payment.price(&pipeline.course.database).await;
        }
        let requests: Vec<Value> = payments
            .iter()
            .map(|payment| webhook(payment, 0, SECRET))
            .collect();
        // WHEN they are made good
        assert_eq!(pipeline.receive(&requests).await, vec![200; PAYMENTS]);
        pipeline.make_good().await;
        // THEN each course has its seven sessions, and no two of a student are at once
        let database = &pipeline.course.database;
        let sessions = "SELECT count(*) FROM tutoring_sessions WHERE status = 'scheduled' AND scheduled_time = '5:30 PM'";
        let at_once = "SELECT count(*) FROM (SELECT FROM tutoring_sessions WHERE status = 'scheduled'
                       GROUP BY student_id, scheduled_date, scheduled_time HAVING count(*) > 1) x";
        assert_eq!(
            (database.count(sessions).await, database.count(at_once).await),
            (7 * i64::try_from(PAYMENTS).unwrap(), 0),
            "{source:?}"
        );
        pipeline.end(PAYMENTS).await;
    }
}
