//! Stripe's webhook: a Checkout Session that was paid, or a PaymentIntent that succeeded, becomes a confirmed payment, known by the id of
//! the PaymentIntent whichever of the two comes; refunds and disputes are read in `returned`; other events are counted by name ([`events`]).
//!
//! What it was paid for stands in `metadata`. Only the merchant's secret key can make a session or an intent or change their metadata and
//! amount, so both confirm the price as Razorpay's orders do (docs/decisions/0106).

mod amount;
pub mod events;
mod listed;
mod returned;

pub use crate::payment::provider::{STRIPE as PROVIDER, derived_id};
pub use crate::payment::webhook::Webhook;
pub(crate) use amount::money;
pub use listed::{charge_of, read_listed, read_listed_dispute, read_listed_refund};

use crate::config::Place;
use crate::ids::{CourseId, PaymentId, StudentId};
use crate::payment::fields::{Object, checked_metadata, read_object};
use crate::payment::provider::is_id;
use crate::payment::{ConfirmedPayment, Refusal, Refused, Sender, StrandedPayment, UnnamedPayment};
use chrono::{DateTime, Utc};
use events::{Ignored, Treatment};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The header with the time and the signatures of the raw body.
pub const SIGNATURE_HEADER: &str = "Stripe-Signature";
const OBJECT: &str = "data.object";
const METADATA: &str = "data.object.metadata";
const SESSION: &str = "checkout.session.";
/// The fields of `metadata` that have a place of their own.
const OWN_FIELDS: [&str; 3] = ["paymentId", "studentId", "courseId"];

/// Reads a webhook whose signature was verified, for a stack that takes real money or none.
///
/// # Errors
/// [`Refused`] naming the field; with the payment, when a capture can be made out, since the money has moved.
pub fn read(body: &[u8], place: Place, now: DateTime<Utc>) -> Result<Webhook, Refused> {
    let fields = read_object(body)?;
    let top = Object::new("", &fields);
    let event = top.required("type", "the event's name")?.as_str();
    let event = event.ok_or_else(|| Refusal::wrong("type", "the event's name"))?;
    if let Some(ignored) = not_for_us(&top, event, place)? {
        return Ok(Webhook::Ignored(ignored));
    }
    let object = fields
        .get("data")
        .and_then(|data| data.get("object")?.as_object());
    let treatment = events::treatment(event).unwrap_or(Treatment::LeftAlone);
    if treatment == Treatment::LeftAlone {
        return Ok(Webhook::Ignored(events::ignored(event, object)));
    }
    let object = Object::new(
        OBJECT,
        object.ok_or(Refusal::Missing {
            field: OBJECT.to_owned(),
            expected: "the object that the event is about",
        })?,
    );
    let told_at = seconds(fields.get("created")).unwrap_or(now);
    if treatment != Treatment::Capture {
        let returned = returned::read(event, &object, told_at)?;
        return Ok(Webhook::Returned(Box::new(returned)));
    }
    if is_taken(event, &object) {
        captured(event, &object, told_at)
    } else {
        Ok(Webhook::Ignored(events::ignored(event, Some(object.fields()))))
    }
}

/// An event of the other mode, or of an account that is connected to the merchant's: its money is none that this stack delivers for.
fn not_for_us(top: &Object<'_>, event: &str, place: Place) -> Result<Option<Ignored>, Refusal> {
    const REASON: &str = "it is of a connected account; only those of your own account are read";
    if let Some(reason) = of_other_mode(top, place)? {
        return Ok(Some(events::not_for_us(event, events::OF_OTHER_MODE, reason)));
    }
    let is_connected = top.get("account").is_some();
    Ok(is_connected.then(|| events::not_for_us(event, events::OF_OTHER_ACCOUNT, REASON)))
}

/// Why this object of Stripe's is none of a stack that takes real money or none; nothing where it is.
///
/// # Errors
/// [`Refusal`] when it does not say.
pub fn of_other_mode(object: &Object<'_>, place: Place) -> Result<Option<&'static str>, Refusal> {
    const EXPECTED: &str = "true or false";
    let is_live = object.required("livemode", EXPECTED)?.as_bool();
    let is_live = is_live.ok_or_else(|| Refusal::wrong(&object.path_of("livemode"), EXPECTED))?;
    Ok(match (is_live, place) {
        (false, Place::Live) => {
            Some("it is of Stripe's test mode, and this stack takes real money (Stage=live)")
        }
        (true, Place::Sandbox) => {
            Some("it is of Stripe's live mode, and this stack is a sandbox (Stage=sandbox)")
        }
        (true, Place::Live) | (false, Place::Sandbox) => None,
    })
}

/// Whether the money is there: a session says `paid`, an intent `succeeded`.
fn is_taken(event: &str, object: &Object<'_>) -> bool {
    let (field, taken) = if event.starts_with(SESSION) {
        ("payment_status", "paid")
    } else {
        ("status", "succeeded")
    };
    object.get(field).and_then(Value::as_str) == Some(taken)
}

fn captured(event: &str, object: &Object<'_>, paid_at: DateTime<Utc>) -> Result<Webhook, Refused> {
    let is_session = event.starts_with(SESSION);
    let id = if is_session {
        id_in(object, "payment_intent")
    } else {
        id_in(object, "id")
    };
    let Some(id) = id else {
        return unidentified(event, object, is_session);
    };
    let refused = |refusal| Refused {
        refusal,
        stranded: Some(Box::new(stranded(object, is_session, id))),
    };
    read_captured(object, is_session, id, paid_at).map_err(refused)
}

/// A session without a PaymentIntent, as that of a subscription: a person sees it where it names something of ours, since money moved.
fn unidentified(event: &str, object: &Object<'_>, is_session: bool) -> Result<Webhook, Refused> {
    let metadata = metadata(object)?;
    let is_ours = OWN_FIELDS.iter().any(|name| metadata.contains_key(*name));
    let session = id_in(object, "id").filter(|_| is_session);
    if session.is_some() && !is_ours {
        return Ok(Webhook::Ignored(events::ignored(event, Some(object.fields()))));
    }
    let field = if is_session { "payment_intent" } else { "id" };
    Err(Refused {
        refusal: Refusal::Missing {
            field: object.path_of(field),
            expected: "the id of a PaymentIntent; subscriptions are not read, confirm them by your payment service",
        },
        stranded: session.map(|id| Box::new(stranded(object, true, id))),
    })
}

fn read_captured(
    object: &Object<'_>,
    is_session: bool,
    id: &str,
    paid_at: DateTime<Utc>,
) -> Result<Webhook, Refusal> {
    let fields = metadata(object)?;
    let metadata = Object::new(METADATA, &fields);
    let mut payment = payment(object, &metadata, is_session, id)?;
    payment.paid_at = Some(paid_at);
    if OWN_FIELDS.iter().all(|name| metadata.get(name).is_none()) {
        payment.metadata = checked_metadata(METADATA, crate::event::Metadata::default())?;
        return Ok(Webhook::Unnamed(Box::new(UnnamedPayment {
            payment,
            refusal: None,
        })));
    }
    let student = metadata.uuid("studentId").map(StudentId);
    let course = metadata.uuid("courseId").map(CourseId);
    match student.and_then(|student| Ok((student, course?))) {
        Ok((student, course)) => (payment.student_id, payment.course_id) = (student, course),
        Err(refusal) => {
            let refusal = Some(refusal);
            return Ok(Webhook::Unnamed(Box::new(UnnamedPayment { payment, refusal })));
        }
    }
    if matches!(payment.metadata.stated_tier(), Ok(Some(_))) {
        payment.order_asks = Some(asked(object, is_session)?);
    }
    Ok(Webhook::Captured(Box::new(payment)))
}

/// Without student, course and time.
fn payment(
    object: &Object<'_>,
    metadata: &Object<'_>,
    is_session: bool,
    id: &str,
) -> Result<ConfirmedPayment, Refusal> {
    let uuid = |value: &Value| Uuid::parse_str(value.as_str()?.trim()).ok();
    let reference = object.get("client_reference_id").and_then(uuid);
    let (amount_minor, currency) = amount::money(object, amount_field(object, is_session))?;
    let session = id_in(object, "id").filter(|_| is_session);
    Ok(ConfirmedPayment {
        own_id: derived_id(PROVIDER, id),
        hinted_id: metadata
            .get("paymentId")
            .and_then(uuid)
            .or(reference)
            .map(PaymentId),
        student_id: StudentId(Uuid::nil()),
        course_id: CourseId(Uuid::nil()),
        amount_minor,
        currency,
        provider: Some(PROVIDER.to_owned()),
        provider_payment_id: Some(id.to_owned()),
        payment_method: method(object),
        metadata: checked_metadata(METADATA, metadata.without(&OWN_FIELDS))?,
        sender: Sender::Provider,
        order_id: session.map(str::to_owned),
        order_asks: None,
        offer_on: None,
        paid_at: None,
        is_given_back: false,
    })
}

/// Where the amount that was paid stands. `amount_received`, or a charge's `amount_captured`, is less than `amount` where only a part was
/// captured.
fn amount_field(object: &Object<'_>, is_session: bool) -> &'static str {
    let captured = ["amount_received", "amount_captured"];
    let captured = captured.into_iter().find(|field| object.get(field).is_some());
    if is_session {
        "amount_total"
    } else {
        captured.unwrap_or("amount")
    }
}

/// What the merchant asked for, in minor units.
fn asked(object: &Object<'_>, is_session: bool) -> Result<i64, Refusal> {
    let field = if is_session { "amount_total" } else { "amount" };
    amount::money(object, field).map(|(minor, _)| minor)
}

/// `card`, `upi`, …: of the charge where that is there (the API before 2022-11-15, and lists), else where the payment could be made in one
/// way only.
fn method(object: &Object<'_>) -> Option<String> {
    let fields = object.fields();
    let charge = fields
        .get("charges")
        .and_then(|charges| charges.pointer("/data/0/payment_method_details/type"))
        .or_else(|| {
            fields
                .get("latest_charge")?
                .pointer("/payment_method_details/type")
        });
    let only = fields
        .get("payment_method_types")
        .and_then(Value::as_array)
        .filter(|types| types.len() == 1)
        .and_then(|types| types.first());
    let method = charge.or(only).and_then(Value::as_str);
    method.filter(|method| is_id(method)).map(str::to_owned)
}

fn metadata(object: &Object<'_>) -> Result<Map<String, Value>, Refusal> {
    match object.get("metadata") {
        None => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields.clone()),
        Some(_) => Err(Refusal::wrong(METADATA, "an object")),
    }
}

/// The id in this field, where it may be the object itself, too.
fn id_in<'a>(object: &Object<'a>, field: &str) -> Option<&'a str> {
    let value = object.get(field)?;
    let id = value.as_str().or_else(|| value.get("id")?.as_str());
    id.filter(|id| is_id(id))
}

fn stranded(object: &Object<'_>, is_session: bool, id: &str) -> StrandedPayment {
    let money = amount::money(object, amount_field(object, is_session)).ok();
    let (amount_minor, currency) = money.unzip();
    StrandedPayment {
        subject: id.to_owned(),
        payment_id: derived_id(PROVIDER, id),
        provider_payment_id: Some(id.to_owned()),
        provider: Some(PROVIDER.to_owned()),
        amount_minor,
        currency,
    }
}

fn seconds(value: Option<&Value>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(value?.as_i64()?, 0)
}

#[cfg(test)]
#[path = "stripe_tests.rs"]
mod tests;
