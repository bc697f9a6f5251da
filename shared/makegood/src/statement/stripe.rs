//! Entries of Stripe's lists. Amounts become minor units of ISO 4217, as its webhooks' do.

use super::entry::{created_at, id};
use super::{Entry, EntryKind, EntryState};
use crate::payment::Refusal;
use crate::payment::fields::Object;
use crate::payment::stripe::{charge_of, money};
use serde_json::{Map, Value};

const PAYMENT: &str = "payment";
const CHARGE: &str = "charge";
const CREATED: &str = "created";

impl Entry {
    /// Reads a payment of Stripe's list: a PaymentIntent with its charge in it, or a charge that was made without one. A state that is not
    /// known yet waits: it is asked for again.
    ///
    /// # Errors
    /// [`Refusal`] naming the field.
    pub fn read_stripe_payment(listed: &Map<String, Value>) -> Result<Self, Refusal> {
        let payment = Object::new(PAYMENT, listed);
        let nothing = Map::new();
        let charge = charge_of(listed);
        let charged = Object::new(CHARGE, charge.unwrap_or(&nothing));
        let state = state(&payment, charge.map(|_| &charged));
        let taken = ["amount_received", "amount_captured"];
        let taken = taken.into_iter().find(|field| payment.get(field).is_some());
        let taken = taken.filter(|_| state == EntryState::Moved);
        let (amount_minor, currency) = money(&payment, taken.unwrap_or("amount"))?;
        let (fee_minor, tax_minor) = fees(&charged, &currency);
        let id = id(&payment, "id")?;
        Ok(Self {
            kind: EntryKind::Payment,
            payment_id: id.clone(),
            id,
            amount_minor,
            currency,
            fee_minor,
            tax_minor,
            returned_minor: match charged.get("amount_refunded") {
                Some(_) => money(&charged, "amount_refunded")?.0,
                None => 0,
            },
            is_disputed: charged.get("disputed").and_then(Value::as_bool) == Some(true),
            state,
            occurred_at: created_at(if charge.is_some() { &charged } else { &payment }, CREATED)?,
        })
    }

    /// Reads a refund of Stripe's list.
    ///
    /// # Errors
    /// [`Refusal`] naming the field.
    pub fn read_stripe_refund(refund: &Map<String, Value>) -> Result<Self, Refusal> {
        let fields = Object::new("refund", refund);
        let (amount_minor, currency) = money(&fields, "amount")?;
        let pays = ["payment_intent", "charge"];
        let pays = pays.into_iter().find(|field| fields.get(field).is_some());
        Ok(Self {
            kind: EntryKind::Refund,
            id: id(&fields, "id")?,
            payment_id: id(&fields, pays.unwrap_or("payment_intent"))?,
            amount_minor,
            currency,
            fee_minor: None,
            tax_minor: None,
            returned_minor: 0,
            is_disputed: false,
            state: match refund.get("status").and_then(Value::as_str) {
                Some("succeeded") => EntryState::Moved,
                Some("failed" | "canceled") => EntryState::Failed,
                _ => EntryState::Waiting,
            },
            occurred_at: created_at(&fields, CREATED)?,
        })
    }
}

/// Of a PaymentIntent its own state decides. One that may be paid again, after an attempt that failed, has taken nothing.
fn state(payment: &Object<'_>, charge: Option<&Object<'_>>) -> EntryState {
    let is_uncaptured = payment.get("captured").and_then(Value::as_bool) == Some(false);
    let charged = charge.and_then(|charge| charge.get("status")?.as_str());
    match payment.get("status").and_then(Value::as_str) {
        Some("succeeded") if is_uncaptured => EntryState::Waiting,
        Some("succeeded") => EntryState::Moved,
        Some("canceled" | "failed") => EntryState::Failed,
        _ if charged == Some("failed") => EntryState::Failed,
        _ => EntryState::Waiting,
    }
}

/// What Stripe keeps of a charge, and the tax in it, where that is counted in the charge's own currency.
fn fees(charge: &Object<'_>, currency: &str) -> (Option<i64>, Option<i64>) {
    let booked = charge.get("balance_transaction").and_then(Value::as_object);
    let Some(booked) = booked.map(|booked| Object::new("balance_transaction", booked)) else {
        return (None, None);
    };
    let minor = |object: &Object<'_>, field: &str| {
        let (minor, of) = money(object, field).ok()?;
        (of == currency).then_some(minor)
    };
    let parts = booked.get("fee_details").and_then(Value::as_array);
    let taxes = parts
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(|part| part.get("type").and_then(Value::as_str) == Some("tax"));
    let taxes = taxes.map(|part| minor(&Object::new("fee_details", part), "amount"));
    let fee = minor(&booked, "fee");
    (fee, fee.and(taxes.sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listed() -> Value {
        let booked = json!({"id": "txn_1", "fee": 11_798, "net": 488_102, "currency": "inr",
            "fee_details": [{"type": "stripe_fee", "amount": 9_998, "currency": "inr"}, {"type": "tax", "amount": 1_800, "currency": "inr"}]});
        let charge = json!({"id": "ch_1", "object": "charge", "created": 1_767_268_860, "currency": "inr", "amount": 499_900,
            "amount_refunded": 100, "disputed": false, "status": "succeeded", "captured": true, "balance_transaction": booked});
        json!({"id": "pi_1", "object": "payment_intent", "amount": 500_000, "amount_received": 499_900, "currency": "inr",
            "status": "succeeded", "created": 1_767_268_800, "latest_charge": charge})
    }

    fn read(listed: &Value) -> Result<Entry, Refusal> {
        Entry::read_stripe_payment(listed.as_object().unwrap())
    }

    #[test]
    fn a_payment_is_known_by_its_intent_with_what_its_charge_says_of_the_money() {
        let entry = read(&listed()).unwrap();
        assert_eq!((entry.id.as_str(), entry.payment_id.as_str()), ("pi_1", "pi_1"));
        assert_eq!((entry.amount_minor, entry.currency.as_str()), (499_900, "INR"));
        assert_eq!((entry.fee_minor, entry.tax_minor), (Some(11_798), Some(1_800)));
        assert_eq!((entry.returned_minor, entry.is_disputed), (100, false));
        assert_eq!(entry.occurred_at.timestamp(), 1_767_268_860);
        // A fee in another currency is not this payment's.
        let mut other = listed();
        other["latest_charge"]["balance_transaction"]["currency"] = json!("usd");
        assert_eq!(read(&other).map(|entry| entry.fee_minor), Ok(None));
    }

    #[test]
    fn the_state_of_the_intent_says_whether_the_money_moved() {
        for (status, charged, state) in [
            ("succeeded", "succeeded", EntryState::Moved),
            ("requires_capture", "succeeded", EntryState::Waiting),
            ("processing", "pending", EntryState::Waiting),
            ("on_its_way", "succeeded", EntryState::Waiting),
            ("requires_payment_method", "failed", EntryState::Failed),
            ("canceled", "succeeded", EntryState::Failed),
        ] {
            let mut listed = listed();
            (listed["status"], listed["latest_charge"]["status"]) = (json!(status), json!(charged));
            assert_eq!(read(&listed).unwrap().state, state, "{status} {charged}");
        }
        for (is_captured, state) in [(true, EntryState::Moved), (false, EntryState::Waiting)] {
            let charge = json!({"id": "ch_1", "object": "charge", "created": 1, "currency": "inr", "amount": 1, "status": "succeeded",
                "captured": is_captured});
            assert_eq!(read(&charge).unwrap().state, state);
        }
    }

    #[test]
    fn an_amount_is_in_minor_units_of_iso_4217_and_a_field_that_decides_is_named() {
        let mut ariary = listed();
        for object in ["/currency", "/latest_charge/currency"] {
            *ariary.pointer_mut(object).unwrap() = json!("mga");
        }
        let entry = read(&ariary).unwrap();
        assert_eq!(
            (entry.amount_minor, entry.returned_minor, entry.fee_minor),
            (49_990_000, 10_000, None)
        );
        for (change, field) in [
            ("/id", "payment.id"),
            ("/amount_received", "payment.amount"),
            ("/currency", "payment.currency"),
            ("/latest_charge/created", "charge.created"),
            ("/latest_charge/amount_refunded", "charge.amount_refunded"),
        ] {
            let mut listed = listed();
            listed["amount"] = json!("free");
            let value = if change.ends_with("received") {
                Value::Null
            } else {
                json!([1])
            };
            *listed.pointer_mut(change).unwrap() = value;
            assert_eq!(read(&listed).unwrap_err().field(), Some(field), "{change}");
        }
    }

    #[test]
    fn a_refund_is_of_its_intent_or_of_the_charge_that_has_none() {
        let refund = |intent: Value, status: &str| {
            let refund = json!({"id": "re_1", "amount": 100, "currency": "inr", "status": status, "created": 1, "charge": "ch_1",
                "payment_intent": intent});
            Entry::read_stripe_refund(refund.as_object().unwrap()).unwrap()
        };
        assert_eq!(refund(json!("pi_1"), "succeeded").payment_id, "pi_1");
        assert_eq!(refund(Value::Null, "succeeded").payment_id, "ch_1");
        for (status, state) in [
            ("succeeded", EntryState::Moved),
            ("pending", EntryState::Waiting),
            ("requires_action", EntryState::Waiting),
            ("failed", EntryState::Failed),
            ("canceled", EntryState::Failed),
        ] {
            assert_eq!(refund(json!("pi_1"), status).state, state, "{status}");
        }
    }
}
