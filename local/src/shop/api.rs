//! The deployed API as the shop's page calls it, with the buyer's token.

use anyhow::{Context, Result};
use makegood::gateway::Provider;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The API of the shop.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) base: String,
    pub(super) http: Client,
}

/// An answer.
pub(super) type Answer = (u16, Value);

impl Api {
    /// `POST /order-intents`.
    pub(super) async fn check_out(
        &self,
        token: Option<&str>,
        provider: Provider,
        key: &str,
    ) -> Result<Answer> {
        let body = json!({"payment_method": provider.wire_name(), "shipping_address": {
            "name": "A Buyer", "phone": "9800000000", "address_line1": "Durbar Marg 1", "city": "Kathmandu",
            "state": "Bagmati", "country": "NP"}});
        let request = self.http.post(format!("{}/order-intents", self.base));
        let request = request.header("Idempotency-Key", key).json(&body);
        send(with(request, token)).await
    }

    /// `POST /payments/verify`, with what the buyer brought home in the address.
    pub(super) async fn verify(&self, brought: &BTreeMap<String, String>) -> Result<Answer> {
        let request = self.http.post(format!("{}/payments/verify", self.base));
        send(request.json(&question(brought))).await
    }

    /// `GET /orders/status`, held until the order is there or this many seconds are over.
    pub(super) async fn status(&self, token: Option<&str>, intent: &str, wait: u8) -> Result<Answer> {
        let url = format!(
            "{}/orders/status?payment_intent_id={intent}&wait={wait}",
            self.base
        );
        send(with(self.http.get(url), token)).await
    }
}

/// What the shop's page asks after a buyer came back with this in the address.
fn question(brought: &BTreeMap<String, String>) -> Value {
    match (brought.get("data"), brought.get("pidx")) {
        (Some(data), _) => json!({"provider": "esewa", "data": data}),
        (None, Some(pidx)) => json!({"provider": "khalti", "pidx": pidx}),
        (None, None) => json!({"provider": "esewa", "transaction_uuid": brought.get("transaction_uuid")}),
    }
}

fn with(request: RequestBuilder, token: Option<&str>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

async fn send(request: RequestBuilder) -> Result<Answer> {
    let answer = request
        .send()
        .await
        .context("the API does not answer; see local/stack/status.sh")?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}
