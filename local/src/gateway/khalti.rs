//! Khalti's server side: `initiate` and `lookup`.

use super::behaviour::{Turn, act};
use super::gateways::Gateways;
use super::payment::{Payment, PaymentState, Side};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset, TimeDelta};
use makegood::clock::Clock;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Khalti opens nothing below ten rupees.
const LEAST_AMOUNT_MINOR: i64 = 1_000;
/// Khalti tells the time in Nepal's: 5:45 hours east of Greenwich.
const NEPAL_SECONDS_EAST: i32 = 20_700;

#[derive(Debug, Deserialize)]
pub(super) struct Initiate {
    return_url: Option<String>,
    website_url: Option<String>,
    amount: Option<i64>,
    purchase_order_id: Option<String>,
    purchase_order_name: Option<String>,
}

/// `POST /api/v2/epayment/initiate/`.
pub(super) async fn initiate(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Json(request): Json<Initiate>,
) -> Response {
    let order = request.purchase_order_id.clone().unwrap_or_default();
    match act(gateways.hear(&order).await).await {
        Ok(Turn::Unavailable) => return unavailable(),
        Ok(Turn::Refused) => return unauthorized(),
        Ok(Turn::Right | Turn::As(_) | Turn::OnePaisaMore) => {}
        Err(fault) => return fault,
    }
    if !has_key(&gateways, &headers) {
        return unauthorized();
    }
    if let Some((field, problem)) = request.problem() {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({field: [problem], "error_key": "validation_error"})),
        )
            .into_response();
    }
    let link = gateways.lock().khalti_link;
    let payment = request.into_payment();
    let answer = json!({
        "pidx": payment.id,
        "payment_url": format!("{}/pay/{}", gateways.base_url, payment.id),
        "expires_at": nepal_time(link),
        "expires_in": link.num_seconds(),
    });
    gateways.lock().payments.insert(payment.id.clone(), payment);
    Json(answer).into_response()
}

impl Initiate {
    fn problem(&self) -> Option<(&'static str, &'static str)> {
        let texts = [
            ("return_url", &self.return_url),
            ("website_url", &self.website_url),
            ("purchase_order_id", &self.purchase_order_id),
            ("purchase_order_name", &self.purchase_order_name),
        ];
        let empty = texts
            .into_iter()
            .find(|(_, text)| text.as_ref().is_none_or(String::is_empty));
        match (empty, self.amount) {
            (Some((field, _)), _) => Some((field, "This field may not be blank.")),
            (None, Some(amount)) if amount >= LEAST_AMOUNT_MINOR => None,
            (None, _) => Some((
                "amount",
                "Amount should be greater than Rs. 10, that is 1000 paisa.",
            )),
        }
    }

    fn into_payment(self) -> Payment {
        let return_url = self.return_url.unwrap_or_default();
        Payment {
            id: Uuid::new_v4().simple().to_string().split_off(10),
            side: Side::Khalti,
            amount_minor: self.amount.unwrap_or_default(),
            state: PaymentState::Initiated,
            reference: None,
            purchase_order_id: self.purchase_order_id.unwrap_or_default(),
            success_url: return_url.clone(),
            failure_url: return_url,
        }
    }
}

fn nepal_time(from_now: TimeDelta) -> Option<String> {
    let zone = FixedOffset::east_opt(NEPAL_SECONDS_EAST)?;
    let end: DateTime<FixedOffset> = (Clock::System.now() + from_now).with_timezone(&zone);
    Some(end.to_rfc3339())
}

#[derive(Debug, Deserialize)]
pub(super) struct Lookup {
    pidx: String,
}

/// `POST /api/v2/epayment/lookup/`.
pub(super) async fn lookup(
    State(gateways): State<Arc<Gateways>>,
    headers: HeaderMap,
    Json(question): Json<Lookup>,
) -> Response {
    let turn = match act(gateways.hear(&question.pidx).await).await {
        Ok(Turn::Unavailable) => return unavailable(),
        Ok(Turn::Refused) => return unauthorized(),
        Ok(turn) => turn,
        Err(fault) => return fault,
    };
    if !has_key(&gateways, &headers) {
        return unauthorized();
    }
    let known = gateways
        .payment(&question.pidx)
        .filter(|payment| payment.side == Side::Khalti);
    let Some(mut payment) = known else {
        let body = json!({"detail": "Not found.", "error_key": "validation_error"});
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    };
    match turn {
        Turn::As(state) => payment.move_to(state),
        Turn::OnePaisaMore => {
            payment.move_to(PaymentState::Completed);
            payment.amount_minor += 1;
        }
        Turn::Right | Turn::Unavailable | Turn::Refused => {}
    }
    (http_status(payment.state), Json(answer(&payment))).into_response()
}

fn answer(payment: &Payment) -> Value {
    json!({
        "pidx": payment.id,
        "total_amount": payment.amount_minor,
        "status": wire_name(payment.state),
        "transaction_id": payment.reference,
        "fee": 0,
        "refunded": matches!(payment.state, PaymentState::Refunded | PaymentState::PartiallyRefunded),
    })
}

pub(super) const fn wire_name(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Initiated => "Initiated",
        PaymentState::Pending | PaymentState::Ambiguous => "Pending",
        PaymentState::Completed => "Completed",
        PaymentState::Cancelled => "User canceled",
        PaymentState::Expired => "Expired",
        PaymentState::Refunded => "Refunded",
        PaymentState::PartiallyRefunded => "Partially refunded",
    }
}

/// As Khalti documents it: 400 for these two, although they are answers.
const fn http_status(state: PaymentState) -> StatusCode {
    match state {
        PaymentState::Cancelled | PaymentState::Expired => StatusCode::BAD_REQUEST,
        PaymentState::Initiated
        | PaymentState::Pending
        | PaymentState::Ambiguous
        | PaymentState::Completed
        | PaymentState::Refunded
        | PaymentState::PartiallyRefunded => StatusCode::OK,
    }
}

fn has_key(gateways: &Gateways, headers: &HeaderMap) -> bool {
    let wanted = format!("Key {}", gateways.credentials.khalti_secret);
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|header| header.as_bytes() == wanted.as_bytes())
}

fn unauthorized() -> Response {
    (
        StatusCode::UNAUTHORIZED,
        Json(json!({"detail": "Invalid token.", "status_code": 401})),
    )
        .into_response()
}

fn unavailable() -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Json(json!({"detail": "Service unavailable."})),
    )
        .into_response()
}
