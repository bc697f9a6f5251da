//! Students whose money does not simply buy a course, and what must become of each: one pays one paisa, one gets the money
//! back, one pays again when the course is over, one paid what only Razorpay's order knows, one paid and no webhook told of it,
//! one pays in two parts, two are children of one payment, and one's payment was begun by a library that writes JSON as text.

mod student;

use crate::guarantees::Promise;
use crate::send::Sender;
use crate::settings::Settings;
use crate::shop::run_sweep;
use crate::traffic::{Door, Kind, Message, PRICE_MINOR};
use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::{Duration, Instant};
use student::{State, Student};
use uuid::Uuid;

/// The tier that has a price in this run, and the one that has none.
const PRICED_TIER: i32 = 10;
const UNPRICED_TIER: i32 = 20;
/// Both parts of the order that is paid in two.
const PARTS: [i64; 2] = [PRICE_MINOR / 2, PRICE_MINOR - PRICE_MINOR / 2];
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Who comes, and for what.
struct Story {
    run: Uuid,
    course: Uuid,
}

/// Tells all stories at once, and gives back what was promised and whether it was kept.
///
/// # Errors
/// When the stack can't be reached.
pub(crate) async fn tell(
    settings: &Settings,
    patience: Duration,
    pool: &PgPool,
    sender: &Sender<'_>,
) -> Result<Vec<Promise>> {
    let run = Uuid::new_v4();
    let story = Story {
        run,
        course: Uuid::new_v5(&run, b"course"),
    };
    story.price(pool).await?;
    story.begin_as_text(pool).await?;
    let order = story.order(settings, &sender.http).await?;
    story.take_untold(settings, &sender.http).await?;
    let mut unexpected = sender.send_all(&story.first_messages(&order)).await.unexpected;
    let first = story.until(pool, Student::first, patience).await?;
    story.time_passes(pool).await?;
    let more = [
        story.refund(),
        story.payment(Student::Renews, 2, None),
        story.part(1),
    ];
    unexpected.extend(sender.send_all(&more).await.unexpected);
    run_sweep(settings, &sender.http, "reconcile").await?;
    run_sweep(settings, &sender.http, "statement").await?;
    let last = if first.is_empty() {
        story.until(pool, Student::last, patience).await?
    } else {
        first
    };
    let promise = |student: Student| Promise::new(student.promise(), i64::from(last.contains(&student)));
    let mut promises: Vec<Promise> = Student::ALL.into_iter().map(promise).collect();
    if let Some(answer) = unexpected.first() {
        promises.push(Promise::new(format!("    {answer}"), 1));
    }
    Ok(promises)
}

impl Story {
    fn student(&self, student: Student) -> Uuid {
        Uuid::new_v5(&self.run, format!("{student:?}").as_bytes())
    }

    fn reference(&self, student: Student, number: u8) -> String {
        let run = self.run.simple().to_string();
        format!("pay_{}{student:?}{number}", &run[..10])
    }

    async fn price(&self, pool: &PgPool) -> Result<()> {
        sqlx::query!(
            "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from) VALUES ($1, $2, 'INR', $3, 'epoch')",
            self.course,
            PRICED_TIER,
            PRICE_MINOR,
        )
        .execute(pool)
        .await?;
        Ok(())
    }

    /// As some libraries write an object into a column of type jsonb: the text of it, in quotes. The course is nowhere else.
    async fn begin_as_text(&self, pool: &PgPool) -> Result<()> {
        let student = self.student(Student::BegunAsText);
        let metadata =
            json!({"courseId": self.course, "purchaseTier": PRICED_TIER, "timeSlot": "5:30 PM"}).to_string();
        sqlx::query!(
            "INSERT INTO payments (id, student_id, amount_cents, currency, status, metadata)
             VALUES ($1, $2, $3, 'INR', 'initiated', to_jsonb($4::text))",
            self.begun(),
            student,
            PRICE_MINOR,
            metadata,
        )
        .execute(pool)
        .await?;
        Ok(())
    }

    /// The payment that was begun as text.
    fn begun(&self) -> Uuid {
        Uuid::new_v5(&self.run, b"begun")
    }

    /// What the merchant's server orders at Razorpay.
    async fn order(&self, settings: &Settings, http: &reqwest::Client) -> Result<String> {
        let url = format!("{}/v1/orders", settings.outside.gateways_url());
        let (id, secret) = settings
            .outside
            .credentials
            .razorpay_api_secret
            .split_once(':')
            .unwrap_or_default();
        let notes = self.notes(Student::PaidByOrder, UNPRICED_TIER);
        let order = json!({"amount": PRICE_MINOR, "currency": "INR", "notes": notes});
        let answer = http
            .post(url)
            .basic_auth(id, Some(secret))
            .json(&order)
            .send()
            .await?;
        let order: Value = answer.error_for_status()?.json().await?;
        let id = order["id"].as_str().context("the stub's order has no id")?;
        Ok(id.to_owned())
    }

    /// Razorpay took this an hour ago, and the webhook was lost.
    async fn take_untold(&self, settings: &Settings, http: &reqwest::Client) -> Result<()> {
        let student = Student::Untold;
        let taken = Utc::now() - TimeDelta::hours(1);
        let payment = json!({"id": self.reference(student, 1), "entity": "payment", "amount": PRICE_MINOR, "currency": "INR",
                             "status": "captured", "method": "upi", "notes": self.notes(student, PRICED_TIER),
                             "created_at": taken.timestamp()});
        let url = format!("{}/_control", settings.outside.gateways_url());
        let told = http
            .post(url)
            .json(&json!({"razorpayPayments": [payment]}))
            .send()
            .await?;
        told.error_for_status()?;
        Ok(())
    }

    fn notes(&self, student: Student, tier: i32) -> Value {
        json!({"studentId": self.student(student), "courseId": self.course, "purchaseTier": tier.to_string(), "timeSlot": "4:00 PM"})
    }

    fn first_messages(&self, order: &str) -> Vec<Message> {
        vec![
            self.payment(Student::PaysTooLittle, 1, None),
            self.payment(Student::IsRefunded, 1, None),
            self.payment(Student::Renews, 1, None),
            self.payment(Student::PaidByOrder, 1, Some(order)),
            self.part(0),
            self.child(Student::FirstChild),
            self.child(Student::SecondChild),
            self.captured_as_begun(),
        ]
    }

    /// A part of one order; the first is to be answered `held`.
    fn part(&self, number: u8) -> Message {
        let student = Student::PaysInParts;
        let reference = self.reference(student, number);
        let order = format!("order_{}", self.run.simple());
        let payment = json!({"id": reference, "entity": "payment", "amount": PARTS[usize::from(number)], "currency": "INR",
                             "status": "captured", "method": "upi", "order_id": order, "notes": self.notes(student, PRICED_TIER)});
        let kind = if number == 0 {
            Kind::Malformed
        } else {
            Kind::Payment
        };
        self.captured(kind, student, reference, &payment)
    }

    /// The payment service's own word, with one payment's id for both children.
    fn child(&self, student: Student) -> Message {
        let reference = self.reference(Student::FirstChild, 1);
        let body = json!({"paymentId": Uuid::new_v5(&self.run, b"siblings"), "studentId": self.student(student), "courseId": self.course,
                          "amountCents": PRICE_MINOR, "currency": "INR", "provider": "school-pay", "providerPaymentId": reference,
                          "metadata": {"purchaseTier": PRICED_TIER, "timeSlot": "4:00 PM"}});
        Message {
            kind: Kind::Payment,
            door: Door::Confirmation,
            student: self.student(student),
            reference: format!("{reference}-{student:?}"),
            body: body.to_string(),
            times: 1,
        }
    }

    /// Razorpay names the begun payment, and nothing else of ours.
    fn captured_as_begun(&self) -> Message {
        let student = Student::BegunAsText;
        let reference = self.reference(student, 1);
        let payment = json!({"id": reference, "entity": "payment", "amount": PRICE_MINOR, "currency": "INR", "status": "captured",
                             "method": "upi", "notes": {"paymentId": self.begun()}});
        self.captured(Kind::Payment, student, reference, &payment)
    }

    /// A captured payment. Those that nothing confirms are to be answered `held`.
    fn payment(&self, student: Student, number: u8, order: Option<&str>) -> Message {
        let is_held = matches!(student, Student::PaysTooLittle | Student::PaidByOrder);
        let tier = if student == Student::PaidByOrder {
            UNPRICED_TIER
        } else {
            PRICED_TIER
        };
        let amount = if student == Student::PaysTooLittle {
            1
        } else {
            PRICE_MINOR
        };
        let reference = self.reference(student, number);
        let payment = json!({"id": reference, "entity": "payment", "amount": amount, "currency": "INR", "status": "captured",
                             "method": "upi", "order_id": order, "notes": self.notes(student, tier)});
        let kind = if is_held { Kind::Malformed } else { Kind::Payment };
        self.captured(kind, student, reference, &payment)
    }

    fn captured(&self, kind: Kind, student: Student, reference: String, payment: &Value) -> Message {
        let payload = json!({"payment": {"entity": payment}});
        self.message(kind, student, reference, "payment.captured", &payload)
    }

    /// All of the money goes back.
    fn refund(&self) -> Message {
        let student = Student::IsRefunded;
        let paid = self.reference(student, 1);
        let reference = paid.replacen("pay_", "rfnd_", 1);
        let refund = json!({"id": reference, "payment_id": paid, "amount": PRICE_MINOR, "currency": "INR", "status": "processed"});
        let payment = json!({"id": paid, "amount": PRICE_MINOR, "currency": "INR"});
        let payload = json!({"refund": {"entity": refund}, "payment": {"entity": payment}});
        self.message(Kind::Payment, student, reference, "refund.processed", &payload)
    }

    fn message(
        &self,
        kind: Kind,
        student: Student,
        reference: String,
        event: &str,
        payload: &Value,
    ) -> Message {
        let body = json!({"entity": "event", "event": event, "payload": payload});
        Message {
            kind,
            door: Door::Webhook,
            student: self.student(student),
            reference,
            body: body.to_string(),
            times: 1,
        }
    }

    /// The course of the one who renews ended yesterday.
    async fn time_passes(&self, pool: &PgPool) -> Result<()> {
        sqlx::query!(
            "UPDATE student_course_purchases SET expiry_date = now() - interval '1 day' WHERE student_id = $1 AND is_active",
            self.student(Student::Renews),
        )
        .execute(pool)
        .await?;
        Ok(())
    }

    /// Waits until every student is in this state; who is not when the patience is over.
    async fn until(
        &self,
        pool: &PgPool,
        wanted: impl Fn(Student) -> State,
        patience: Duration,
    ) -> Result<Vec<Student>> {
        let began = Instant::now();
        loop {
            let mut missing = Vec::new();
            for student in Student::ALL {
                if self.state(pool, student).await? != wanted(student) {
                    missing.push(student);
                }
            }
            if missing.is_empty() || began.elapsed() > patience {
                return Ok(missing);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn state(&self, pool: &PgPool, student: Student) -> Result<State> {
        let row = sqlx::query_file!("src/sql/story_state.sql", self.student(student))
            .fetch_one(pool)
            .await?;
        Ok(State {
            running: row.running,
            refunded: row.refunded,
            expired: row.expired,
            sessions: row.sessions,
            unpriced: row.unpriced,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_story_has_a_promise_of_its_own_and_those_that_go_on_change() {
        let promises: std::collections::BTreeSet<_> =
            Student::ALL.iter().map(|student| student.promise()).collect();
        assert_eq!(promises.len(), Student::ALL.len());
        let unchanged: Vec<Student> = Student::ALL
            .into_iter()
            .filter(|student| student.first() == student.last())
            .collect();
        let at_once = [
            Student::PaysTooLittle,
            Student::FirstChild,
            Student::SecondChild,
            Student::BegunAsText,
        ];
        assert_eq!(unchanged, at_once);
    }

    #[test]
    fn only_what_nothing_prices_is_expected_to_be_held() {
        let story = Story {
            run: Uuid::nil(),
            course: Uuid::nil(),
        };
        let kinds: Vec<Kind> = story
            .first_messages("order_1")
            .iter()
            .map(|message| message.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                Kind::Malformed,
                Kind::Payment,
                Kind::Payment,
                Kind::Malformed,
                Kind::Malformed,
                Kind::Payment,
                Kind::Payment,
                Kind::Payment
            ]
        );
        assert_eq!(PARTS.iter().sum::<i64>(), PRICE_MINOR);
        assert_eq!(story.part(1).kind, Kind::Payment, "with it the sum is there");
        assert!(
            story.first_messages("order_1")[3]
                .body
                .contains("\"order_id\":\"order_1\"")
        );
        assert!(story.refund().body.contains("refund.processed"));
    }
}
