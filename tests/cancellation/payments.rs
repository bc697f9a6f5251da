//! `receive-payment`, by Razorpay's webhook and by a payment service's confirmation.

use crate::driver::{Scene, all_but, cut_everywhere};
use crate::parts::{Parts, has_status};
use chrono::Utc;
use makegood::clock::Clock;
use makegood::config::Place;
use makegood::db::Database;
use makegood::event::EventType;
use makegood::payment::returned::PartialRefund;
use makegood::secret::Rotating;
use makegood_tests::database::TestDatabase;
use operate::doctor::Guarantee;
use receive_payment::ReceivePayment;
use receive_payment::signature::{Keys, sign};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const SECRET: &str = "a secret of the tests";
/// Long enough that publishing is part of every invocation.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Razorpay,
    PaymentService,
}

struct Payments {
    parts: Parts,
    sender: Sender,
}

impl Payments {
    async fn of(sender: Sender) -> Self {
        Self {
            parts: Parts::with(&[EventType::PurchaseConfirmed]).await,
            sender,
        }
    }
}

impl Scene for Payments {
    type Environment = ReceivePayment;
    type Delivery = Uuid;

    fn name(&self) -> String {
        format!("receive-payment {:?}", self.sender)
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    // No function makes the purchases here.
    fn promises(&self) -> Vec<Guarantee> {
        all_but(&[Guarantee::G1])
    }

    async fn plant(&self, _: u32) -> Uuid {
        let id = Uuid::new_v4();
        let price = format!(
            "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
             VALUES ('{id}', 20, 'INR', 499900, 'epoch')"
        );
        self.parts.database.run_sql(&price).await;
        id
    }

    async fn open(&self, database: Database) -> ReceivePayment {
        ReceivePayment {
            publisher: self.parts.publisher(database),
            razorpay: Rotating::fixed(Keys::read("RAZORPAY_WEBHOOK_SECRET", SECRET, 16).expect("a secret")),
            stripe: Rotating::fixed(Keys::none()),
            place: Place::Live,
            confirmation: Rotating::fixed(Keys::read("CONFIRMATION_SECRET", SECRET, 16).expect("a secret")),
            clock: Clock::System,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            timezone: chrono_tz::Asia::Kolkata,
            answer_within: ANSWER_WITHIN,
        }
    }

    async fn deliver(&self, environment: &ReceivePayment, payment: &Uuid) -> Result<(), String> {
        let request = match self.sender {
            Sender::Razorpay => webhook(*payment),
            Sender::PaymentService => confirmation(*payment),
        };
        let answer = environment.handle(request).await;
        has_status(&answer.map_err(|error| error.to_string())?, 200)
    }

    fn key(&self, payment: &Uuid) -> String {
        format!("pay_{}", payment.simple())
    }

    /// A payment counts with its event, since both are one transaction.
    async fn done(&self) -> BTreeSet<String> {
        self.parts
            .texts(
                "SELECT provider_payment_id FROM payments p WHERE status = 'succeeded'
                   AND EXISTS (SELECT FROM outbox o WHERE o.event_id = 'payment:' || p.id || ':PURCHASE_CONFIRMED')",
            )
            .await
    }

    async fn settle(&self) {
        self.parts.sweep_outbox().await;
    }
}

fn webhook(payment: Uuid) -> Value {
    let body = json!({"entity": "event", "event": "payment.captured", "payload": {"payment": {"entity": {
        "id": format!("pay_{}", payment.simple()), "amount": 499_900, "currency": "INR", "status": "captured", "method": "upi",
        "notes": {"studentId": payment, "courseId": payment, "purchaseTier": "20", "timeSlot": "5:30 PM"}}}}})
    .to_string();
    let signature = sign(SECRET, &[body.as_bytes()]);
    request(
        "/payments/webhooks/razorpay",
        &json!({"x-razorpay-signature": signature}),
        &body,
    )
}

fn confirmation(payment: Uuid) -> Value {
    let body =
        json!({"paymentId": payment, "studentId": payment, "courseId": payment, "amountCents": 499_900,
                      "provider": "razorpay", "providerPaymentId": format!("pay_{}", payment.simple()),
                      "metadata": {"purchaseTier": 20}})
        .to_string();
    let timestamp = Utc::now().timestamp().to_string();
    let signature = sign(SECRET, &[timestamp.as_bytes(), b".", body.as_bytes()]);
    request(
        "/payments/confirmations",
        &json!({"x-makegood-timestamp": timestamp, "x-makegood-signature": signature}),
        &body,
    )
}

fn request(path: &str, headers: &Value, body: &str) -> Value {
    json!({"version": "2.0", "rawPath": path, "headers": headers, "body": body, "isBase64Encoded": false,
           "requestContext": {"stage": "$default", "http": {"method": "POST"}}})
}

#[tokio::test]
async fn a_webhook_cut_anywhere_loses_no_later_payment() {
    cut_everywhere(&Payments::of(Sender::Razorpay).await, 1).await;
}

#[tokio::test]
async fn a_confirmation_cut_anywhere_loses_no_later_payment() {
    cut_everywhere(&Payments::of(Sender::PaymentService).await, 1).await;
}
