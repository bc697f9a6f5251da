//! The row, not the message, decides: an event that differs from its row in any single field makes nothing at any stage, and the good
//! event still works afterwards.

use makegood_local::admin::{self, AdminService};
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::queues::sqs_event;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// The last attempt of every stage: what is retried is parked.
const LAST_ATTEMPT: &str = "9";
/// What any stage may make.
pub const GOODS: [&str; 4] = [
    "student_course_purchases",
    "trainer_allocations",
    "tutoring_sessions",
    "outbox",
];

/// One stage with its database, its queues and its environment.
pub struct Stage {
    pub course: Course,
    pub environment: Environment,
    pub queue: &'static str,
    service: Arc<AdminService>,
}

/// An event against its row.
struct Trial {
    /// In what they differ.
    what: String,
    /// SQL that plants the row; empty for none.
    row: String,
    /// SQL that makes the row as the good event says it.
    fixed: String,
    bad: Value,
    good: Value,
    /// Under which code the bad event is parked; none when it is acknowledged.
    code: Option<&'static str>,
}

impl Stage {
    pub async fn open(function: &str, queue: &'static str) -> Self {
        let service = Arc::new(AdminService::with_trainer_count(5));
        let (admin_url, _) = admin::spawn(Arc::clone(&service)).await.unwrap();
        let mut course = Course::create().await;
        course.admin_url = admin_url;
        let environment = course.environment_of(function).await;
        Self {
            course,
            environment,
            queue,
            service,
        }
    }

    /// One event on this attempt; gives back whether it is to come again.
    pub async fn comes_again(&self, event: &Value, attempt: &str) -> bool {
        let mut invocation = sqs_event(self.queue, &[event.to_string()]);
        invocation["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!(attempt);
        let Outcome::Answered(answer) = self.environment.invoke(invocation).await else {
            panic!("the environment died of {event}");
        };
        answer["batchItemFailures"] != json!([])
    }

    pub async fn goods(&self) -> Vec<i64> {
        let mut counts = Vec::new();
        for table in GOODS {
            let count = format!("SELECT count(*) FROM {table}");
            counts.push(self.course.database.count(&count).await);
        }
        counts
    }

    /// How often the admin service was asked.
    pub fn calls(&self) -> u64 {
        self.service.report().calls
    }

    pub async fn parked_codes(&self) -> Vec<String> {
        let bodies = self.course.dead_letters.drain().await;
        let codes = bodies.iter().map(|body| {
            let document: Value = serde_json::from_str(body).unwrap();
            document["errorCode"].as_str().unwrap_or_default().to_owned()
        });
        codes.collect()
    }

    /// The bad event makes nothing and is parked by name; the good one, once the row is as it says, makes one more of `made`.
    async fn tries(&self, trial: &Trial, made: &str) {
        self.course.database.run_sql(&trial.row).await;
        let before = self.goods().await;
        let asked = self.service.report().calls;
        assert!(
            !self.comes_again(&trial.bad, LAST_ATTEMPT).await,
            "{}: not settled",
            trial.what
        );
        assert_eq!(self.goods().await, before, "{}: something was made", trial.what);
        assert_eq!(
            self.service.report().calls,
            asked,
            "{}: a trainer was taken",
            trial.what
        );
        let expected: Vec<&str> = trial.code.into_iter().collect();
        assert_eq!(self.parked_codes().await, expected, "{}", trial.what);

        self.course.database.run_sql(&trial.fixed).await;
        let count = format!("SELECT count(*) FROM {made}");
        let before = self.course.database.count(&count).await;
        assert!(
            !self.comes_again(&trial.good, LAST_ATTEMPT).await,
            "{}: the good event comes again",
            trial.what
        );
        assert!(
            self.course.database.count(&count).await > before,
            "{}: the good event made nothing",
            trial.what
        );
        assert_eq!(self.parked_codes().await, Vec::<String>::new(), "{}", trial.what);
    }

    pub async fn close(self) {
        self.course.database.drop().await;
    }
}

/// The event with another value at this place.
pub fn with(event: &Value, pointer: &str, value: Value) -> Value {
    let mut event = event.clone();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[field] = value;
    event
}

pub fn recorded(payment: &Payment, status: &str) -> String {
    format!(
        "INSERT INTO payments (id, student_id, amount_cents, currency, status, metadata, confirmed_at)
         VALUES ('{}', '{}', {}, 'INR', '{status}',
                 '{{\"courseId\": \"{}\", \"purchaseTier\": 30, \"expiryDate\": \"2032-01-31\"}}', now())
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, student_id = excluded.student_id,
           amount_cents = excluded.amount_cents, metadata = excluded.metadata;",
        payment.id,
        payment.student_id,
        Payment::AMOUNT_MINOR,
        payment.course_id
    )
}

/// Every field of `PURCHASE_CONFIRMED` with another value.
fn fields_of_a_payment() -> Vec<Trial> {
    let mut trials = Vec::new();
    let fields: [(&str, Value, &'static str); 10] = [
        ("/paymentId", json!(Uuid::new_v4()), "payment_not_recorded"),
        ("/studentId", json!(Uuid::new_v4()), "payment_student_differs"),
        ("/courseId", json!(Uuid::new_v4()), "payment_course_differs"),
        ("/amountCents", json!(0), "payment_amount_differs"),
        (
            "/amountCents",
            json!(Payment::AMOUNT_MINOR + 1),
            "payment_amount_differs",
        ),
        ("/currency", json!("NPR"), "payment_currency_differs"),
        ("/metadata/purchaseTier", json!(10), "payment_tier_differs"),
        ("/metadata/purchaseTier", json!("20"), "payment_tier_differs"),
        ("/metadata/expiryDate", json!(null), "payment_expiry_differs"),
        (
            "/metadata/expiryDate",
            json!("2033-01-31"),
            "payment_expiry_differs",
        ),
    ];
    for (field, value, code) in fields {
        let payment = Payment::new();
        let good = payment.event();
        trials.push(Trial {
            what: format!("{field} is {value}"),
            row: recorded(&payment, "succeeded"),
            fixed: String::new(),
            bad: with(&good, field, value),
            good,
            code: Some(code),
        });
    }
    trials
}

/// The same, and every state of the row that allows no purchase.
fn payments() -> Vec<Trial> {
    let mut trials = fields_of_a_payment();
    for status in ["initiated", "processing", "failed", "cancelled", "refunded"] {
        let payment = Payment::new();
        trials.push(Trial {
            what: format!("the row is {status}"),
            row: recorded(&payment, status),
            fixed: recorded(&payment, "succeeded"),
            bad: payment.event(),
            good: payment.event(),
            // For what went back nothing is owed, and it is no fault.
            code: (status != "refunded").then_some("payment_not_succeeded"),
        });
    }
    for (what, metadata) in [
        ("no course", "NULL"),
        ("a course that can't be read", "'{\"courseId\": \"maths\"}'"),
    ] {
        let payment = Payment::new();
        let row = recorded(&payment, "succeeded");
        trials.push(Trial {
            what: format!("the row names {what}"),
            row: format!(
                "{row} UPDATE payments SET metadata = {metadata} WHERE id = '{}'",
                payment.id
            ),
            fixed: row,
            bad: payment.event(),
            good: payment.event(),
            code: Some("payment_course_differs"),
        });
    }
    let payment = Payment::new();
    trials.push(Trial {
        what: "no row".to_owned(),
        row: String::new(),
        fixed: recorded(&payment, "succeeded"),
        bad: payment.event(),
        good: payment.event(),
        code: Some("payment_not_recorded"),
    });
    trials
}

#[tokio::test]
async fn no_event_that_differs_from_its_payment_makes_a_purchase() {
    let stage = Stage::open("create-purchase", "purchase-confirmed").await;
    for trial in payments() {
        stage.tries(&trial, "student_course_purchases").await;
        let case = format!(
            "SELECT count(*) FROM payment_cases WHERE kind = 'unknown_payment' AND subject = '{}' AND status = 'open'
               AND details ->> 'code' = '{}'",
            trial.bad["paymentId"].as_str().unwrap(),
            trial.code.unwrap_or_default()
        );
        let expected = i64::from(trial.code.is_some());
        assert_eq!(
            stage.course.database.count(&case).await,
            expected,
            "{}",
            trial.what
        );
    }
    stage.close().await;
}

/// A purchase of twenty sessions with its event.
pub fn bought() -> (String, Value) {
    let [id, student, course, payment] = [(); 4].map(|()| Uuid::new_v4());
    let row = format!(
        "INSERT INTO student_course_purchases (id, student_id, course_id, payment_id, purchase_tier, metadata)
         VALUES ('{id}', '{student}', '{course}', '{payment}', 20, '{{\"timeSlot\": \"5:30 PM\"}}');"
    );
    let event = json!({
        "type": "PURCHASE_CREATED", "purchaseId": id, "studentId": student, "courseId": course, "purchaseTier": 20,
        "metadata": {}, "_metadata": {"eventId": format!("purchase-created-{id}"), "correlationId": payment},
    });
    (row, event)
}

#[tokio::test]
async fn no_event_that_differs_from_its_purchase_gets_a_trainer() {
    let stage = Stage::open("allocate-trainer", "purchase-created").await;
    for (field, value, code) in [
        ("/purchaseId", json!(Uuid::new_v4()), "purchase_not_found"),
        ("/studentId", json!(Uuid::new_v4()), "purchase_student_differs"),
        ("/courseId", json!(Uuid::new_v4()), "purchase_course_differs"),
        ("/purchaseTier", json!(30), "purchase_tier_differs"),
    ] {
        let (row, good) = bought();
        let trial = Trial {
            what: format!("{field} is {value}"),
            row,
            fixed: String::new(),
            bad: with(&good, field, value),
            good,
            code: Some(code),
        };
        stage.tries(&trial, "trainer_allocations").await;
    }
    let (row, good) = bought();
    let id = good["purchaseId"].as_str().unwrap();
    let ended = Trial {
        what: "the purchase has ended".to_owned(),
        row: format!("{row} UPDATE student_course_purchases SET is_active = false WHERE id = '{id}'"),
        fixed: format!("UPDATE student_course_purchases SET is_active = true WHERE id = '{id}'"),
        bad: good.clone(),
        good,
        code: None,
    };
    stage.tries(&ended, "trainer_allocations").await;
    stage.close().await;
}

/// An approved allocation of twenty sessions with its event.
pub fn allocated() -> (String, Value) {
    let [id, student, course, trainer] = [(); 4].map(|()| Uuid::new_v4());
    let row = format!(
        "INSERT INTO trainer_allocations (id, student_id, course_id, trainer_id, requested_by, status, metadata)
         VALUES ('{id}', '{student}', '{course}', '{trainer}', '{student}', 'approved', '{{\"sessionCount\": 20}}');"
    );
    let event = json!({
        "type": "TRAINER_ALLOCATED", "allocationId": id, "trainerId": trainer, "studentId": student, "courseId": course,
        "sessionCount": 20, "startDate": "2031-06-02", "endDate": "2031-06-27",
        "_metadata": {"eventId": format!("trainer-allocated-{id}"), "correlationId": Uuid::new_v4()},
    });
    (row, event)
}

#[tokio::test]
async fn no_event_that_differs_from_its_allocation_gets_sessions() {
    let stage = Stage::open("schedule-sessions", "trainer-allocated").await;
    for (field, value, code) in [
        ("/allocationId", json!(Uuid::new_v4()), "allocation_missing"),
        ("/studentId", json!(Uuid::new_v4()), "allocation_student_differs"),
        ("/courseId", json!(Uuid::new_v4()), "allocation_course_differs"),
        ("/trainerId", json!(Uuid::new_v4()), "allocation_trainer_differs"),
        ("/sessionCount", json!(30), "allocation_sessions_differ"),
    ] {
        let (row, good) = allocated();
        let trial = Trial {
            what: format!("{field} is {value}"),
            row,
            fixed: String::new(),
            bad: with(&good, field, value),
            good,
            code: Some(code),
        };
        stage.tries(&trial, "tutoring_sessions").await;
    }
    for (status, code) in [
        ("pending", Some("allocation_pending")),
        ("rejected", None),
        ("completed", None),
        ("cancelled", None),
    ] {
        let (row, good) = allocated();
        let id = good["allocationId"].as_str().unwrap();
        let trial = Trial {
            what: format!("the allocation is {status}"),
            row: format!("{row} UPDATE trainer_allocations SET status = '{status}' WHERE id = '{id}'"),
            fixed: format!("UPDATE trainer_allocations SET status = 'approved' WHERE id = '{id}'"),
            bad: good.clone(),
            good,
            code,
        };
        stage.tries(&trial, "tutoring_sessions").await;
    }
    stage.close().await;
}
