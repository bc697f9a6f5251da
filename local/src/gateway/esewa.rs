//! eSewa's server side: the status endpoint.

use super::behaviour::{Turn, act};
use super::esewa_callback::wire_name;
use super::gateways::Gateways;
use super::payment::{PaymentState, Side, paisa, rupees};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Debug, Deserialize)]
pub(super) struct Question {
    product_code: String,
    total_amount: String,
    transaction_uuid: String,
}

/// `GET /api/epay/transaction/status/`. A payment is found by its id, its merchant and its amount.
pub(super) async fn status(
    State(gateways): State<Arc<Gateways>>,
    Query(question): Query<Question>,
) -> Response {
    let turn = match act(gateways.hear(&question.transaction_uuid).await).await {
        Ok(turn) => turn,
        Err(fault) => return fault,
    };
    let ours = question.product_code == gateways.credentials.esewa_product_code;
    let Some(asked) = paisa(&question.total_amount).filter(|_| ours) else {
        return refuse(StatusCode::BAD_REQUEST, "Invalid product code or amount");
    };
    let known = gateways
        .payment(&question.transaction_uuid)
        .filter(|payment| payment.side == Side::Esewa && payment.amount_minor == asked);
    let (state, amount_minor) = match turn {
        Turn::Right => (known.as_ref().map(|payment| payment.state), asked),
        Turn::As(state) => (Some(state), asked),
        Turn::OnePaisaMore => (Some(PaymentState::Completed), asked + 1),
        Turn::Unavailable => {
            return json_text(
                json!({"code": 0, "error_message": "Service is currently unavailable"}).to_string(),
            );
        }
        Turn::Refused => return refuse(StatusCode::UNAUTHORIZED, "Unauthorized"),
    };
    let reference = known.and_then(|payment| payment.reference);
    // By hand as well, for `100.0`.
    json_text(format!(
        "{{\"product_code\":{},\"transaction_uuid\":{},\"total_amount\":{},\"status\":\"{}\",\"ref_id\":{}}}",
        json!(question.product_code),
        json!(question.transaction_uuid),
        rupees(amount_minor),
        state.map_or("NOT_FOUND", wire_name),
        json!(reference)
    ))
}

fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, json!({"error_message": message}).to_string()).into_response()
}
