//! Razorpay's webhook: `payment.captured` becomes a confirmed payment, other events are left alone.
//! What it was paid for stands in `notes`, which the school's checkout filled.

use crate::fields::{Object, checked_metadata, read_object};
use crate::payment::{ConfirmedPayment, Refusal, Refused, StrandedPayment};
use makegood::event::Metadata;
use makegood::ids::{CourseId, PaymentId, StudentId, derived_uuid};
use serde_json::{Map, Value};
use uuid::Uuid;

/// As `payments.provider` has it.
pub const PROVIDER: &str = "razorpay";
/// The header with the signature of the raw body.
pub const SIGNATURE_HEADER: &str = "X-Razorpay-Signature";
const NOTES: &str = "payload.payment.entity.notes";
/// The fields of `notes` that have a place of their own.
const OWN_NOTES: [&str; 3] = ["paymentId", "studentId", "courseId"];

/// What a webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// `payment.captured`: the money is ours.
    Captured(Box<ConfirmedPayment>),
    /// An event that is none of ours, by name.
    Ignored(String),
}

/// Reads a webhook whose signature was verified.
///
/// # Errors
/// [`Refused`] naming the field; with the payment, when a capture can be made out, since the money has moved.
pub fn read(body: &[u8]) -> Result<Webhook, Refused> {
    let fields = read_object(body)?;
    let top = Object::new("", &fields);
    let event = top.required("event", "the event's name")?.as_str();
    let event = event.ok_or_else(|| Refusal::wrong("event", "the event's name"))?;
    if event != "payment.captured" {
        return Ok(Webhook::Ignored(event.chars().take(64).collect()));
    }
    let entity = fields
        .get("payload")
        .and_then(|payload| payload.pointer("/payment/entity"))
        .and_then(Value::as_object);
    let entity = entity.ok_or(Refusal::Missing {
        field: "payload.payment.entity".to_owned(),
        expected: "the payment that was captured",
    })?;
    let entity = Object::new("payload.payment.entity", entity);
    let id = payment_id(&entity)?;
    match read_captured(&entity, id) {
        Ok(payment) => Ok(Webhook::Captured(Box::new(payment))),
        Err(refusal) => Err(Refused {
            refusal,
            stranded: Some(Box::new(stranded(&entity, id))),
        }),
    }
}

fn payment_id<'a>(entity: &Object<'a>) -> Result<&'a str, Refusal> {
    const EXPECTED: &str = "Razorpay's payment id";
    let id = entity.required("id", EXPECTED)?.as_str();
    let usable = |id: &&str| (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    id.filter(usable)
        .ok_or_else(|| Refusal::wrong(&entity.path_of("id"), EXPECTED))
}

/// The id of a payment that nobody began under another: always the same for the same payment at Razorpay, so that a
/// repeat meets its row by the primary key even where `provider_payment_id` is not unique.
#[must_use]
pub fn derived_payment_id(razorpay_id: &str) -> PaymentId {
    PaymentId(derived_uuid(&format!("{PROVIDER}:{razorpay_id}")))
}

fn read_captured(entity: &Object<'_>, id: &str) -> Result<ConfirmedPayment, Refusal> {
    let empty = Map::new();
    let fields = notes(entity, &empty)?;
    let notes = Object::new("notes", fields);
    let rest = fields
        .iter()
        .filter(|(name, _)| !OWN_NOTES.contains(&name.as_str()));
    let rest = Metadata(rest.map(|(name, value)| (name.clone(), value.clone())).collect());
    let hinted = notes
        .get("paymentId")
        .and_then(Value::as_str)
        .and_then(|text| Uuid::parse_str(text).ok());
    Ok(ConfirmedPayment {
        own_id: derived_payment_id(id),
        hinted_id: hinted.map(PaymentId),
        student_id: StudentId(notes.uuid("studentId")?),
        course_id: CourseId(notes.uuid("courseId")?),
        amount_minor: entity.amount_minor("amount")?,
        currency: entity.currency()?,
        provider: Some(PROVIDER.to_owned()),
        provider_payment_id: Some(id.to_owned()),
        payment_method: entity.optional_text("method").unwrap_or_default(),
        metadata: checked_metadata("notes", rest)?,
    })
}

/// The notes; where there are none, Razorpay sends an empty list in place of the object.
fn notes<'a>(entity: &Object<'a>, empty: &'a Map<String, Value>) -> Result<&'a Map<String, Value>, Refusal> {
    match entity.get("notes") {
        None => Ok(empty),
        Some(Value::Array(list)) if list.is_empty() => Ok(empty),
        Some(Value::Object(notes)) => Ok(notes),
        Some(_) => Err(Refusal::wrong(NOTES, "an object")),
    }
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
mod tests {
    use super::*;
    use serde_json::json;

    const STUDENT: &str = "5c0f3c3e-6a1b-4a55-9d39-0a1f6f0f2b11";
    const COURSE: &str = "b8a1f0d2-1f6e-4b4d-8f1b-7a3f0c9d2e22";

    fn webhook(change: impl FnOnce(&mut Value)) -> Result<Webhook, Refused> {
        let mut body = json!({"event": "payment.captured", "payload": {"payment": {"entity": {
            "id": "pay_1", "amount": 499_900, "currency": "INR", "status": "captured", "method": "upi",
            "email": "someone@example.com", "contact": "+910000000000",
            "notes": {"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "20", "timeSlot": "5:30 PM"}}}}});
        change(&mut body);
        read(body.to_string().as_bytes())
    }

    fn entity(body: &mut Value) -> &mut Value {
        &mut body["payload"]["payment"]["entity"]
    }

    fn captured(change: impl FnOnce(&mut Value)) -> ConfirmedPayment {
        match webhook(change) {
            Ok(Webhook::Captured(payment)) => *payment,
            other => panic!("not captured: {other:?}"),
        }
    }

    #[test]
    fn a_capture_is_read_with_its_notes_as_metadata() {
        let payment = captured(|_| ());
        assert_eq!(payment.own_id, derived_payment_id("pay_1"));
        assert_eq!(payment.amount_minor, 499_900);
        assert_eq!(
            payment.metadata.to_json(),
            json!({"purchaseTier": "20", "timeSlot": "5:30 PM"})
        );
        assert_eq!(payment.metadata.purchase_tier(), Ok(20));
    }

    #[test]
    fn personal_data_goes_no_further() {
        let payment = captured(|body| {
            entity(body)["notes"]["email"] = json!("a@example.com");
            entity(body)["notes"]["parentPhone"] = json!("+91");
            entity(body)["notes"]["Contact"] = json!("+91");
        });
        assert_eq!(
            payment.metadata.to_json(),
            json!({"purchaseTier": "20", "timeSlot": "5:30 PM"})
        );
    }

    #[test]
    fn a_capture_that_names_no_student_strands_the_money_and_says_which_field() {
        for (change, field) in [
            (json!({"courseId": COURSE}), "notes.studentId"),
            (json!({"studentId": STUDENT}), "notes.courseId"),
            (
                json!({"studentId": STUDENT, "courseId": "maths"}),
                "notes.courseId",
            ),
            (
                json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": 15}),
                "notes.purchaseTier",
            ),
            (
                json!({"studentId": STUDENT, "courseId": COURSE, "expiryDate": "soon"}),
                "notes.expiryDate",
            ),
            (json!([]), "notes.studentId"),
            (json!("none"), NOTES),
            (
                json!({"studentId": STUDENT, "courseId": COURSE, "timeSlot": "4\u{0} PM"}),
                "notes",
            ),
        ] {
            let refused = webhook(|body| entity(body)["notes"] = change).unwrap_err();
            assert_eq!(refused.refusal.field(), Some(field));
            let stranded = refused.stranded.unwrap();
            assert_eq!(
                (stranded.subject.as_str(), stranded.amount_minor),
                ("pay_1", Some(499_900))
            );
        }
    }

    #[test]
    fn an_amount_is_whole_minor_units_or_refused() {
        for amount in [
            json!(4999.5),
            json!(499_900.0),
            json!("499900"),
            json!(-1),
            Value::Null,
        ] {
            let refused = webhook(|body| entity(body)["amount"] = amount).unwrap_err();
            assert_eq!(refused.refusal.field(), Some("payload.payment.entity.amount"));
            assert_eq!(refused.stranded.unwrap().amount_minor, None);
        }
    }

    #[test]
    fn currency_is_rupees_unless_said() {
        assert_eq!(
            captured(|body| entity(body)["currency"] = Value::Null).currency,
            "INR"
        );
        assert_eq!(
            captured(|body| entity(body)["currency"] = json!("usd")).currency,
            "USD"
        );
    }

    #[test]
    fn other_events_are_left_alone() {
        let ignored = webhook(|body| body["event"] = json!("payment.failed"));
        assert_eq!(ignored, Ok(Webhook::Ignored("payment.failed".to_owned())));
    }

    #[test]
    fn what_names_no_payment_strands_nothing() {
        for (body, field) in [
            ("{}", Some("event")),
            ("{\"event\":\"payment.captured\"}", Some("payload.payment.entity")),
            (
                "{\"event\":\"payment.captured\",\"payload\":{\"payment\":{\"entity\":{\"id\":7}}}}",
                Some("payload.payment.entity.id"),
            ),
            ("{\"event\":", None),
            ("[]", None),
        ] {
            let refused = read(body.as_bytes()).unwrap_err();
            assert_eq!(
                (refused.refusal.field(), refused.stranded),
                (field, None),
                "{body}"
            );
        }
    }
}
