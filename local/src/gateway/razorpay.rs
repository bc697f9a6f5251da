//! Razorpay's orders: a merchant's server makes one with its amount and notes, and asks for it again.

use super::behaviour::{Turn, act};
use super::gateways::Gateways;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug, Deserialize)]
pub(super) struct NewOrder {
    amount: i64,
    currency: String,
    #[serde(default)]
    notes: Value,
}

/// `POST /v1/orders`.
pub(super) async fn create(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Json(order): Json<NewOrder>,
) -> Response {
    if !has_key(&gateways, &headers) {
        return unauthorized();
    }
    Json(gateways.put_order(order.amount, &order.currency, order.notes)).into_response()
}

/// `GET /v1/orders/{id}`.
pub(super) async fn fetch(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match act(gateways.hear(&id).await).await {
        Ok(Turn::Unavailable) => return refusal(StatusCode::BAD_GATEWAY, "We are facing some trouble"),
        Ok(Turn::Refused) => return unauthorized(),
        Ok(Turn::Right | Turn::As(_) | Turn::OnePaisaMore) => {}
        Err(fault) => return fault,
    }
    if !has_key(&gateways, &headers) {
        return unauthorized();
    }
    match gateways.order(&id) {
        Some(order) => Json(order).into_response(),
        None => refusal(StatusCode::BAD_REQUEST, "The id provided does not exist"),
    }
}

impl Gateways {
    /// An order as a merchant's server makes one; gives back what Razorpay answers. Notes that are none are an empty list.
    pub fn put_order(&self, amount_minor: i64, currency: &str, notes: Value) -> Value {
        let id = format!("order_{}", &Uuid::new_v4().simple().to_string()[..14]);
        let has_notes = notes.as_object().is_some_and(|notes| !notes.is_empty());
        let notes = if has_notes { notes } else { json!([]) };
        let order = json!({"id": id, "entity": "order", "amount": amount_minor, "amount_paid": 0, "amount_due": amount_minor,
                           "currency": currency, "receipt": null, "status": "created", "attempts": 0, "notes": notes});
        self.lock().orders.insert(id, order.clone());
        order
    }

    /// Calls an order paid, as Razorpay does once the payment is captured; with an offer `paid_minor` is less than its amount.
    pub fn pay_order(&self, id: &str, paid_minor: i64) {
        if let Some(order) = self.lock().orders.get_mut(id) {
            order["status"] = json!("paid");
            order["amount_paid"] = json!(paid_minor);
        }
    }

    fn order(&self, id: &str) -> Option<Value> {
        self.lock().orders.get(id).cloned()
    }
}

pub(super) fn has_key(gateways: &Gateways, headers: &HeaderMap) -> bool {
    let wanted = format!(
        "Basic {}",
        STANDARD.encode(&gateways.credentials.razorpay_api_secret)
    );
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|header| header.as_bytes() == wanted.as_bytes())
}

pub(super) fn unauthorized() -> Response {
    refusal(StatusCode::UNAUTHORIZED, "Authentication failed")
}

pub(super) fn refusal(status: StatusCode, description: &str) -> Response {
    let body = json!({"error": {"code": "BAD_REQUEST_ERROR", "description": description}});
    (status, Json(body)).into_response()
}
