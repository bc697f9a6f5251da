//! What the buyer's open intents of a cart mean for a checkout of it: the same again, in place of them, or not now. Pure.

use crate::cart::{Item, Snapshot};
use crate::request::{CheckoutRequest, Intent};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// An intent of the cart that is pending or processing, under the lock of its row.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenIntent {
    /// The intent.
    pub intent: Intent,
    /// The column `items`.
    pub items: Value,
    /// The column `shipping_address`.
    pub shipping_address: Option<Value>,
    /// The gateway called it paid.
    pub is_paid: bool,
    /// A person was asked about it.
    pub has_case: bool,
}

/// What is to be done about a checkout.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// The cart is paid, and its order is being made.
    Wait(Intent),
    /// This one again; it takes the place of others, if there are any.
    Same(Intent, Vec<String>),
    /// A new one, which takes the place of these, if there are any.
    Replace(Vec<Intent>),
}

/// The provider, the address and the items that are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The provider, as its column has it.
    pub provider: &'a str,
    /// Where the goods go, as its column has it.
    pub shipping_address: &'a Value,
    /// The cart at today's prices.
    pub snapshot: &'a Snapshot,
}

/// One line of what is bought, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Bought {
    variant_id: Uuid,
    quantity: i32,
    unit_price_cents: i64,
}

/// Decides, the newest intent first. One that is paid and that a person was asked about stands in no other's way.
#[must_use]
pub fn plan(mut open: Vec<OpenIntent>, wanted: Wanted<'_>, now: DateTime<Utc>) -> Plan {
    if let Some(paid) = open.iter().position(|open| open.is_paid && !open.has_case) {
        return Plan::Wait(open.swap_remove(paid).intent);
    }
    open.retain(|open| !open.is_paid);
    let same = open
        .iter()
        .rposition(|open| open.intent.link_lives(now) && wanted.is_same(open));
    let same = same.map(|place| open.remove(place).intent);
    match same {
        Some(same) => Plan::Same(same, open.into_iter().map(|open| open.intent.id).collect()),
        None => Plan::Replace(open.into_iter().map(|open| open.intent).collect()),
    }
}

impl Wanted<'_> {
    fn is_same(&self, open: &OpenIntent) -> bool {
        let lines: Vec<Bought> = self.snapshot.items.iter().map(bought).collect();
        open.intent.provider == self.provider
            && open.intent.amount_minor == self.snapshot.amount_minor
            && open.shipping_address.as_ref() == Some(self.shipping_address)
            && read(&open.items) == Some(sorted(lines))
    }
}

fn bought(item: &Item) -> Bought {
    Bought {
        variant_id: item.variant_id,
        quantity: item.quantity,
        unit_price_cents: item.unit_price_minor,
    }
}

fn read(items: &Value) -> Option<Vec<Bought>> {
    serde_json::from_value(items.clone()).ok().map(sorted)
}

/// A cart whose lines were put in again in another order is the same cart.
fn sorted(mut lines: Vec<Bought>) -> Vec<Bought> {
    lines.sort();
    lines
}

/// What a new intent keeps of those in whose place it is: the first intent of the checkout.
#[must_use]
pub fn checkout_of(replaced: &[Intent]) -> Option<&str> {
    let first = replaced.first()?;
    Some(first.checkout.as_deref().unwrap_or(&first.id))
}

/// The column `metadata` of a new intent.
#[must_use]
pub(crate) fn metadata(intent: &Intent, requested: &CheckoutRequest) -> Value {
    let mut metadata = json!({"fingerprint": intent.fingerprint});
    if let Some(client) = &requested.client {
        metadata["client"] = json!(client);
    }
    if let Some(subject) = &requested.subject {
        metadata["subject"] = json!(subject);
    }
    if let Some(checkout) = &intent.checkout {
        metadata["checkout"] = json!(checkout);
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(variant: u128, quantity: i32, price: i64) -> Item {
        Item {
            variant_id: Uuid::from_u128(variant),
            product_id: Uuid::from_u128(100),
            vendor_id: Uuid::from_u128(200),
            sku: format!("SKU-{variant}"),
            name: "Cup".to_owned(),
            quantity,
            unit_price_minor: price,
        }
    }

    fn snapshot(items: Vec<Item>) -> Snapshot {
        let amount_minor = items
            .iter()
            .map(|item| item.unit_price_minor * i64::from(item.quantity))
            .sum();
        Snapshot { items, amount_minor }
    }

    fn open(id: &str, of: &Snapshot) -> OpenIntent {
        OpenIntent {
            intent: Intent {
                id: id.to_owned(),
                provider: "esewa".to_owned(),
                amount_minor: of.amount_minor,
                status: "pending".to_owned(),
                payment_url: None,
                form_fields: None,
                expires_at: Some("2026-01-09T12:35:00Z".parse().unwrap()),
                fingerprint: None,
                checkout: None,
                replaced_by: None,
            },
            items: json!(of.items),
            shipping_address: Some(json!({"city": "Kathmandu"})),
            is_paid: false,
            has_case: false,
        }
    }

    /// What the plan is for this cart, in a word and the ids.
    fn planned(open: Vec<OpenIntent>, provider: &str, city: &str, of: &Snapshot, minute: i64) -> String {
        let now: DateTime<Utc> = "2026-01-09T12:00:00Z".parse().unwrap();
        let wanted = Wanted {
            provider,
            shipping_address: &json!({"city": city}),
            snapshot: of,
        };
        match plan(open, wanted, now + chrono::TimeDelta::minutes(minute)) {
            Plan::Wait(intent) => format!("wait {}", intent.id),
            Plan::Same(intent, others) => format!("same {} {}", intent.id, others.join(" ")),
            Plan::Replace(intents) => {
                let ids: Vec<String> = intents.into_iter().map(|intent| intent.id).collect();
                format!("replace {}", ids.join(" "))
            }
        }
    }

    #[test]
    fn the_same_lines_gateway_and_address_are_the_same_checkout_and_anything_else_replaces_it() {
        let cart = snapshot(vec![item(1, 2, 100), item(2, 1, 50)]);
        let same = |provider: &str, city: &str, of: &Snapshot, minute| {
            planned(vec![open("a", &cart)], provider, city, of, minute)
        };
        let turned = snapshot(vec![item(2, 1, 50), item(1, 2, 100)]);
        assert_eq!(same("esewa", "Kathmandu", &turned, 28), "same a ");
        // Other pieces for the same sum, another price, another gateway, another address, a link that is gone.
        let others = snapshot(vec![item(1, 1, 200), item(2, 1, 50)]);
        let dearer = snapshot(vec![item(1, 2, 101), item(2, 1, 50)]);
        assert_eq!(same("esewa", "Kathmandu", &others, 0), "replace a");
        assert_eq!(same("esewa", "Kathmandu", &dearer, 0), "replace a");
        assert_eq!(same("khalti", "Kathmandu", &cart, 0), "replace a");
        assert_eq!(same("esewa", "Pokhara", &cart, 0), "replace a");
        assert_eq!(same("esewa", "Kathmandu", &cart, 29), "replace a");
    }

    #[test]
    fn a_cart_that_is_paid_waits_for_its_order_unless_a_person_was_asked_about_it() {
        let cart = snapshot(vec![item(1, 1, 100)]);
        let paid = |has_case| OpenIntent {
            is_paid: true,
            has_case,
            ..open("paid", &cart)
        };
        let waiting = vec![open("a", &cart), paid(false)];
        assert_eq!(planned(waiting, "esewa", "Kathmandu", &cart, 0), "wait paid");
        let held = vec![paid(true)];
        assert_eq!(planned(held, "esewa", "Kathmandu", &cart, 0), "replace ");
    }

    #[test]
    fn of_several_that_an_older_version_left_the_newest_stays() {
        let cart = snapshot(vec![item(1, 1, 100)]);
        let three = vec![open("a", &cart), open("b", &cart), open("c", &cart)];
        assert_eq!(planned(three, "esewa", "Kathmandu", &cart, 0), "same c a b");
    }

    #[test]
    fn a_checkout_is_known_by_its_first_intent() {
        let cart = snapshot(vec![item(1, 1, 100)]);
        let first = open("a", &cart).intent;
        let second = Intent {
            checkout: Some("a".to_owned()),
            ..open("b", &cart).intent
        };
        assert_eq!(checkout_of(&[]), None);
        assert_eq!(checkout_of(&[first]), Some("a"));
        assert_eq!(checkout_of(&[second]), Some("a"));
    }
}
