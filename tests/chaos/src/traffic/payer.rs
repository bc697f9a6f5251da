//! A payment provider: sends each payment until it is acknowledged, as Razorpay does for a day.

use super::{Outside, pause};
use crate::environments::{ApiAnswer, Request};
use crate::plan::{Door, PlannedPayment};
use crate::secrets::Sender;
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// Razorpay hangs up after five seconds.
const HANGS_UP_AFTER: Duration = Duration::from_secs(5);
/// Where the payment service publishes itself.
const EVENTS: &str = "purchase-confirmed";
/// What every course costs.
pub const PRICE_MINOR: i64 = 499_900;

/// Pays, and sends the message until it is acknowledged.
pub async fn pay(outside: &Outside, place: usize) {
    let Some(payment) = outside.plan.payments.get(place) else {
        return;
    };
    if payment.is_repeated {
        tokio::join!(send(outside, place, payment), send(outside, place, payment));
    } else {
        send(outside, place, payment).await;
    }
}

async fn send(outside: &Outside, place: usize, payment: &PlannedPayment) {
    if payment.door == Door::Event {
        outside.ledger.note_sent(place);
        record(outside, payment).await;
        let event = event(payment).to_string();
        match &outside.topics {
            Some(topics) => {
                topics
                    .put(EVENTS, &payment.payment.to_string(), Some(&event))
                    .await
            }
            None => outside.broker.put(EVENTS, &event),
        }
        let body = json!({"paymentId": payment.payment});
        return outside.ledger.note_taken(place, &body);
    }
    for tries in 0_u32.. {
        outside.ledger.note_sent(place);
        // Signed anew for each try, with the secret of the moment; it is known to be in use until the answer is there.
        let signing = outside.secrets.signing(sender(payment));
        let request = request(payment, &signing.secret);
        let answer = outside.receive_payment.call(&request, HANGS_UP_AFTER).await;
        if let Some(ApiAnswer { status, body }) = answer {
            outside.ledger.note_answer("receive-payment", status);
            if (200..300).contains(&status) {
                return outside.ledger.note_acknowledged(place, &body);
            }
        }
        tokio::time::sleep(pause(tries)).await;
    }
}

/// The payment service commits its payment before it publishes, however long its database is away.
async fn record(outside: &Outside, payment: &PlannedPayment) {
    const TRIED_FOR: Duration = Duration::from_secs(5);
    for tries in 0_u32.. {
        let recorded = tokio::time::timeout(TRIED_FOR, insert(&outside.payments_url, payment)).await;
        if matches!(recorded, Ok(Ok(()))) {
            return;
        }
        tokio::time::sleep(pause(tries)).await;
    }
}

async fn insert(url: &str, payment: &PlannedPayment) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(
        "INSERT INTO payments (id, student_id, amount_cents, currency, status, metadata, confirmed_at)
         VALUES ($1, $2, $3, 'INR', 'succeeded', jsonb_build_object('courseId', $4::uuid, 'purchaseTier', $5::bigint), now())
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(payment.payment)
    .bind(payment.student)
    .bind(PRICE_MINOR)
    .bind(payment.course)
    .bind(i64::from(payment.tier))
    .execute(&mut connection)
    .await?;
    Ok(())
}

fn sender(payment: &PlannedPayment) -> Sender {
    if payment.door == Door::Confirmation {
        Sender::PaymentService
    } else {
        Sender::Razorpay
    }
}

fn request(payment: &PlannedPayment, secret: &str) -> Request {
    let request = Request {
        method: "POST",
        ..Request::default()
    };
    if payment.door == Door::Confirmation {
        let body = confirmation(payment);
        let timestamp = Utc::now().timestamp().to_string();
        let signature = sign(secret, &format!("{timestamp}.{body}"));
        return Request {
            path: "/payments/confirmations",
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("x-makegood-timestamp", timestamp),
                ("x-makegood-signature", signature),
            ],
            body,
            ..request
        };
    }
    let body = webhook(payment);
    let signature = sign(secret, &body);
    Request {
        path: "/payments/webhooks/razorpay",
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-razorpay-signature", signature),
            ("x-razorpay-event-id", format!("evt_{}", payment.reference)),
        ],
        body,
        ..request
    }
}

fn webhook(payment: &PlannedPayment) -> String {
    let notes = json!({"studentId": payment.student, "courseId": payment.course,
                       "purchaseTier": payment.tier.to_string(), "timeSlot": payment.slot});
    json!({"entity": "event", "event": "payment.captured", "contains": ["payment"],
           "payload": {"payment": {"entity": {"id": payment.reference, "entity": "payment", "amount": PRICE_MINOR,
               "currency": "INR", "status": "captured", "method": "upi", "notes": notes}}}})
    .to_string()
}

fn confirmation(payment: &PlannedPayment) -> String {
    json!({"paymentId": payment.payment, "studentId": payment.student, "courseId": payment.course,
           "amountCents": PRICE_MINOR, "currency": "INR", "provider": "school-pay",
           "providerPaymentId": payment.reference,
           "metadata": {"purchaseTier": payment.tier, "timeSlot": payment.slot}})
    .to_string()
}

fn event(payment: &PlannedPayment) -> Value {
    let (id, millis) = (payment.payment, Utc::now().timestamp_millis());
    json!({"type": "PURCHASE_CONFIRMED", "timestamp": millis, "userId": payment.student, "role": "student", "paymentId": id,
           "studentId": payment.student, "courseId": payment.course, "amountCents": PRICE_MINOR,
           "metadata": {"purchaseTier": payment.tier, "timeSlot": payment.slot},
           "_metadata": {"eventId": format!("payment:{id}:PURCHASE_CONFIRMED"), "correlationId": id, "timestamp": millis,
                         "source": "payment-service", "version": "1.0.0"}})
}

fn sign(secret: &str, message: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
