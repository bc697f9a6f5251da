//! Razorpay's webhook: a captured payment becomes a confirmed payment; refunds and disputes are read in `returned`; other events are left
//! alone. `order.paid` is read as the
//! capture of the payment in it.
//!
//! What it was paid for stands in `notes`. Those of the payment come from the buyer's browser; those of the order, which `order.paid`
//! carries, from the merchant's server, and they decide.

use crate::payment::fields::{Object, checked_metadata, read_object};
pub use crate::payment::provider::{PROVIDER, derived_payment_id};

use crate::ids::{CourseId, PaymentId, StudentId};
use crate::payment::provider::is_id;
use crate::payment::returned::{self, Returned};
use crate::payment::{ConfirmedPayment, Refusal, Refused, Sender, StrandedPayment, UnnamedPayment};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The header with the signature of the raw body.
pub const SIGNATURE_HEADER: &str = "X-Razorpay-Signature";
const PAYMENT: &str = "payload.payment.entity";
/// The events that say that a payment was captured.
const CAPTURES: [&str; 2] = ["payment.captured", "order.paid"];
/// The fields of `notes` that have a place of their own.
const OWN_NOTES: [&str; 3] = ["paymentId", "studentId", "courseId"];

/// What a webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// The money is ours.
    Captured(Box<ConfirmedPayment>),
    /// The money moved, and the notes don't say what for; a begun payment may.
    Unnamed(Box<UnnamedPayment>),
    /// Money goes back, or may.
    Returned(Box<Returned>),
    /// An event that is none of ours, by name.
    Ignored(String),
}

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
    if !CAPTURES.contains(&event) {
        return Ok(Webhook::Ignored(event.chars().take(64).collect()));
    }
    let payload = fields.get("payload");
    let entity_of = |path: &str| payload.and_then(|payload| payload.pointer(path)?.as_object());
    let entity = entity_of("/payment/entity").ok_or(Refusal::Missing {
        field: PAYMENT.to_owned(),
        expected: "the payment that was captured",
    })?;
    let entity = Object::new(PAYMENT, entity);
    let order = entity_of("/order/entity").map(|order| Object::new("payload.order.entity", order));
    let id = payment_id(&entity)?;
    read_captured(&entity, order.as_ref(), id).map_err(|refusal| Refused {
        refusal,
        stranded: Some(Box::new(stranded(&entity, id))),
    })
}

/// Reads a payment as Razorpay's own list has it, as if its capture had been told.
///
/// # Errors
/// As [`read`].
pub fn read_listed(payment: &Map<String, Value>) -> Result<Webhook, Refused> {
    let entity = Object::new("payment", payment);
    let id = payment_id(&entity)?;
    read_captured(&entity, None, id).map_err(|refusal| Refused {
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

fn read_captured(entity: &Object<'_>, order: Option<&Object<'_>>, id: &str) -> Result<Webhook, Refusal> {
    let fields = notes(entity, order)?;
    let notes = Object::new("notes", &fields);
    let is_ours = OWN_NOTES.iter().any(|name| notes.get(name).is_some());
    if !is_ours {
        let nothing = Map::new();
        let payment = payment(entity, &Object::new("notes", &nothing), id)?;
        return Ok(Webhook::Unnamed(Box::new(UnnamedPayment {
            payment,
            refusal: None,
        })));
    }
    let mut payment = payment(entity, &notes, id)?;
    let student = notes.uuid("studentId").map(StudentId);
    let course = notes.uuid("courseId").map(CourseId);
    match student.and_then(|student| Ok((student, course?))) {
        Ok((student, course)) => (payment.student_id, payment.course_id) = (student, course),
        Err(refusal) => {
            let refusal = Some(refusal);
            return Ok(Webhook::Unnamed(Box::new(UnnamedPayment { payment, refusal })));
        }
    }
    payment.order_confirms = order.is_some_and(|order| confirms(order, &payment));
    Ok(Webhook::Captured(Box::new(payment)))
}

/// Without student and course.
fn payment(entity: &Object<'_>, notes: &Object<'_>, id: &str) -> Result<ConfirmedPayment, Refusal> {
    let uuid = |value: &Value| Uuid::parse_str(value.as_str()?).ok();
    let order_id = entity.get("order_id").and_then(Value::as_str);
    let amount_minor = entity.amount_minor("amount")?;
    let returned = entity.get("amount_refunded").and_then(Value::as_i64);
    Ok(ConfirmedPayment {
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
        order_confirms: false,
        paid_at: entity
            .get("created_at")
            .and_then(Value::as_i64)
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        is_given_back: returned.is_some_and(|returned| returned > 0 && returned >= amount_minor),
    })
}

/// The notes, those of the order over those of the payment. Where there are none, Razorpay sends an empty list in place of the
/// object.
fn notes(entity: &Object<'_>, order: Option<&Object<'_>>) -> Result<Map<String, Value>, Refusal> {
    let mut all = Map::new();
    for entity in std::iter::once(entity).chain(order) {
        match entity.get("notes") {
            None => (),
            Some(Value::Array(list)) if list.is_empty() => (),
            Some(Value::Object(notes)) => all.extend(notes.clone()),
            Some(_) => return Err(Refusal::wrong(&entity.path_of("notes"), "an object")),
        }
    }
    Ok(all)
}

/// Whether the order's own notes and amount, which the merchant's server set, say what this payment buys.
fn confirms(order: &Object<'_>, payment: &ConfirmedPayment) -> bool {
    let notes = order.get("notes").and_then(Value::as_object);
    let names = notes.is_some_and(|notes| {
        let notes = Object::new("notes", notes);
        let tier = ["purchaseTier", "sessionCount"]
            .iter()
            .any(|field| notes.get(field).is_some());
        tier && notes.uuid("studentId").is_ok() && notes.uuid("courseId").is_ok()
    });
    let id = order.get("id").and_then(Value::as_str);
    names
        && id.is_some()
        && id == payment.order_id.as_deref()
        && order
            .amount_minor("amount")
            .is_ok_and(|amount| amount <= payment.amount_minor)
        && order
            .currency()
            .is_ok_and(|currency| currency == payment.currency)
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
        read(body.to_string().as_bytes(), DateTime::UNIX_EPOCH)
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
    fn notes_that_name_no_student_or_course_leave_it_to_a_begun_payment_and_say_which_field() {
        for (notes, field) in [
            (json!({"courseId": COURSE}), Some("notes.studentId")),
            (json!({"studentId": STUDENT}), Some("notes.courseId")),
            (
                json!({"studentId": "", "courseId": COURSE}),
                Some("notes.studentId"),
            ),
            (
                json!({"studentId": STUDENT, "courseId": "maths"}),
                Some("notes.courseId"),
            ),
            (json!({"paymentId": STUDENT}), Some("notes.studentId")),
            (json!({"woocommerce_order_id": "8812"}), None),
            (json!([]), None),
        ] {
            match webhook(|body| entity(body)["notes"] = notes.clone()) {
                Ok(Webhook::Unnamed(unnamed)) => {
                    let refusal = unnamed.refusal;
                    assert_eq!(refusal.as_ref().and_then(Refusal::field), field, "{notes}");
                }
                other => panic!("{notes}: {other:?}"),
            }
        }
    }

    #[test]
    fn notes_that_cannot_be_used_strand_the_money_and_the_field_is_named() {
        for (change, field) in [
            (
                json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": 501}),
                "notes.purchaseTier",
            ),
            (
                json!({"studentId": STUDENT, "courseId": COURSE, "expiryDate": "soon"}),
                "notes.expiryDate",
            ),
            (json!("none"), "payload.payment.entity.notes"),
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
            json!(1e300),
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
            let refused = read(body.as_bytes(), DateTime::UNIX_EPOCH).unwrap_err();
            assert_eq!(
                (refused.refusal.field(), refused.stranded),
                (field, None),
                "{body}"
            );
        }
    }

    #[test]
    fn an_empty_text_is_a_field_that_nobody_filled_in() {
        let payment = captured(|body| entity(body)["notes"]["expiryDate"] = json!(""));
        assert_eq!(payment.metadata.expiry(chrono_tz::UTC), Ok(None));
    }

    #[test]
    fn a_paid_order_is_the_capture_of_its_payment_and_its_own_notes_decide() {
        let order = |body: &mut Value| {
            body["event"] = json!("order.paid");
            entity(body)["order_id"] = json!("order_1");
            entity(body)["notes"]["purchaseTier"] = json!("30");
            let notes = json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": 10});
            body["payload"]["order"] =
                json!({"entity": {"id": "order_1", "amount": 499_900, "notes": notes}});
        };
        let paid = captured(order);
        assert!(paid.order_confirms);
        assert_eq!(
            (paid.own_id, paid.metadata.purchase_tier()),
            (derived_payment_id("pay_1"), Ok(10))
        );
        let changes: [(&str, Value); 5] = [
            ("amount", json!(499_901)),
            ("id", json!("order_2")),
            ("notes", json!({"studentId": STUDENT})),
            ("notes", json!({"studentId": STUDENT, "courseId": COURSE})),
            ("currency", json!("USD")),
        ];
        for (field, value) in changes {
            let unconfirmed = captured(|body| {
                order(body);
                body["payload"]["order"]["entity"][field] = value;
            });
            assert!(!unconfirmed.order_confirms, "{field}");
        }
    }

    #[test]
    fn a_capture_that_was_given_back_says_so() {
        for (returned, is_given_back) in [(json!(499_900), true), (json!(1), false), (Value::Null, false)] {
            let payment = captured(|body| entity(body)["amount_refunded"] = returned);
            assert_eq!(payment.is_given_back, is_given_back);
        }
    }
}
