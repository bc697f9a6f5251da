//! Where the gateways are and what we sign with, from the environment.

use super::http::Http;
use super::{Esewa, Gateways, Khalti};
use crate::config::{self, Environment, Place, SecretSource, of_a_sandbox};
use crate::db::{LoginError, secret_text};
use crate::limits;
use crate::secret::Rotating;
use aws_config::SdkConfig;
use chrono::TimeDelta;
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;

/// Why there are no gateways.
///
/// ```
/// use aws_config::SdkConfig;
/// use makegood::config::Environment;
/// use makegood::gateway::{OpenError, RazorpayConfig};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
///
/// let mut environment = Environment::of(&[("RAZORPAY_API_SECRET", "rzp_live_1")]);
/// let config = RazorpayConfig::read_if_any(&mut environment).unwrap();
/// let error = config.open(&SdkConfig::builder().build()).await.unwrap_err();
/// assert!(matches!(error, OpenError::NoKeyPair("RAZORPAY_API_SECRET")));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A secret can't be read.
    #[error(transparent)]
    Secret(#[from] LoginError),
    /// With an empty key everybody could sign.
    #[error("{0} is empty or no key; put the merchant's secret in it")]
    NoKey(&'static str),
    /// A key of two parts that is not.
    #[error("{0} must be the key id and the key secret with a colon between them, as in rzp_live_1:secret")]
    NoKeyPair(&'static str),
    /// An address can't be used.
    #[error("{0} must be an https:// URL, or http:// on this machine")]
    NoAddress(&'static str),
    /// A sandbox's merchant where real money is taken, or a key to real money in a sandbox.
    #[error("{0}")]
    Sandbox(String),
    /// TLS can't be set up.
    #[error("the HTTP client can't be built: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where the gateways are.
///
/// ```
/// use makegood::config::Environment;
/// use makegood::gateway::GatewaysConfig;
/// use std::time::Duration;
///
/// let mut environment = Environment::of(&[]);
/// let config = GatewaysConfig::read(&mut environment);
/// assert_eq!(config.patience, Duration::from_secs(10));
/// assert!(environment.finish().is_err(), "each variable that is missing is named");
/// ```
#[derive(Debug, Clone)]
pub struct GatewaysConfig {
    /// How long a gateway may take to answer.
    pub patience: Duration,
    esewa_base: String,
    esewa_status_base: String,
    esewa_product_code: String,
    esewa_secret: SecretSource,
    esewa_link: TimeDelta,
    khalti_base: String,
    khalti_secret: SecretSource,
    return_url: String,
    place: Place,
}

impl GatewaysConfig {
    /// How long a gateway may take to answer (SPEC 4).
    pub const PATIENCE: Duration = limits::GATEWAY.operation;
    /// How long an eSewa link lasts unless configured (SPEC 4).
    pub const ESEWA_LINK_MINUTES: u16 = 30;

    /// Reads `ESEWA_BASE_URL`, `ESEWA_STATUS_BASE_URL` (else the same host), `ESEWA_PRODUCT_CODE`, `ESEWA_SECRET(_ARN)`,
    /// `ESEWA_LINK_MINUTES` (else 30), `KHALTI_BASE_URL` (with its `/api/v2`), `KHALTI_SECRET(_ARN)` and
    /// `PAYMENT_RETURN_URL`, the page that the buyer comes back to, and `STAGE`: unless it is `sandbox`, a sandbox's merchant is refused.
    /// All that is missing or wrong is noted.
    ///
    /// ```
    /// use makegood::config::Environment;
    /// use makegood::gateway::GatewaysConfig;
    ///
    /// let mut environment = Environment::of(&[("KHALTI_BASE_URL", "khalti.test"), ("ESEWA_LINK_MINUTES", "0")]);
    /// GatewaysConfig::read(&mut environment);
    /// let problems = environment.finish().unwrap_err().problems;
    /// assert!(problems.contains(&"ESEWA_LINK_MINUTES is 0, it must be a number of minutes, 1 or more".to_owned()));
    /// assert!(problems.contains(&"KHALTI_BASE_URL is \"khalti.test\", it must be an https:// URL, or http:// on this machine".to_owned()));
    /// ```
    pub fn read(environment: &mut Environment) -> Self {
        let esewa_base = environment.required("ESEWA_BASE_URL");
        let esewa_status_base = match environment.optional("ESEWA_STATUS_BASE_URL") {
            Some(_) => environment.required("ESEWA_STATUS_BASE_URL"),
            None => esewa_base.clone(),
        };
        Self {
            patience: Self::PATIENCE,
            esewa_base,
            esewa_status_base,
            esewa_product_code: environment.required("ESEWA_PRODUCT_CODE"),
            esewa_secret: SecretSource::read(environment, "ESEWA_SECRET"),
            esewa_link: link(environment),
            khalti_base: environment.required("KHALTI_BASE_URL"),
            khalti_secret: SecretSource::read(environment, "KHALTI_SECRET"),
            return_url: environment.required("PAYMENT_RETURN_URL"),
            place: environment.place(),
        }
    }

    /// As [`Self::read`] where any gateway's address is set; none, and no problem, where there is none: a school has no shop.
    ///
    /// ```
    /// use makegood::config::Environment;
    /// use makegood::gateway::GatewaysConfig;
    ///
    /// assert!(GatewaysConfig::read_if_any(&mut Environment::of(&[])).is_none());
    ///
    /// let mut half = Environment::of(&[("ESEWA_BASE_URL", "https://epay.esewa.com.np")]);
    /// assert!(GatewaysConfig::read_if_any(&mut half).is_some());
    /// assert!(half.finish().is_err(), "the rest of the shop's variables is missing");
    /// ```
    pub fn read_if_any(environment: &mut Environment) -> Option<Self> {
        let named = ["ESEWA_BASE_URL", "KHALTI_BASE_URL"];
        let is_shop = named.iter().any(|name| environment.optional(name).is_some());
        is_shop.then(|| Self::read(environment))
    }

    /// Reads the secrets and builds one client for both. Connects to no gateway yet.
    ///
    /// ```
    /// use aws_config::SdkConfig;
    /// use chrono::TimeDelta;
    /// use makegood::config::Environment;
    /// use makegood::gateway::{GatewaysConfig, Provider};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///
    /// let mut environment = Environment::of(&[
    ///     ("ESEWA_BASE_URL", "https://rc-epay.esewa.com.np"), ("ESEWA_PRODUCT_CODE", "EPAYTEST"), ("ESEWA_SECRET", "hush"),
    ///     ("STAGE", "sandbox"), ("KHALTI_BASE_URL", "https://dev.khalti.com/api/v2"), ("KHALTI_SECRET", "hush"),
    ///     ("PAYMENT_RETURN_URL", "https://shop.example.com/return"),
    /// ]);
    /// let config = GatewaysConfig::read(&mut environment);
    /// environment.finish()?;
    /// let gateways = config.open(&SdkConfig::builder().build()).await?;
    /// assert_eq!(gateways.link_lifetime(Provider::Esewa), TimeDelta::minutes(30));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a secret can't be read, is empty or a sandbox's outside a sandbox, an address is none, or TLS can't be set up.
    pub async fn open(self, aws: &SdkConfig) -> Result<Gateways, OpenError> {
        let (esewa_secret, khalti_secret) = tokio::try_join!(
            secret_text(&self.esewa_secret, aws),
            secret_text(&self.khalti_secret, aws)
        )?;
        let place = self.place;
        let make = move |text: &str| usable("ESEWA_SECRET", text, place, Esewa::signing_key);
        let key = make(&esewa_secret)?;
        let esewa_key = rotating("ESEWA_SECRET", &self.esewa_secret, aws, (esewa_secret, key), make);
        let make = move |text: &str| usable("KHALTI_SECRET", text, place, Khalti::authorization);
        let key = make(&khalti_secret)?;
        let khalti_key = rotating(
            "KHALTI_SECRET",
            &self.khalti_secret,
            aws,
            (khalti_secret, key),
            make,
        );
        let http = Http::build(self.patience)?;
        let return_url = parse("PAYMENT_RETURN_URL", &self.return_url)?;
        Ok(Gateways {
            esewa: Esewa {
                http: http.clone(),
                base: parse("ESEWA_BASE_URL", &self.esewa_base)?,
                status_base: parse("ESEWA_STATUS_BASE_URL", &self.esewa_status_base)?,
                product_code: self.esewa_product_code,
                key: Arc::new(esewa_key),
                link: self.esewa_link,
                return_url: return_url.clone(),
            },
            khalti: Khalti {
                http,
                base: parse("KHALTI_BASE_URL", &self.khalti_base)?,
                authorization: Arc::new(khalti_key),
                return_url,
            },
        })
    }
}

/// What comes from Secrets Manager is seen only now.
pub(super) fn refuse_sandbox(name: &'static str, text: &str, place: Place) -> Result<(), OpenError> {
    of_a_sandbox(name, text, place).map_or(Ok(()), |problem| Err(OpenError::Sandbox(problem)))
}

/// The key of this text: one that may be used here.
fn usable<T>(
    name: &'static str,
    text: &str,
    place: Place,
    make: fn(&str) -> Option<T>,
) -> Result<T, OpenError> {
    refuse_sandbox(name, text, place)?;
    make(text).ok_or(OpenError::NoKey(name))
}

/// A key that is read again where the gateway refuses it.
pub(super) fn rotating<T>(
    name: &'static str,
    source: &SecretSource,
    aws: &SdkConfig,
    read: (String, T),
    make: impl Fn(&str) -> Result<T, OpenError> + Send + Sync + 'static,
) -> Rotating<T> {
    let make = move |text: &str| make(text).map_err(|error| error.to_string());
    Rotating::read_from(name, source, aws, read, make)
}

/// A zero would end every link at once; whoever wants no eSewa does not send its buyers there.
fn link(environment: &mut Environment) -> TimeDelta {
    let expected = "a number of minutes, 1 or more";
    let minutes = environment.parsed("ESEWA_LINK_MINUTES", GatewaysConfig::ESEWA_LINK_MINUTES, expected);
    if minutes == 0 {
        environment.note(format!("ESEWA_LINK_MINUTES is 0, it must be {expected}"));
    }
    TimeDelta::minutes(minutes.into())
}

pub(super) fn parse(name: &'static str, text: &str) -> Result<Url, OpenError> {
    config::address(text).ok_or(OpenError::NoAddress(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_needs_no_gateway_and_half_a_shop_is_told_what_is_missing() {
        let mut school = Environment::of(&[]);
        assert!(GatewaysConfig::read_if_any(&mut school).is_none());
        assert_eq!(school.finish(), Ok(()));
        let mut half = Environment::of(&[("ESEWA_BASE_URL", "https://esewa.test")]);
        assert!(GatewaysConfig::read_if_any(&mut half).is_some());
        assert!(half.finish().unwrap_err().to_string().contains("KHALTI_BASE_URL"));
    }

    #[test]
    fn every_variable_that_is_missing_or_wrong_is_named_at_once() {
        let mut environment = Environment::of(&[
            ("ESEWA_BASE_URL", "http://esewa.test"),
            ("KHALTI_BASE_URL", "khalti.test"),
            ("ESEWA_STATUS_BASE_URL", "ftp://esewa.test"),
            ("ESEWA_LINK_MINUTES", "0"),
        ]);
        GatewaysConfig::read(&mut environment);
        let message = environment.finish().unwrap_err().to_string();
        for name in [
            "ESEWA_BASE_URL",
            "ESEWA_STATUS_BASE_URL",
            "ESEWA_PRODUCT_CODE",
            "ESEWA_SECRET_ARN",
            "ESEWA_LINK_MINUTES",
            "KHALTI_BASE_URL",
            "KHALTI_SECRET_ARN",
            "PAYMENT_RETURN_URL",
        ] {
            assert!(message.contains(name), "{name} is not named in {message}");
        }
    }

    #[tokio::test]
    async fn a_sandboxs_key_from_secrets_manager_is_refused_once_it_is_read() {
        let shop = |key: &'static str, stage: &'static str| {
            let mut environment = Environment::of(&[
                ("ESEWA_BASE_URL", "https://epay.esewa.com.np"),
                ("ESEWA_PRODUCT_CODE", "SHOP"),
                ("ESEWA_SECRET", "hush"),
                ("KHALTI_BASE_URL", "https://khalti.com/api/v2"),
                ("KHALTI_SECRET", key),
                ("PAYMENT_RETURN_URL", "https://shop.example.com"),
                ("STAGE", stage),
            ]);
            // As it comes from Secrets Manager: `finish` has not seen it.
            GatewaysConfig::read(&mut environment)
        };
        let aws = SdkConfig::builder().build();
        let refused = shop("test_secret_key_1", "live").open(&aws).await.unwrap_err();
        assert!(
            matches!(&refused, OpenError::Sandbox(why) if why.contains("KHALTI_SECRET")),
            "{refused}"
        );
        assert!(!refused.to_string().contains("test_secret_key_1"));
        assert!(shop("test_secret_key_1", "sandbox").open(&aws).await.is_ok());
        assert!(shop("live_secret_key_1", "live").open(&aws).await.is_ok());
    }
}
