//! eSewa ePay v2: the buyer posts signed form fields; what became of it is asked at the status endpoint.

mod callback;
mod signature;
mod status;

pub use callback::{EsewaCallback, ForgedCallback};

use super::amount::rupees_of_paisa;
use super::http::{Http, below};
use super::{AskedPayment, Gateway, GatewayError, GatewayReply, OpenedPayment, PaymentRequest, Provider};
use crate::secret::Rotating;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use signature::SigningKey;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What eSewa signs and we sign in a form, in this order.
const FORM_SIGNED_FIELDS: &str = "total_amount,transaction_uuid,product_code";

/// eSewa, for one merchant.
///
/// ```
/// use makegood::gateway::{Esewa, Gateway, Provider};
///
/// assert_eq!(Esewa::PROVIDER, Provider::Esewa);
/// ```
#[derive(Debug, Clone)]
pub struct Esewa {
    pub(super) http: Http,
    pub(super) base: Url,
    pub(super) status_base: Url,
    pub(super) product_code: String,
    pub(super) key: Arc<Rotating<SigningKey>>,
    pub(super) link: TimeDelta,
    pub(super) return_url: Url,
}

impl Esewa {
    /// The key of this text; an empty one is none.
    pub(super) fn signing_key(secret: &str) -> Option<SigningKey> {
        SigningKey::read(secret)
    }

    /// Reads the `data` that eSewa puts into the address of the success page, and verifies its signature over the values
    /// as they were written. It says which payment to ask for; the answer that counts is still that of [`Gateway::ask`].
    ///
    /// ```
    /// use base64::{Engine, engine::general_purpose::STANDARD};
    /// use makegood::gateway::{ForgedCallback, Gateways};
    /// # use makegood::{config::Environment, gateway::GatewaysConfig};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # // The key of eSewa's public sandbox, with which its documentation signs.
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "EPAYTEST"), ("ESEWA_SECRET", "8gBm/:&EnhH.1/q"),
    /// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// #     ("STAGE", "sandbox"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    ///
    /// let documented = r#"{"transaction_code":"000AWEO","status":"COMPLETE","total_amount":1000.0,
    ///     "transaction_uuid":"250610-162413","product_code":"EPAYTEST",
    ///     "signed_field_names":"transaction_code,status,total_amount,transaction_uuid,product_code,signed_field_names",
    ///     "signature":"62GcfZTmVkzhtUeh+QJ1AqiJrjoWWGof3U+eTPTZ7fA="}"#;
    /// let callback = gateways.esewa.read_callback(&STANDARD.encode(documented))?;
    /// assert_eq!((callback.transaction_uuid.as_str(), callback.amount_minor), ("250610-162413", 100_000));
    ///
    /// let forged = documented.replace("1000.0", "9000.0");
    /// assert_eq!(gateways.esewa.read_callback(&STANDARD.encode(forged)), Err(ForgedCallback::Mismatch));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When it can't be read, or was not signed by eSewa as a callback to this merchant.
    pub fn read_callback(&self, data: &str) -> Result<EsewaCallback, ForgedCallback> {
        callback::read(&self.key.current(), &self.product_code, data)
    }

    /// Reads a callback as [`Self::read_callback`]. One whose signature does not fit is read once more with the newest secret: eSewa signs
    /// with the new one from the moment it is changed.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::{ForgedCallback, Gateways, GatewaysConfig}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "EPAYTEST"), ("ESEWA_SECRET", "hush"),
    /// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// #     ("STAGE", "sandbox"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// assert!(gateways.esewa.read_callback_of_now("no base64").await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::read_callback`].
    pub async fn read_callback_of_now(&self, data: &str) -> Result<EsewaCallback, ForgedCallback> {
        let key = self.key.current();
        match callback::read(&key, &self.product_code, data) {
            Err(ForgedCallback::Mismatch) => match self.key.renewed(&key).await {
                Some(key) => callback::read(&key, &self.product_code, data),
                None => Err(ForgedCallback::Mismatch),
            },
            read => read,
        }
    }

    /// What the buyer posts. The same payment always gets the same fields.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::{Gateways, GatewaysConfig}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "EPAYTEST"), ("ESEWA_SECRET", "8gBm/:&EnhH.1/q"),
    /// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// #     ("STAGE", "sandbox"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// let fields = gateways.esewa.form_fields("241028", 11_000);
    /// assert_eq!(fields["total_amount"], "110"); // rupees, of 11,000 paisa
    /// assert_eq!(fields["signature"], "i94zsd3oXF6ZsSr/kGqT4sSzYQzjj1W/waxjWyRwaME="); // as in eSewa's documentation
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn form_fields(&self, transaction_uuid: &str, amount_minor: i64) -> BTreeMap<String, String> {
        let total = rupees_of_paisa(amount_minor);
        let message = format!(
            "total_amount={total},transaction_uuid={transaction_uuid},product_code={}",
            self.product_code
        );
        let fields = [
            ("amount", total.clone()),
            ("tax_amount", "0".to_owned()),
            ("product_service_charge", "0".to_owned()),
            ("product_delivery_charge", "0".to_owned()),
            ("total_amount", total),
            ("transaction_uuid", transaction_uuid.to_owned()),
            ("product_code", self.product_code.clone()),
            ("success_url", self.return_url.to_string()),
            ("failure_url", self.failure_url(transaction_uuid)),
            ("signed_field_names", FORM_SIGNED_FIELDS.to_owned()),
            ("signature", self.key.current().sign(&message)),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// eSewa sends nothing along to the failure page: the address itself must say which payment it was.
    fn failure_url(&self, transaction_uuid: &str) -> String {
        let mut url = self.return_url.clone();
        url.query_pairs_mut()
            .append_pair("provider", Provider::Esewa.wire_name())
            .append_pair("transaction_uuid", transaction_uuid);
        url.to_string()
    }

    fn status_url(&self, payment: &AskedPayment<'_>) -> Url {
        let mut url = below(&self.status_base, "api/epay/transaction/status/");
        url.query_pairs_mut()
            .append_pair("product_code", &self.product_code)
            .append_pair("total_amount", &rupees_of_paisa(payment.amount_minor))
            .append_pair("transaction_uuid", payment.external_transaction_id);
        url
    }
}

/// eSewa takes letters, digits and hyphens only; an intent's id has underscores, and stays unique without them.
fn transaction_uuid(payment_intent_id: &str) -> String {
    payment_intent_id.replace('_', "-")
}

impl Gateway for Esewa {
    const PROVIDER: Provider = Provider::Esewa;

    fn link_lifetime(&self) -> TimeDelta {
        self.link
    }

    /// No call to eSewa, and never an error: the form is all there is until the buyer posts it.
    async fn open_payment(
        &self,
        request: &PaymentRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<OpenedPayment, GatewayError> {
        let transaction_uuid = transaction_uuid(request.payment_intent_id);
        // eSewa refuses a form of an old secret on its own page, and does not tell us.
        self.key.fresh().await;
        Ok(OpenedPayment {
            form_fields: Some(self.form_fields(&transaction_uuid, request.amount_minor)),
            external_transaction_id: transaction_uuid,
            payment_url: below(&self.base, "api/epay/main/v2/form").to_string(),
            expires_at: now + self.link,
        })
    }

    async fn ask(&self, payment: &AskedPayment<'_>) -> Result<GatewayReply, GatewayError> {
        let reply = self
            .http
            .send(self.http.client.get(self.status_url(payment)))
            .await?;
        status::read(&reply, payment.external_transaction_id, &self.product_code)
    }
}
