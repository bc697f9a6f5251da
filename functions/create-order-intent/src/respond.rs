//! The answers. An error says what to do, and in which field.

use crate::cart::CartRefusal;
use crate::checkout::BadInput;
use crate::limits::{Holder, TooMuch};
use crate::price::PriceChanged;
use crate::request::Intent;
use crate::stage::Outcome;
use chrono::SecondsFormat;
use makegood::http::Answer;
use makegood::stock::Shortage;
use serde_json::{Value, json};
use uuid::Uuid;

/// What became of a request.
pub(crate) fn outcome(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Opened(intent) => Answer::of(200, opened(intent)),
        Outcome::Short(short) => self::short(short),
        Outcome::Refused(refusal) => refused(refusal),
        Outcome::PriceChanged(changed) => price_changed(changed),
        Outcome::TooMuch(too_much) => self::too_much(*too_much),
        Outcome::KeyReused => Answer::error(
            409,
            "idempotency_key_reused",
            Some("Idempotency-Key"),
            "this Idempotency-Key was used for another checkout; send a new one",
        ),
        Outcome::Ended(intent) => ended(intent),
        Outcome::BeingMade(intent) => being_made(intent),
        Outcome::GatewayFailed { .. } => Answer::error(
            502,
            "gateway_failed",
            None,
            "the payment could not be opened, and nothing is reserved; try again, or pay another way",
        ),
    }
}

/// 400 naming the field.
pub(crate) fn bad_input(bad: &BadInput) -> Answer {
    Answer::error(400, "invalid_request", bad.field(), &bad.to_string())
}

/// 400: the key is no key.
pub(crate) fn bad_key() -> Answer {
    let message = "Idempotency-Key must be 1 to 200 visible ASCII characters";
    Answer::error(400, "invalid_request", Some("Idempotency-Key"), message)
}

/// 503: send it again, with the same key.
pub(crate) fn unavailable() -> Answer {
    Answer::unavailable("the checkout can't be made now; send it again with the same Idempotency-Key")
}

/// Whoever sent a key is to send another; whoever sent none was overtaken by a newer checkout at this moment.
fn ended(intent: &Intent) -> Answer {
    let (message, replaced_by) = match &intent.replaced_by {
        Some(by) => (
            "a newer checkout took the place of this one; check out again, with a new Idempotency-Key"
                .to_owned(),
            Some(by),
        ),
        None if intent.status == "pending" => (
            "the time to pay this checkout is over; send a new Idempotency-Key to check out again".to_owned(),
            None,
        ),
        None if intent.status == "succeeded" => (
            "the checkout of this Idempotency-Key is paid, and its order is made; send a new key to check out again"
                .to_owned(),
            None,
        ),
        None => (
            format!(
                "the checkout of this Idempotency-Key is {}; send a new key to check out again",
                intent.status
            ),
            None,
        ),
    };
    let mut answer = Answer::error(409, "checkout_ended", Some("Idempotency-Key"), &message);
    answer.body["error"]["payment_intent_id"] = json!(intent.id);
    if let Some(by) = replaced_by {
        answer.body["error"]["replaced_by"] = json!(by);
    }
    answer
}

fn too_much(too_much: TooMuch) -> Answer {
    match too_much {
        TooMuch::Cart { most } => {
            let message = format!("a checkout may hold {most} pieces; take some out of the cart");
            let mut answer = Answer::error(409, "cart_too_large", Some("cart"), &message);
            answer.body["error"]["most"] = json!(most);
            answer
        }
        TooMuch::Open {
            holder,
            what,
            most,
            retry_after,
        } => {
            let (of, who) = match holder {
                Holder::Buyer => ("buyer", "you have"),
                Holder::Address => ("address", "the buyers at your address have"),
            };
            let message =
                format!("{who} too many {what} in checkouts that are not paid; pay one, or try again later");
            let seconds = u64::try_from(retry_after).unwrap_or(1);
            let mut answer = Answer::too_many("too_many_checkouts", &message, seconds);
            answer.body["error"]["limit"] = json!({"of": of, "what": what, "most": most});
            answer
        }
    }
}

/// The page asks `order-status` about the intent; a second payment would be for the same goods.
fn being_made(intent: &Intent) -> Answer {
    let message = "this cart is paid, or its gateway is still deciding; ask for its status, and check out again afterwards";
    let mut answer = Answer::error(409, "order_being_made", Some("cart"), message);
    answer.body["error"]["payment_intent_id"] = json!(intent.id);
    answer
}

fn short(short: &[Shortage]) -> Answer {
    let items = short.iter().map(|shortage| {
        json!({"variant_id": shortage.variant_id, "sku": shortage.sku, "wanted": shortage.wanted,
               "available": shortage.available})
    });
    let message = "there is not enough in stock; nothing was reserved";
    let answer = Answer::error(409, "insufficient_stock", None, message);
    with_items(answer, items.collect())
}

/// Both prices of each line, and both sums.
fn price_changed(changed: &PriceChanged) -> Answer {
    let items = changed.dearer.iter().map(|line| {
        json!({"variant_id": line.variant_id, "sku": line.sku, "quantity": line.quantity,
               "seen_price_cents": line.seen_minor, "price_cents": line.price_minor})
    });
    let message = "the cart costs more than the buyer was shown, and nothing was reserved; show error.amount_cents, and check \
                   out again with it as accepted_amount_cents";
    let answer = Answer::error(409, "price_changed", Some("cart"), message);
    let mut answer = with_items(answer, items.collect());
    answer.body["error"]["seen_amount_cents"] = json!(changed.seen_minor);
    answer.body["error"]["amount_cents"] = json!(changed.amount_minor);
    answer
}

fn refused(refusal: &CartRefusal) -> Answer {
    let message = refusal.to_string();
    match refusal {
        CartRefusal::Empty => Answer::error(400, "cart_empty", Some("cart"), &message),
        CartRefusal::Amount => Answer::error(400, "amount_not_payable", Some("cart"), &message),
        CartRefusal::NotForSale(gone) => {
            let answer = Answer::error(409, "not_for_sale", Some("cart"), &message);
            with_items(answer, gone.iter().map(gone_item).collect())
        }
    }
}

fn with_items(mut answer: Answer, items: Vec<Value>) -> Answer {
    answer.body["error"]["items"] = json!(items);
    answer
}

fn opened(intent: &Intent) -> Value {
    let mut body = json!({
        "success": true, "payment_intent_id": intent.id, "provider": intent.provider, "payment_url": intent.payment_url,
        "amount_cents": intent.amount_minor,
        "expires_at": intent.expires_at.map(|instant| instant.to_rfc3339_opts(SecondsFormat::Millis, true)),
    });
    if let Some(fields) = intent.form_fields.as_ref().filter(|fields| !fields.is_null()) {
        body["form_fields"] = fields.clone();
    }
    body
}

fn gone_item((variant_id, sku): &(Uuid, Option<String>)) -> Value {
    json!({"variant_id": variant_id, "sku": sku})
}
