//! A buyer with a browser: checks out, pays at the gateway, comes back or closes the tab, and looks for the order.

use super::{Outside, pause};
use crate::environments::{ApiAnswer, Request};
use crate::plan::PlannedCheckout;
use makegood::gateway::Provider;
use makegood_local::gateway::Side;
use serde_json::{Value, json};
use std::time::Duration;

/// No buyer waits longer than this for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// A buyer who can't check out so often goes away; nothing is paid yet.
const CHECKOUT_TRIES: u32 = 12;
/// A buyer who has paid asks so often whether it was seen, then closes the tab.
const VERIFY_TRIES: u32 = 12;
/// And looks so often for the order.
const STATUS_TRIES: u32 = 20;

/// From the checkout to the order, or as far as this buyer comes.
pub async fn buy(outside: &Outside, place: usize) {
    let Some(checkout) = outside.plan.checkouts.get(place) else {
        return;
    };
    let Some(external) = check_out(outside, place, checkout).await else {
        return;
    };
    if !checkout.pays || outside.gateways.pay(&external).is_err() {
        return;
    }
    outside
        .ledger
        .note_checkout(place, |record| record.is_paid = true);
    if checkout.closes_tab {
        return;
    }
    be_verified(outside, checkout, &external).await;
    for tries in 0..STATUS_TRIES {
        if ask_for_order(outside, place).await {
            return;
        }
        tokio::time::sleep(pause(tries)).await;
    }
}

/// What the gateway knows the payment by; none when there will be none.
async fn check_out(outside: &Outside, place: usize, checkout: &PlannedCheckout) -> Option<String> {
    let request = checkout_request(checkout);
    for tries in 0..CHECKOUT_TRIES {
        let answer = outside.create_order_intent.call(&request, PATIENCE).await;
        if let Some(ApiAnswer { status, body }) = answer {
            outside.ledger.note_answer("create-order-intent", status);
            match status {
                200 => return opened(outside, place, checkout, &body),
                400..=499 => {
                    let code = body["error"]["code"].as_str().unwrap_or("refused").to_owned();
                    outside
                        .ledger
                        .note_checkout(place, |record| record.refusal = Some(code));
                    return None;
                }
                _ => {}
            }
        }
        if outside.is_over() {
            return None;
        }
        tokio::time::sleep(pause(tries)).await;
    }
    None
}

/// The buyer opens the gateway's page.
fn opened(outside: &Outside, place: usize, checkout: &PlannedCheckout, body: &Value) -> Option<String> {
    let intent = body["payment_intent_id"].as_str()?.to_owned();
    let external = match checkout.provider {
        Provider::Esewa => {
            let id = body["form_fields"]["transaction_uuid"].as_str()?.to_owned();
            outside
                .gateways
                .put(Side::Esewa, &id, body["amount_cents"].as_i64()?);
            id
        }
        Provider::Khalti => body["payment_url"].as_str()?.rsplit('/').next()?.to_owned(),
    };
    outside.ledger.note_checkout(place, |record| {
        record.intent = Some(intent);
        record.external = Some(external.clone());
    });
    Some(external)
}

fn checkout_request(checkout: &PlannedCheckout) -> Request {
    let body = json!({"payment_method": checkout.provider.wire_name(), "shipping_address": {
        "name": "A Buyer", "phone": "9800000000", "address_line1": "Durbar Marg 1", "city": "Kathmandu",
        "state": "Bagmati", "country": "NP"}});
    Request {
        method: "POST",
        path: "/order-intents",
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", format!("cart-{}", checkout.user.simple())),
        ],
        body: body.to_string(),
        subject: Some(checkout.user.to_string()),
        ..Request::default()
    }
}

/// The shop's page asks until the payment is decided, or the buyer leaves and closes the tab.
async fn be_verified(outside: &Outside, checkout: &PlannedCheckout, external: &str) {
    let body = match checkout.provider {
        Provider::Esewa => json!({"provider": "esewa", "transaction_uuid": external}),
        Provider::Khalti => json!({"provider": "khalti", "pidx": external}),
    };
    let request = Request {
        method: "POST",
        path: "/payments/verify",
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
        ..Request::default()
    };
    for tries in 0..VERIFY_TRIES {
        let answer = outside.verify_payment.call(&request, PATIENCE).await;
        if let Some(ApiAnswer { status, body }) = answer {
            outside.ledger.note_answer("verify-payment", status);
            if status == 200 && body["status"] != "pending" {
                return;
            }
        }
        tokio::time::sleep(pause(tries)).await;
    }
}

/// Asks `order-status` as the page does; whether it showed the order. What it shows is written down: it must never show another.
async fn ask_for_order(outside: &Outside, place: usize) -> bool {
    let intent = outside.ledger.checkout(place).and_then(|record| record.intent);
    let (Some(intent), Some(checkout)) = (intent, outside.plan.checkouts.get(place)) else {
        return false;
    };
    let request = Request {
        method: "GET",
        path: "/orders/status",
        query: format!("payment_intent_id={intent}&wait=1"),
        subject: Some(checkout.user.to_string()),
        ..Request::default()
    };
    let Some(answer) = outside.order_status.call(&request, PATIENCE).await else {
        return false;
    };
    outside.ledger.note_answer("order-status", answer.status);
    let Some(number) = answer.body["order_number"].as_str() else {
        return false;
    };
    outside.ledger.note_checkout(place, |record| {
        record.shown.insert(number.to_owned());
    });
    true
}

/// The page of everybody who paid is opened once more; what it shows is written down.
pub async fn ask_again_for_orders(outside: &Outside) {
    for (place, record) in outside.ledger.checkouts().iter().enumerate() {
        if record.is_paid {
            ask_for_order(outside, place).await;
        }
    }
}
