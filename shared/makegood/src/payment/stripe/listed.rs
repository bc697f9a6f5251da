//! Payments, refunds and disputes as Stripe's own lists have them, read as if their webhooks had come: by the same ids, amounts and
//! metadata. A payment is its PaymentIntent with the charge in it (`latest_charge`).

use super::{METADATA, OBJECT, OWN_FIELDS, captured, id_in, metadata, payment, returned, seconds, stranded};
use crate::payment::fields::Object;
use crate::payment::returned::{Dispute, Refund};
use crate::payment::webhook::Webhook;
use crate::payment::{Refusal, Refused, UnnamedPayment};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// Of which the payment is that of a session, and of which the PaymentIntent's own.
const OF_SESSION: &str = "checkout.session.completed";
const OF_INTENT: &str = "payment_intent.succeeded";

/// The charge of a payment: what took the money. A payment that was charged without a PaymentIntent is its charge.
#[must_use]
pub fn charge_of(listed: &Map<String, Value>) -> Option<&Map<String, Value>> {
    if is_charge(listed) {
        Some(listed)
    } else {
        listed.get("latest_charge").and_then(Value::as_object)
    }
}

fn is_charge(listed: &Map<String, Value>) -> bool {
    listed.get("object").and_then(Value::as_str) == Some("charge")
}

/// Reads a payment of the list, with its Checkout Session where that was asked for. What the session's metadata says comes before what
/// the PaymentIntent's does: the merchant's key made both.
///
/// # Errors
/// [`Refused`] naming the field, with the payment: its money has moved.
pub fn read_listed(
    listed: &Map<String, Value>,
    session: Option<&Map<String, Value>>,
    now: DateTime<Utc>,
) -> Result<Webhook, Refused> {
    let charge = charge_of(listed);
    let taken_at = charge.and_then(|charge| seconds(charge.get("created")));
    let taken_at = taken_at.or_else(|| seconds(listed.get("created"))).unwrap_or(now);
    let object = Object::new(OBJECT, listed);
    if is_charge(listed) {
        return without_intent(&object);
    }
    let is_paid =
        |session: &&Map<String, Value>| session.get("payment_status").and_then(Value::as_str) == Some("paid");
    let read = match session.filter(is_paid) {
        Some(session) => {
            let session = with_payment(session, listed, metadata(&object)?);
            captured(OF_SESSION, &Object::new(OBJECT, &session), taken_at)?
        }
        None => captured(OF_INTENT, &object, taken_at)?,
    };
    Ok(given_back(read, charge))
}

/// The session as its webhook has it, with what the PaymentIntent says beside it.
fn with_payment(
    session: &Map<String, Value>,
    listed: &Map<String, Value>,
    mut said: Map<String, Value>,
) -> Map<String, Value> {
    let own = session.get("metadata").and_then(Value::as_object);
    let own = own.into_iter().flatten();
    said.extend(
        own.filter(|(_, value)| !crate::event::is_absent(value))
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let mut session = session.clone();
    session.insert("metadata".to_owned(), Value::Object(said));
    for (name, field) in [("payment_intent", "id"), ("latest_charge", "latest_charge")] {
        let value = listed.get(field).cloned().unwrap_or_default();
        session.insert(name.to_owned(), value);
    }
    session
}

/// A charge without a PaymentIntent is read by no webhook: where it names something of ours a person sees it.
fn without_intent(charge: &Object<'_>) -> Result<Webhook, Refused> {
    const EXPECTED: &str =
        "the PaymentIntent; charges without one are not read, confirm them by your payment service";
    let id = id_in(charge, "id").ok_or_else(|| Refusal::wrong(&charge.path_of("id"), "an id of Stripe's"))?;
    let said = metadata(charge)?;
    if OWN_FIELDS.iter().any(|name| said.contains_key(*name)) {
        return Err(Refused {
            refusal: Refusal::Missing {
                field: charge.path_of("payment_intent"),
                expected: EXPECTED,
            },
            stranded: Some(Box::new(stranded(charge, false, id))),
        });
    }
    let payment = payment(charge, &Object::new(METADATA, &said), false, id)?;
    Ok(Webhook::Unnamed(Box::new(UnnamedPayment {
        payment,
        refusal: None,
    })))
}

/// What the charge says went back of it counts with the payment: its refunds may have been made before it is recorded.
fn given_back(read: Webhook, charge: Option<&Map<String, Value>>) -> Webhook {
    let whole = |field: &str| charge?.get(field)?.as_i64();
    let taken = whole("amount_captured").or_else(|| whole("amount"));
    let is_given_back = whole("amount_refunded")
        .zip(taken)
        .is_some_and(|(returned, taken)| returned > 0 && returned >= taken);
    match read {
        Webhook::Captured(mut payment) => {
            payment.is_given_back = is_given_back;
            Webhook::Captured(payment)
        }
        Webhook::Unnamed(mut unnamed) => {
            unnamed.payment.is_given_back = is_given_back;
            Webhook::Unnamed(unnamed)
        }
        read => read,
    }
}

/// Reads a refund of the list.
///
/// # Errors
/// [`Refusal`] naming the field.
pub fn read_listed_refund(refund: &Map<String, Value>, now: DateTime<Utc>) -> Result<Refund, Refusal> {
    let told_at = seconds(refund.get("created")).unwrap_or(now);
    returned::read_refund(&Object::new(OBJECT, refund), told_at)
}

/// Reads a dispute of the list. It is told by when it was made: what webhooks say later of one that is open stays.
///
/// # Errors
/// [`Refusal`] naming the field.
pub fn read_listed_dispute(dispute: &Map<String, Value>, now: DateTime<Utc>) -> Result<Dispute, Refusal> {
    let told_at = seconds(dispute.get("created")).unwrap_or(now);
    returned::read_dispute(&Object::new(OBJECT, dispute), told_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::ConfirmedPayment;
    use serde_json::json;
    use uuid::Uuid;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn listed(said: Value) -> Map<String, Value> {
        let charge = json!({"id": "ch_1", "object": "charge", "created": 1_767_268_860, "amount": 499_900, "amount_captured": 499_900,
            "amount_refunded": 0, "payment_method_details": {"type": "upi"}});
        let listed = json!({"id": "pi_1", "object": "payment_intent", "amount": 499_900, "amount_received": 499_900, "currency": "inr",
            "status": "succeeded", "created": 1_767_268_800, "metadata": said, "latest_charge": charge});
        listed.as_object().unwrap().clone()
    }

    fn names() -> Value {
        json!({"studentId": Uuid::from_u128(3), "courseId": Uuid::from_u128(4), "purchaseTier": "20"})
    }

    fn paid(listed: &Map<String, Value>, session: Option<&Map<String, Value>>) -> ConfirmedPayment {
        match read_listed(listed, session, NOW) {
            Ok(Webhook::Captured(payment)) => *payment,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_listed_payment_is_what_its_webhook_says_and_when_it_was_charged() {
        let listed = listed(names());
        let webhook = json!({"type": OF_INTENT, "livemode": true, "created": 1_767_268_860, "data": {"object": listed}});
        let told = super::super::read(webhook.to_string().as_bytes(), crate::config::Place::Live, NOW);
        let read = paid(&listed, None);
        assert_eq!(told, Ok(Webhook::Captured(Box::new(read.clone()))));
        assert_eq!(read.provider_payment_id.as_deref(), Some("pi_1"));
        assert_eq!(read.payment_method.as_deref(), Some("upi"));
        assert_eq!(read.order_asks, Some(499_900));
    }

    #[test]
    fn what_the_session_says_comes_before_what_the_intent_says_and_an_unpaid_one_says_nothing() {
        let reference = Uuid::from_u128(9);
        let mut session = json!({"id": "cs_1", "object": "checkout.session", "payment_status": "paid", "amount_total": 499_900,
            "currency": "inr", "client_reference_id": reference, "metadata": {"courseId": Uuid::from_u128(5), "timeSlot": ""}});
        let as_map = |session: &Value| session.as_object().unwrap().clone();
        let read = paid(&listed(names()), Some(&as_map(&session)));
        assert_eq!(read.course_id.0, Uuid::from_u128(5));
        assert_eq!(read.student_id.0, Uuid::from_u128(3));
        assert_eq!(read.order_id.as_deref(), Some("cs_1"));
        assert_eq!(read.hinted_id.map(|id| id.0), Some(reference));
        assert_eq!(read.provider_payment_id.as_deref(), Some("pi_1"));
        session["payment_status"] = json!("unpaid");
        assert_eq!(
            paid(&listed(names()), Some(&as_map(&session))).course_id.0,
            Uuid::from_u128(4)
        );
    }

    #[test]
    fn all_of_it_is_back_when_the_charge_says_so() {
        for (refunded, is_back) in [(0, false), (499_899, false), (499_900, true)] {
            let mut listed = listed(names());
            listed["latest_charge"]["amount_refunded"] = json!(refunded);
            assert_eq!(paid(&listed, None).is_given_back, is_back, "{refunded}");
        }
    }

    #[test]
    fn a_charge_without_an_intent_is_a_persons_where_it_names_something_of_ours() {
        let charge = |said: Value| {
            let charge =
                json!({"id": "ch_1", "object": "charge", "amount": 1, "currency": "inr", "metadata": said});
            charge.as_object().unwrap().clone()
        };
        let refused = read_listed(&charge(names()), None, NOW).unwrap_err();
        assert_eq!(refused.refusal.field(), Some("data.object.payment_intent"));
        assert_eq!(refused.stranded.unwrap().subject, "ch_1");
        let other = read_listed(&charge(json!({})), None, NOW);
        assert!(matches!(other, Ok(Webhook::Unnamed(unnamed)) if unnamed.refusal.is_none()));
    }
}
