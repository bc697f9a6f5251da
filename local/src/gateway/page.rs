//! The page that a buyer sees at either gateway: pay, pay and close the tab, cancel, or walk away.

use super::gateways::Gateways;
use super::payment::{Payment, PaymentState, Side, rupees};
use super::{esewa_callback, khalti};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use reqwest::Url;
use serde::Deserialize;
use std::sync::Arc;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: light-dark(#1c2128, #e6e9ee); --soft: light-dark(#5b6572, #9aa4b2);
  --ground: light-dark(#f4f5f7, #14171c); --card: light-dark(#fff, #1d2129); --line: light-dark(#d9dde3, #333a45);
  --act: light-dark(#1b6e43, #2f9e66); }
* { box-sizing: border-box; } body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
main { width: 100%; max-width: 26rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; }
h1 { font-size: 1rem; margin: 0; color: var(--soft); font-weight: 500; } p { margin: .5rem 0; color: var(--soft); overflow-wrap: anywhere; }
.amount { font-size: 2rem; font-weight: 600; color: var(--ink); font-variant-numeric: tabular-nums; margin: .25rem 0; }
form { display: grid; gap: .5rem; margin-top: 1.25rem; } button { font: inherit; padding: .75rem; border-radius: .5rem; cursor: pointer;
  border: 1px solid var(--line); background: none; color: inherit; } button.pay { background: var(--act); border-color: var(--act); color: #fff; }
button:focus-visible { outline: 3px solid var(--soft); outline-offset: 2px; }";

/// What a buyer does on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Choice {
    Pay,
    PayAndClose,
    Cancel,
    Leave,
}

/// `GET /pay/{payment}`.
pub(super) async fn show(State(gateways): State<Arc<Gateways>>, Path(id): Path<String>) -> Response {
    match gateways.payment(&id) {
        None => refusal(StatusCode::NOT_FOUND, "There is no such payment."),
        Some(payment) => Html(document(&payment)).into_response(),
    }
}

/// `POST /pay/{payment}/{choice}`.
pub(super) async fn choose(
    State(gateways): State<Arc<Gateways>>,
    Path((id, choice)): Path<(String, Choice)>,
) -> Response {
    let Some(payment) = decide(&gateways, &id, choice) else {
        return refusal(StatusCode::CONFLICT, "This payment is not open.");
    };
    match choice {
        Choice::Pay => to_shop(&gateways, &payment, &payment.success_url),
        Choice::Cancel => to_shop(&gateways, &payment, &payment.failure_url),
        Choice::PayAndClose => message(
            StatusCode::OK,
            "Paid. The tab is closed: the shop hears nothing from the browser.",
        ),
        Choice::Leave => message(StatusCode::OK, "Gone, without paying or cancelling."),
    }
}

/// The payment after the choice; none when it is not known or not open.
fn decide(gateways: &Gateways, id: &str, choice: Choice) -> Option<Payment> {
    let mut state = gateways.lock();
    let payment = state.payments.get_mut(id).filter(|payment| payment.is_open())?;
    match choice {
        Choice::Pay | Choice::PayAndClose => payment.move_to(PaymentState::Completed),
        Choice::Cancel => payment.move_to(PaymentState::Cancelled),
        Choice::Leave => {}
    }
    Some(payment.clone())
}

/// Back to the shop, with what the gateway puts into the address.
fn to_shop(gateways: &Gateways, payment: &Payment, address: &str) -> Response {
    let Ok(mut url) = Url::parse(address) else {
        return message(StatusCode::OK, "Done. The shop gave no address to go back to.");
    };
    match (payment.side, payment.state) {
        (Side::Esewa, PaymentState::Completed) => {
            let data = esewa_callback::callback(&gateways.credentials, payment, gateways.lock().amount_style);
            url.query_pairs_mut().append_pair("data", &data);
        }
        (Side::Esewa, _) => {}
        (Side::Khalti, state) => {
            let (amount, reference) = (
                payment.amount_minor.to_string(),
                payment.reference.as_deref().unwrap_or_default(),
            );
            url.query_pairs_mut()
                .append_pair("pidx", &payment.id)
                .append_pair("transaction_id", reference)
                .append_pair("amount", &amount)
                .append_pair("total_amount", &amount)
                .append_pair("status", khalti::wire_name(state))
                .append_pair("purchase_order_id", &payment.purchase_order_id);
        }
    }
    Redirect::to(url.as_str()).into_response()
}

/// A page that says why it goes no further.
pub(super) fn refusal(status: StatusCode, problem: &str) -> Response {
    message(status, problem)
}

fn message(status: StatusCode, text: &str) -> Response {
    (
        status,
        Html(html(
            "Payment stub",
            &format!("<h1>Payment stub</h1><p>{}</p>", escape(text)),
        )),
    )
        .into_response()
}

fn document(payment: &Payment) -> String {
    let name = match payment.side {
        Side::Esewa => "eSewa",
        Side::Khalti => "Khalti",
    };
    let id = escape(&payment.id);
    let below = if payment.is_open() {
        format!(
            "<form method=post action=\"/pay/{id}/pay\"><button class=pay formaction=\"/pay/{id}/pay\">Pay</button>\
             <button formaction=\"/pay/{id}/pay-and-close\">Pay, then close the tab</button>\
             <button formaction=\"/pay/{id}/cancel\">Cancel</button>\
             <button formaction=\"/pay/{id}/leave\">Walk away</button></form>"
        )
    } else {
        format!("<p>{}</p>", khalti::wire_name(payment.state))
    };
    html(
        &format!("{name} stub"),
        &format!(
            "<h1>{name} stub · no money moves</h1><p class=amount>NPR {}</p><p>{id}</p>{below}",
            rupees(payment.amount_minor)
        ),
    )
}

fn html(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style><main>{body}</main></html>",
        escape(title)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
