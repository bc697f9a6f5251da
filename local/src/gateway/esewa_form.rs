//! eSewa's form endpoint, where the buyer's browser arrives: checks everything, then shows the page.

use super::esewa_callback::sign;
use super::gateways::Gateways;
use super::page;
use super::payment::{Payment, PaymentState, Side, paisa};
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::collections::BTreeMap;
use std::sync::Arc;

type Fields = BTreeMap<String, String>;

/// What must be there and signed, in this order.
const SIGNED: &str = "total_amount,transaction_uuid,product_code";

/// `POST /api/epay/main/v2/form`.
pub(super) async fn open(State(gateways): State<Arc<Gateways>>, Form(fields): Form<Fields>) -> Response {
    let payment = match read(&gateways, &fields) {
        Ok(payment) => payment,
        Err(problem) => return page::refusal(StatusCode::BAD_REQUEST, &problem),
    };
    let address = format!("/pay/{}", payment.id);
    let known = {
        let mut state = gateways.lock();
        state
            .payments
            .entry(payment.id.clone())
            .or_insert_with(|| payment.clone())
            .clone()
    };
    if known.is_open() && known.amount_minor == payment.amount_minor {
        Redirect::to(&address).into_response()
    } else {
        page::refusal(
            StatusCode::CONFLICT,
            "This transaction_uuid has been used before.",
        )
    }
}

fn read(gateways: &Gateways, fields: &Fields) -> Result<Payment, String> {
    let field = |name: &str| {
        let value = fields.get(name).filter(|value| !value.is_empty());
        value.cloned().ok_or_else(|| format!("{name} is missing."))
    };
    let amount =
        |name: &str| field(name).and_then(|text| paisa(&text).ok_or_else(|| format!("{name} is no amount.")));
    let total = amount("total_amount")?;
    let parts = [
        "amount",
        "tax_amount",
        "product_service_charge",
        "product_delivery_charge",
    ];
    let sum = parts.into_iter().try_fold(0_i64, |sum, name| {
        Ok::<_, String>(sum.saturating_add(amount(name)?))
    })?;
    if sum != total || total == 0 {
        return Err("total_amount is not the sum of its parts.".to_owned());
    }
    let id = field("transaction_uuid")?;
    if !id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err("transaction_uuid may hold letters, digits and hyphens only.".to_owned());
    }
    check_signature(gateways, &field)?;
    Ok(Payment {
        id,
        side: Side::Esewa,
        amount_minor: total,
        state: PaymentState::Initiated,
        reference: None,
        purchase_order_id: String::new(),
        success_url: field("success_url")?,
        failure_url: field("failure_url")?,
    })
}

fn check_signature(
    gateways: &Gateways,
    field: &impl Fn(&str) -> Result<String, String>,
) -> Result<(), String> {
    if field("product_code")? != gateways.credentials.esewa_product_code {
        return Err("product_code is no merchant here.".to_owned());
    }
    if field("signed_field_names")? != SIGNED {
        return Err(format!("signed_field_names must be {SIGNED}."));
    }
    let pairs: Result<Vec<String>, String> = SIGNED
        .split(',')
        .map(|name| Ok(format!("{name}={}", field(name)?)))
        .collect();
    if field("signature")? == sign(&gateways.credentials, &pairs?.join(",")) {
        Ok(())
    } else {
        Err("The signature does not match.".to_owned())
    }
}
