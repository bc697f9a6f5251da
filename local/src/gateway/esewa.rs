//! eSewa's server side: signatures, the callback, and the status endpoint.

use super::behaviour::{Turn, act};
use super::gateways::{Credentials, Gateways};
use super::payment::{AmountStyle, Payment, PaymentState, Side, paisa, rupees};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use std::sync::Arc;

const CALLBACK_SIGNED: &str =
    "transaction_code,status,total_amount,transaction_uuid,product_code,signed_field_names";

/// Base64 of HMAC-SHA256.
pub(super) fn sign(credentials: &Credentials, message: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(credentials.esewa_secret.as_bytes()) else {
        return String::new();
    };
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The `data` that goes with the buyer: signed over the amount as it is written.
pub(super) fn callback(credentials: &Credentials, payment: &Payment, style: AmountStyle) -> String {
    let (code, status) = (
        payment.reference.as_deref().unwrap_or("0000000"),
        wire_name(payment.state),
    );
    let (id, product) = (payment.id.as_str(), credentials.esewa_product_code.as_str());
    let message = format!(
        "transaction_code={code},status={status},total_amount={},transaction_uuid={id},product_code={product},\
         signed_field_names={CALLBACK_SIGNED}",
        style.signed(payment.amount_minor)
    );
    // Written by hand: eSewa's amount is a literal that no serializer writes.
    STANDARD.encode(format!(
        "{{\"transaction_code\":\"{code}\",\"status\":\"{status}\",\"total_amount\":{},\"transaction_uuid\":\"{id}\",\
         \"product_code\":\"{product}\",\"signed_field_names\":\"{CALLBACK_SIGNED}\",\"signature\":\"{}\"}}",
        style.written(payment.amount_minor),
        sign(credentials, &message)
    ))
}

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

const fn wire_name(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Initiated | PaymentState::Pending => "PENDING",
        PaymentState::Ambiguous => "AMBIGUOUS",
        PaymentState::Completed => "COMPLETE",
        PaymentState::Cancelled => "CANCELED",
        PaymentState::Expired => "NOT_FOUND",
        PaymentState::Refunded => "FULL_REFUND",
        PaymentState::PartiallyRefunded => "PARTIAL_REFUND",
    }
}

fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, json!({"error_message": message}).to_string()).into_response()
}
