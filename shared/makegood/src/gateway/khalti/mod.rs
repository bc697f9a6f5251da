//! Khalti KPG-2: a payment is opened by `initiate` and asked for by `lookup`, both in paisa.

mod answer;

use super::http::{Http, Reply, below};
use super::{AskedPayment, Gateway, GatewayError, GatewayReply, OpenedPayment, PaymentRequest, Provider};
use crate::secret::Rotating;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;

/// How long a link lasts, as Khalti documents it. What counts is what it says when the link is made.
const LINK: TimeDelta = TimeDelta::minutes(60);

/// Khalti, for one merchant.
///
/// ```
/// use makegood::gateway::{Gateway, Khalti, Provider};
///
/// assert_eq!(Khalti::PROVIDER, Provider::Khalti);
/// ```
#[derive(Debug, Clone)]
pub struct Khalti {
    pub(super) http: Http,
    pub(super) base: Url,
    /// `Key …`, marked as sensitive.
    pub(super) authorization: Arc<Rotating<HeaderValue>>,
    pub(super) return_url: Url,
}

impl Khalti {
    /// The header of this key; none when it is empty or no header can carry it.
    pub(super) fn authorization(key: &str) -> Option<HeaderValue> {
        let key = key.trim();
        let mut header = HeaderValue::from_str(&format!("Key {key}"))
            .ok()
            .filter(|_| !key.is_empty())?;
        header.set_sensitive(true);
        Some(header)
    }

    /// With the newest key where Khalti refuses the one that is used.
    async fn post(&self, path: &str, body: &Value) -> Result<Reply, GatewayError> {
        let key = self.authorization.current();
        let reply = self.http.send(self.request(path, body, &key)).await?;
        if !reply.refuses_the_key() {
            return Ok(reply);
        }
        match self.authorization.renewed(&key).await {
            Some(key) => self.http.send(self.request(path, body, &key)).await,
            None => Ok(reply),
        }
    }

    fn request(&self, path: &str, body: &Value, key: &HeaderValue) -> reqwest::RequestBuilder {
        self.http
            .client
            .post(below(&self.base, path))
            .header(AUTHORIZATION, key.clone())
            .json(body)
    }
}

impl Gateway for Khalti {
    const PROVIDER: Provider = Provider::Khalti;

    fn link_lifetime(&self) -> TimeDelta {
        LINK
    }

    async fn open_payment(
        &self,
        request: &PaymentRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<OpenedPayment, GatewayError> {
        let body = json!({
            "return_url": self.return_url.as_str(),
            "website_url": self.return_url.origin().ascii_serialization(),
            "amount": request.amount_minor,
            "purchase_order_id": request.payment_intent_id,
            "purchase_order_name": request.payment_intent_id,
        });
        let reply = self.post("epayment/initiate/", &body).await?;
        answer::read_opened(&reply, now)
    }

    async fn ask(&self, payment: &AskedPayment<'_>) -> Result<GatewayReply, GatewayError> {
        let body = json!({ "pidx": payment.external_transaction_id });
        let reply = self.post("epayment/lookup/", &body).await?;
        answer::read_lookup(&reply, payment.external_transaction_id)
    }
}
