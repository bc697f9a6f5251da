//! Razorpay's webhook: a captured payment becomes a confirmed payment, whichever of its events tells of it; refunds and disputes are read in
//! `returned`; other events are counted by name ([`events`]).
//!
//! What it was paid for stands in `notes`. Those of the payment come from the buyer's browser; those of the order, link, invoice and the
//! like that it pays, where the message carries them, from the merchant, and they decide (`around.rs`).

mod around;
pub mod events;

use crate::payment::fields::{Object, checked_metadata, read_object};
pub use crate::payment::provider::{PROVIDER, derived_payment_id};
pub use crate::payment::webhook::Webhook;

use crate::ids::{CourseId, PaymentId, StudentId};
use crate::payment::provider::is_id;
use crate::payment::returned;
use crate::payment::{ConfirmedPayment, Refusal, Refused, Sender, StrandedPayment, UnnamedPayment};
use around::Around;
use chrono::{DateTime, Utc};
use events::Treatment;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The header with the signature of the raw body.
pub const SIGNATURE_HEADER: &str = "X-Razorpay-Signature";
const PAYMENT: &str = "payload.payment.entity";
/// The events whose name says that their payment was captured; what the others carry says so itself.
const SAY_CAPTURED: [&str; 2] = ["payment.captured", "order.paid"];
/// The states of a payment whose money was not taken.
const NOT_TAKEN: [&str; 3] = ["created", "authorized", "failed"];
/// The fields of `notes` that have a place of their own.
const OWN_NOTES: [&str; 3] = ["paymentId", "studentId", "courseId"];

/// Reads a webhook whose signature was verified.
///
/// # Errors
/// [`Refused`] naming the field; with the payment, when a capture can be made out, since the money has moved.
pub fn read(body: &[u8], now: DateTime<Utc>) -> Result<Webhook, Refused> {
    let fields = read_object(body)?;
    let top = Object::new("", &fields);
    let event = top.required("event", "the event's name")?.as_str();
    let event = event.ok_or_else(|| Refusal::wrong("event", "the event's name"))?;
    if let Some(returned) = returned::read(event, &fields, now)? {
        return Ok(Webhook::Returned(Box::new(returned)));
    }
    let payload = fields.get("payload");
    let ignored = || Webhook::Ignored(events::ignored(event, payload));
    if events::treatment(event) != Some(Treatment::Capture) {
        return Ok(ignored());
    }
    let entity = payload.and_then(|payload| payload.pointer("/payment/entity")?.as_object());
    let entity = entity.ok_or(Refusal::Missing {
        field: PAYMENT.to_owned(),
        expected: "the payment that was captured",
    })?;
    let entity = Object::new(PAYMENT, entity);
    let id = payment_id(&entity)?;
    if !is_taken(event, &entity) {
        return Ok(ignored());
    }
    read_captured(&entity, &Around::all_in(payload), id).map_err(|refusal| Refused {
        refusal,
        stranded: Some(Box::new(stranded(&entity, id))),
    })
}

fn is_taken(event: &str, entity: &Object<'_>) -> bool {
    let status = entity.get("status").and_then(Value::as_str);
    SAY_CAPTURED.contains(&event) || status.is_none_or(|status| !NOT_TAKEN.contains(&status))
}

/// Reads a payment as Razorpay's own list has it, with its order where that was asked for, as if its capture had been told.
///
/// # Errors
/// As [`read`].
pub fn read_listed(
    payment: &Map<String, Value>,
    order: Option<&Map<String, Value>>,
) -> Result<Webhook, Refused> {
    let entity = Object::new("payment", payment);
    let id = payment_id(&entity)?;
    let around: Vec<Around<'_>> = order.map(Around::order).into_iter().collect();
    read_captured(&entity, &around, id).map_err(|refusal| Refused {
        refusal,
        stranded: Some(Box::new(stranded(&entity, id))),
    })
}

fn payment_id<'a>(entity: &Object<'a>) -> Result<&'a str, Refusal> {
    const EXPECTED: &str = "Razorpay's payment id";
    let id = entity.required("id", EXPECTED)?.as_str();
    id.filter(|id| is_id(id))
        .ok_or_else(|| Refusal::wrong(&entity.path_of("id"), EXPECTED))
}

fn read_captured(entity: &Object<'_>, around: &[Around<'_>], id: &str) -> Result<Webhook, Refusal> {
    let fields = around::notes(entity, around)?;
    let notes = Object::new("notes", &fields);
    let is_ours = OWN_NOTES.iter().any(|name| notes.get(name).is_some());
    if !is_ours {
        let nothing = Map::new();
        let payment = payment(entity, around, &Object::new("notes", &nothing), id)?;
        return Ok(Webhook::Unnamed(Box::new(UnnamedPayment {
            payment,
            refusal: None,
        })));
    }
    let mut payment = payment(entity, around, &notes, id)?;
    let student = notes.uuid("studentId").map(StudentId);
    let course = notes.uuid("courseId").map(CourseId);
    match student.and_then(|student| Ok((student, course?))) {
        Ok((student, course)) => (payment.student_id, payment.course_id) = (student, course),
        Err(refusal) => {
            let refusal = Some(refusal);
            return Ok(Webhook::Unnamed(Box::new(UnnamedPayment { payment, refusal })));
        }
    }
    payment.order_asks = around.iter().filter_map(|around| around.asks(&payment)).min();
    Ok(Webhook::Captured(Box::new(payment)))
}

/// Without student and course.
fn payment(
    entity: &Object<'_>,
    around: &[Around<'_>],
    notes: &Object<'_>,
    id: &str,
) -> Result<ConfirmedPayment, Refusal> {
    let uuid = |value: &Value| Uuid::parse_str(value.as_str()?).ok();
    let order_id = entity.get("order_id").and_then(Value::as_str);
    let order_id = order_id.or_else(|| around.iter().rev().find_map(Around::order_id));
    let amount_minor = entity.amount_minor("amount")?;
    let returned = entity.get("amount_refunded").and_then(Value::as_i64);
    let payment = ConfirmedPayment {
        own_id: derived_payment_id(id),
        hinted_id: notes.get("paymentId").and_then(uuid).map(PaymentId),
        student_id: StudentId(Uuid::nil()),
        course_id: CourseId(Uuid::nil()),
        amount_minor,
        currency: entity.currency()?,
        provider: Some(PROVIDER.to_owned()),
        provider_payment_id: Some(id.to_owned()),
        payment_method: entity.optional_text("method").unwrap_or_default(),
        metadata: checked_metadata("notes", notes.without(&OWN_NOTES))?,
        sender: Sender::Provider,
        order_id: order_id.filter(|id| is_id(id)).map(str::to_owned),
        order_asks: None,
        offer_on: None,
        paid_at: entity
            .get("created_at")
            .and_then(Value::as_i64)
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        is_given_back: returned.is_some_and(|returned| returned > 0 && returned >= amount_minor),
    };
    let offer_on = around
        .iter()
        .filter(|_| has_offer(entity.fields()))
        .find_map(|around| around.paid_in_full_by(&payment));
    Ok(ConfirmedPayment { offer_on, ..payment })
}

/// Whether Razorpay names an offer in this payment: then it may have taken less than the order asked for.
#[must_use]
pub fn has_offer(payment: &Map<String, Value>) -> bool {
    let named = payment.get("offer_id").and_then(Value::as_str);
    let listed = payment.get("offers");
    let listed = listed.map(|offers| offers.get("items").unwrap_or(offers));
    named.is_some_and(is_id)
        || listed
            .and_then(Value::as_array)
            .is_some_and(|offers| !offers.is_empty())
}

fn stranded(entity: &Object<'_>, id: &str) -> StrandedPayment {
    StrandedPayment {
        subject: id.to_owned(),
        payment_id: derived_payment_id(id),
        provider_payment_id: Some(id.to_owned()),
        provider: Some(PROVIDER.to_owned()),
        amount_minor: entity.amount_minor("amount").ok(),
        currency: entity.currency().ok(),
    }
}

#[cfg(test)]
#[path = "razorpay_tests.rs"]
mod tests;
