//! Stripe, asked server to server: its lists of charges, refunds and disputes (docs/decisions/0107).

mod list;

pub use list::{StripeList, StripePage};

use super::config::{self, OpenError};
use super::http::{Http, Reply, below};
use super::{GatewayError, GatewaysConfig};
use crate::config::{Environment, Place, SecretSource};
use crate::db::secret_text;
use crate::secret::Rotating;
use aws_config::SdkConfig;
use reqwest::Url;
use std::sync::Arc;

/// Where Stripe's API is, unless configured.
const BASE: &str = "https://api.stripe.com";
/// What Stripe answers in, whatever the account's own version is. Since this one, what was held and not captured is no refund.
const VERSION: &str = "2025-03-31.basil";
const VERSION_HEADER: &str = "Stripe-Version";
const SECRET: &str = "STRIPE_API_SECRET";
/// The longest id that Stripe gives; what is longer is not asked for.
const LONGEST_ID: usize = 255;

/// Stripe's API, for one account.
///
/// ```
/// use aws_config::SdkConfig;
/// use makegood::config::{Environment, Place};
/// use makegood::gateway::StripeConfig;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
///
/// let mut environment = Environment::of(&[("STRIPE_API_SECRET", "rk_live_1")]);
/// let config = StripeConfig::read_if_any(&mut environment).ok_or("no key is set")?;
/// let stripe = config.open(&SdkConfig::builder().build()).await?;
/// assert_eq!(stripe.place, Place::Live);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Stripe {
    /// Whether the stack takes real money: of what mode its payments are.
    pub place: Place,
    http: Http,
    base: Url,
    key: Arc<Rotating<Key>>,
}

/// A secret key, or a restricted one.
struct Key(String);

/// Where Stripe's API is, and the key to it.
///
/// ```
/// use makegood::config::Environment;
/// use makegood::gateway::StripeConfig;
///
/// let variables = [("STRIPE_API_SECRET", "rk_live_1"), ("STRIPE_BASE_URL", "api.stripe.com")];
/// let mut environment = Environment::of(&variables);
/// assert!(StripeConfig::read_if_any(&mut environment).is_some());
/// assert_eq!(
///     environment.finish().unwrap_err().problems,
///     ["STRIPE_BASE_URL is \"api.stripe.com\", it must be an https:// URL, or http:// on this machine"]
/// );
/// ```
#[derive(Debug, Clone)]
pub struct StripeConfig {
    base: String,
    key: SecretSource,
    place: Place,
}

impl StripeConfig {
    /// Reads `STRIPE_API_SECRET(_ARN)` (`rk_…` or `sk_…`) and `STRIPE_BASE_URL` (else Stripe's own). None where no key is set: nothing is
    /// then read of Stripe's.
    ///
    /// ```
    /// use makegood::config::Environment;
    /// use makegood::gateway::StripeConfig;
    ///
    /// assert!(StripeConfig::read_if_any(&mut Environment::of(&[])).is_none());
    /// ```
    pub fn read_if_any(environment: &mut Environment) -> Option<Self> {
        let named = ["STRIPE_API_SECRET", "STRIPE_API_SECRET_ARN"];
        if !named.iter().any(|name| environment.optional(name).is_some()) {
            return None;
        }
        let base = match environment.optional("STRIPE_BASE_URL") {
            Some(_) => environment.required("STRIPE_BASE_URL"),
            None => BASE.to_owned(),
        };
        Some(Self {
            base,
            key: SecretSource::read(environment, "STRIPE_API_SECRET"),
            place: environment.place(),
        })
    }

    /// Reads the key. Connects to nothing yet.
    ///
    /// ```
    /// use aws_config::SdkConfig;
    /// use makegood::config::Environment;
    /// use makegood::gateway::StripeConfig;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///
    /// for (key, is_key) in [("rk_live_1", true), ("sk_live_1", true), ("pk_live_1", false), ("rk_test_1", false)] {
    ///     let mut environment = Environment::of(&[("STRIPE_API_SECRET", key)]);
    ///     let config = StripeConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    ///     assert_eq!(config.open(&SdkConfig::builder().build()).await.is_ok(), is_key);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the key can't be read, is none or is of the other mode, the address is none, or TLS can't be set up.
    pub async fn open(self, aws: &SdkConfig) -> Result<Stripe, OpenError> {
        let text = secret_text(&self.key, aws).await?;
        let place = self.place;
        let make = move |text: &str| key(text, place);
        let first = make(&text)?;
        let key = config::rotating(SECRET, &self.key, aws, (text, first), make);
        Ok(Stripe {
            place,
            http: Http::build(GatewaysConfig::PATIENCE)?,
            base: config::parse("STRIPE_BASE_URL", &self.base)?,
            key: Arc::new(key),
        })
    }
}

impl Stripe {
    /// With the newest key where Stripe refuses the one that is used.
    async fn get(&self, path: &str, query: &[(&str, String)], longest: usize) -> Result<Reply, GatewayError> {
        let mut address = below(&self.base, path);
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        let key = self.key.current();
        let mut reply = self.get_with(&address, longest, &key).await?;
        if reply.refuses_the_key()
            && let Some(key) = self.key.renewed(&key).await
        {
            reply = self.get_with(&address, longest, &key).await?;
        }
        if reply.status == 200 {
            Ok(reply)
        } else {
            Err(reply.failure())
        }
    }

    async fn get_with(&self, address: &Url, longest: usize, Key(key): &Key) -> Result<Reply, GatewayError> {
        let request = self.http.client.get(address.clone()).bearer_auth(key);
        self.http
            .send_for(request.header(VERSION_HEADER, VERSION), longest)
            .await
    }
}

/// The key of this text. One of the live mode in a sandbox would have its payments recorded where no goods are.
fn key(text: &str, place: Place) -> Result<Key, OpenError> {
    config::refuse_sandbox(SECRET, text, place)?;
    let text = text.trim();
    let is_secret = ["rk_", "sk_"].iter().any(|kind| text.starts_with(kind));
    if !is_secret || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(OpenError::NoKey(SECRET));
    }
    if place == Place::Sandbox && text.get(3..).is_some_and(|rest| rest.starts_with("live_")) {
        return Err(OpenError::Sandbox(format!(
            "{SECRET} is a key of Stripe's live mode, and this stack is a sandbox (Stage=sandbox); give one of the test mode"
        )));
    }
    Ok(Key(text.to_owned()))
}

/// What goes into a path: nothing that could lead elsewhere.
fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_secret_one_of_the_mode_of_its_stack() {
        for (text, place, is_key) in [
            ("rk_live_1", Place::Live, true),
            (" sk_live_1\n", Place::Live, true),
            ("rk_test_1", Place::Sandbox, true),
            ("sk_test_1", Place::Live, false),
            ("rk_live_1", Place::Sandbox, false),
            ("pk_live_1", Place::Live, false),
            ("whsec_1", Place::Live, false),
            ("rk_live_1 2", Place::Live, false),
            ("", Place::Live, false),
        ] {
            assert_eq!(key(text, place).is_ok(), is_key, "{text} {place:?}");
        }
    }

    #[test]
    fn an_id_never_leads_to_another_path() {
        for id in [
            "",
            "pi_1/cancel",
            "..",
            "pi 1",
            "pi_1?x",
            "stripe:pi_1",
            &"p".repeat(256),
        ] {
            assert!(!is_id(id), "{id}");
        }
        assert!(is_id("pi_3OqVw2SGn1kVb2mG0aXyZ123"));
    }
}
