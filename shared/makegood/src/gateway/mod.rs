//! The payment gateways behind one trait: eSewa (ePay v2) and Khalti (KPG-2); Razorpay's orders, which say what a course costs; and the
//! lists of Razorpay and of Stripe.
//! Only a gateway's own word, asked server to server, says what became of a payment; a redirect never does.

pub mod amount;
mod answer;
mod config;
mod error;
mod esewa;
mod fields;
mod http;
mod khalti;
mod nothing;
mod payment;
mod provider;
mod razorpay;
mod stripe;

pub use answer::{GatewayAnswer, GatewayReply, Verdict};
pub use config::{GatewaysConfig, OpenError};
pub use error::GatewayError;
pub use esewa::{Esewa, EsewaCallback, ForgedCallback};
pub use khalti::Khalti;
pub use payment::{AskedPayment, OpenedPayment, PaymentRequest};
pub use provider::{Provider, UnknownProvider};
pub use razorpay::{ProviderOrder, Razorpay, RazorpayConfig, RazorpayList, Span};
pub use stripe::{Stripe, StripeConfig, StripeList, StripePage};

use chrono::{DateTime, TimeDelta, Utc};

/// What a gateway does for a shop. Both calls go over the network unless said otherwise: never inside a transaction.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use makegood::gateway::{AskedPayment, Gateway, GatewayAnswer, GatewayError, GatewayReply};
/// use makegood::gateway::{OpenedPayment, PaymentRequest, Provider};
///
/// /// A gateway at which each payment is paid at once.
/// struct Generous;
///
/// impl Gateway for Generous {
///     const PROVIDER: Provider = Provider::Khalti;
///
///     fn link_lifetime(&self) -> TimeDelta {
///         TimeDelta::minutes(60)
///     }
///
///     async fn open_payment(&self, request: &PaymentRequest<'_>, now: DateTime<Utc>) -> Result<OpenedPayment, GatewayError> {
///         Ok(OpenedPayment {
///             external_transaction_id: request.payment_intent_id.to_owned(),
///             payment_url: "https://gateway.example.com/pay".to_owned(),
///             form_fields: None,
///             expires_at: now + self.link_lifetime(),
///         })
///     }
///
///     async fn ask(&self, payment: &AskedPayment<'_>) -> Result<GatewayReply, GatewayError> {
///         let answer = GatewayAnswer::Paid { amount_minor: payment.amount_minor, reference: None };
///         Ok(GatewayReply { answer, record: serde_json::json!({}) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let payment = AskedPayment { external_transaction_id: "pidx-7", amount_minor: 100_000 };
/// assert_eq!(Generous.ask(&payment).await.map(|reply| reply.answer.code()), Ok("paid"));
/// # }
/// ```
pub trait Gateway {
    /// Which one it is.
    const PROVIDER: Provider;

    /// How long a payment link of this gateway lasts at most; the bound for a reservation made before the link is.
    ///
    /// ```
    /// # use makegood::gateway::{Gateway, Gateways};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use makegood::{config::Environment, gateway::GatewaysConfig};
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "SHOP"), ("ESEWA_SECRET", "hush"),
    /// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// assert_eq!(gateways.khalti.link_lifetime().num_minutes(), 60);
    /// # Ok(())
    /// # }
    /// ```
    fn link_lifetime(&self) -> TimeDelta;

    /// Opens a payment that the buyer can then make at the gateway.
    ///
    /// `now` is the instant from which the link's time counts, in UTC.
    ///
    /// ```
    /// # use makegood::gateway::{Gateway, Gateways, PaymentRequest};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use makegood::{config::Environment, gateway::GatewaysConfig};
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "SHOP"), ("ESEWA_SECRET", "hush"),
    /// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// let now = "2026-11-29T06:00:00Z".parse()?;
    /// let request = PaymentRequest { payment_intent_id: "pi_esewa_7", amount_minor: 100_000 };
    /// let opened = gateways.esewa.open_payment(&request, now).await?;
    /// assert_eq!(opened.external_transaction_id, "pi-esewa-7"); // eSewa takes no underscores
    /// assert_eq!(opened.expires_at.to_rfc3339(), "2026-11-29T06:30:00+00:00");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the gateway refuses or can't be understood within 10 s; nothing is open then, as far as we know.
    fn open_payment(
        &self,
        request: &PaymentRequest<'_>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<OpenedPayment, GatewayError>> + Send;

    /// Asks what became of a payment. The amount in the answer is the gateway's: the caller compares it.
    ///
    /// ```
    /// # use makegood::gateway::{AskedPayment, Gateway, Gateways};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use makegood::{config::Environment, gateway::GatewaysConfig};
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "http://127.0.0.1:1"), ("ESEWA_PRODUCT_CODE", "SHOP"), ("ESEWA_SECRET", "hush"),
    /// #     ("KHALTI_BASE_URL", "http://127.0.0.1:1"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// // The gateway is away: an error, from which nothing follows for the payment.
    /// let payment = AskedPayment { external_transaction_id: "pi-esewa-7", amount_minor: 100_000 };
    /// let error = gateways.esewa.ask(&payment).await.unwrap_err();
    /// assert_eq!(error.code(), "gateway_unreachable");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When no answer that is in the protocol came within 10 s. That never says anything about the payment.
    fn ask(
        &self,
        payment: &AskedPayment<'_>,
    ) -> impl Future<Output = Result<GatewayReply, GatewayError>> + Send;
}

/// Both gateways, over one HTTP client.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use makegood::config::Environment;
/// use makegood::gateway::{Gateways, GatewaysConfig};
///
/// let mut environment = Environment::of(&[
///     // …
/// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "SHOP"), ("ESEWA_SECRET", "hush"),
/// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
/// ]);
/// let config = GatewaysConfig::read(&mut environment);
/// let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
/// assert!(!format!("{gateways:?}").contains("hush"), "no secret is printed");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Gateways {
    /// eSewa.
    pub esewa: Esewa,
    /// Khalti.
    pub khalti: Khalti,
}

impl Gateways {
    /// As [`Gateway::link_lifetime`].
    ///
    /// ```
    /// # use makegood::gateway::{Gateways, Provider};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use makegood::{config::Environment, gateway::GatewaysConfig};
    /// # let mut environment = Environment::of(&[("ESEWA_LINK_MINUTES", "45"),
    /// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "SHOP"), ("ESEWA_SECRET", "hush"),
    /// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// // With ESEWA_LINK_MINUTES=45.
    /// assert_eq!(gateways.link_lifetime(Provider::Esewa).num_minutes(), 45);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn link_lifetime(&self, provider: Provider) -> TimeDelta {
        match provider {
            Provider::Esewa => self.esewa.link_lifetime(),
            Provider::Khalti => self.khalti.link_lifetime(),
        }
    }

    /// As [`Gateway::open_payment`]; with eSewa, without any network call. A payment of nothing needs no gateway: the buyer is sent to
    /// the return page at once.
    ///
    /// ```
    /// # use makegood::gateway::{Gateways, PaymentRequest, Provider};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use makegood::{config::Environment, gateway::GatewaysConfig};
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "https://esewa.test"), ("ESEWA_PRODUCT_CODE", "SHOP"), ("ESEWA_SECRET", "hush"),
    /// #     ("KHALTI_BASE_URL", "https://khalti.test"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// let request = PaymentRequest { payment_intent_id: "pi_esewa_7", amount_minor: 100_050 };
    /// let opened = gateways.open_payment(Provider::Esewa, &request, chrono::Utc::now()).await?;
    /// let form = opened.form_fields.unwrap_or_default();
    /// assert_eq!(form["total_amount"], "1000.50");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the gateway.
    pub async fn open_payment(
        &self,
        provider: Provider,
        request: &PaymentRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<OpenedPayment, GatewayError> {
        if request.amount_minor == 0 {
            let expires_at = now + self.link_lifetime(provider);
            return Ok(nothing::open(
                &self.esewa.return_url,
                provider,
                request,
                expires_at,
            ));
        }
        match provider {
            Provider::Esewa => self.esewa.open_payment(request, now).await,
            Provider::Khalti => self.khalti.open_payment(request, now).await,
        }
    }

    /// As [`Gateway::ask`].
    ///
    /// ```
    /// # use makegood::gateway::{AskedPayment, Gateways, Provider};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use makegood::{config::Environment, gateway::GatewaysConfig};
    /// # let mut environment = Environment::of(&[
    /// #     ("ESEWA_BASE_URL", "http://127.0.0.1:1"), ("ESEWA_PRODUCT_CODE", "SHOP"), ("ESEWA_SECRET", "hush"),
    /// #     ("KHALTI_BASE_URL", "http://127.0.0.1:1"), ("KHALTI_SECRET", "hush"), ("PAYMENT_RETURN_URL", "https://shop.test"),
    /// # ]);
    /// # let config = GatewaysConfig::read(&mut environment);
    /// # let gateways: Gateways = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// let payment = AskedPayment { external_transaction_id: "pidx-7", amount_minor: 100_000 };
    /// match gateways.ask(Provider::Khalti, &payment).await {
    ///     Ok(reply) => println!("{}", reply.answer.code()),
    ///     Err(error) => assert!(error.to_string().ends_with("ask again later")),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the gateway; none of them is final.
    pub async fn ask(
        &self,
        provider: Provider,
        payment: &AskedPayment<'_>,
    ) -> Result<GatewayReply, GatewayError> {
        match provider {
            Provider::Esewa => self.esewa.ask(payment).await,
            Provider::Khalti => self.khalti.ask(payment).await,
        }
    }
}
