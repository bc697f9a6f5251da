//! The payment gateways behind one trait: eSewa (ePay v2) and Khalti (KPG-2); and Razorpay's orders, which say what a course costs.
//! Only a gateway's own word, asked server to server, says what became of a payment; a redirect never does.

pub mod amount;
mod answer;
mod config;
mod error;
mod esewa;
mod fields;
mod http;
mod khalti;
mod payment;
mod provider;
mod razorpay;

pub use answer::{GatewayAnswer, GatewayReply, Verdict};
pub use config::{GatewaysConfig, OpenError};
pub use error::GatewayError;
pub use esewa::{Esewa, EsewaCallback, ForgedCallback};
pub use khalti::Khalti;
pub use payment::{AskedPayment, OpenedPayment, PaymentRequest};
pub use provider::{Provider, UnknownProvider};
pub use razorpay::{ProviderOrder, Razorpay, RazorpayConfig};

use chrono::{DateTime, TimeDelta, Utc};

/// What a gateway does for a shop. Both calls go over the network unless said otherwise: never inside a transaction.
pub trait Gateway {
    /// Which one it is.
    const PROVIDER: Provider;

    /// How long a payment link of this gateway lasts at most; the bound for a reservation made before the link is.
    fn link_lifetime(&self) -> TimeDelta;

    /// Opens a payment that the buyer can then make at the gateway.
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
    /// # Errors
    /// When no answer that is in the protocol came within 10 s. That never says anything about the payment.
    fn ask(
        &self,
        payment: &AskedPayment<'_>,
    ) -> impl Future<Output = Result<GatewayReply, GatewayError>> + Send;
}

/// Both gateways, over one HTTP client.
#[derive(Debug, Clone)]
pub struct Gateways {
    /// eSewa.
    pub esewa: Esewa,
    /// Khalti.
    pub khalti: Khalti,
}

impl Gateways {
    /// As [`Gateway::link_lifetime`].
    #[must_use]
    pub fn link_lifetime(&self, provider: Provider) -> TimeDelta {
        match provider {
            Provider::Esewa => self.esewa.link_lifetime(),
            Provider::Khalti => self.khalti.link_lifetime(),
        }
    }

    /// As [`Gateway::open_payment`]; with eSewa, without any network call.
    ///
    /// # Errors
    /// Those of the gateway.
    pub async fn open_payment(
        &self,
        provider: Provider,
        request: &PaymentRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<OpenedPayment, GatewayError> {
        match provider {
            Provider::Esewa => self.esewa.open_payment(request, now).await,
            Provider::Khalti => self.khalti.open_payment(request, now).await,
        }
    }

    /// As [`Gateway::ask`].
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
