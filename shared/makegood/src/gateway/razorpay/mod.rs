//! Razorpay, asked server to server: its orders, whose amount and notes the merchant's server set and no buyer's browser can change
//! (docs/decisions/0040), and its lists of payments, refunds and settlements (docs/decisions/0090).

mod list;

pub use list::{RazorpayList, Span};

use super::config::{self, OpenError};
use super::http::{Http, Reply, below};
use super::{GatewayError, GatewaysConfig};
use crate::config::{Environment, Place, SecretSource};
use crate::db::secret_text;
use crate::event::Metadata;
use crate::secret::Rotating;
use aws_config::SdkConfig;
use reqwest::Url;
use serde_json::Value;
use std::sync::Arc;

/// Where Razorpay's API is, unless configured.
const BASE: &str = "https://api.razorpay.com";
/// The longest id that Razorpay gives; what is longer is not asked for.
const LONGEST_ID: usize = 64;

/// What the merchant's server ordered.
///
/// ```
/// use makegood::event::Metadata;
/// use makegood::gateway::ProviderOrder;
/// use serde_json::json;
///
/// let notes = Metadata::read(Some(&json!({"purchaseTier": "20"})))?;
/// let order = ProviderOrder { amount_minor: 499_900, currency: "INR".to_owned(), notes, is_paid: true };
/// assert_eq!(order.notes.purchase_tier(), Ok(20)); // for Rs. 4,999
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderOrder {
    /// What the order costs, in minor units.
    pub amount_minor: i64,
    /// The currency, as Razorpay writes it.
    pub currency: String,
    /// The order's notes; empty where it has none.
    pub notes: Metadata,
    /// Whether Razorpay calls it paid: no more money is asked for, also where an offer made it less than the amount.
    pub is_paid: bool,
}

/// Razorpay's API, for one merchant.
///
/// ```
/// use aws_config::SdkConfig;
/// use makegood::config::Environment;
/// use makegood::gateway::RazorpayConfig;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
///
/// let mut environment = Environment::of(&[("RAZORPAY_API_SECRET", "rzp_live_1:hush")]);
/// let config = RazorpayConfig::read_if_any(&mut environment).ok_or("no key is set")?;
/// let razorpay = config.open(&SdkConfig::builder().build()).await?;
/// assert_eq!(razorpay.order("../payments").await.unwrap_err().code(), "gateway_refused");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Razorpay {
    http: Http,
    base: Url,
    key: Arc<Rotating<KeyPair>>,
}

/// The key's id and secret.
struct KeyPair(String, String);

/// Where Razorpay's API is, and the key to it.
///
/// ```
/// use makegood::config::Environment;
/// use makegood::gateway::RazorpayConfig;
///
/// let variables = [("RAZORPAY_API_SECRET", "rzp_live_1:hush"), ("RAZORPAY_BASE_URL", "api.razorpay.com")];
/// let mut environment = Environment::of(&variables);
/// assert!(RazorpayConfig::read_if_any(&mut environment).is_some());
/// assert_eq!(
///     environment.finish().unwrap_err().problems,
///     ["RAZORPAY_BASE_URL is \"api.razorpay.com\", it must be an https:// URL, or http:// on this machine"]
/// );
/// ```
#[derive(Debug, Clone)]
pub struct RazorpayConfig {
    base: String,
    key: SecretSource,
    place: Place,
}

impl RazorpayConfig {
    /// Reads `RAZORPAY_API_SECRET(_ARN)` (`KEY_ID:KEY_SECRET`, as `curl -u` takes them) and `RAZORPAY_BASE_URL` (else Razorpay's own).
    /// None where no key is set: orders are then not asked for.
    ///
    /// ```
    /// use makegood::config::Environment;
    /// use makegood::gateway::RazorpayConfig;
    ///
    /// assert!(RazorpayConfig::read_if_any(&mut Environment::of(&[])).is_none());
    /// ```
    pub fn read_if_any(environment: &mut Environment) -> Option<Self> {
        let named = ["RAZORPAY_API_SECRET", "RAZORPAY_API_SECRET_ARN"];
        if !named.iter().any(|name| environment.optional(name).is_some()) {
            return None;
        }
        let base = match environment.optional("RAZORPAY_BASE_URL") {
            Some(_) => environment.required("RAZORPAY_BASE_URL"),
            None => BASE.to_owned(),
        };
        Some(Self {
            base,
            key: SecretSource::read(environment, "RAZORPAY_API_SECRET"),
            place: environment.place(),
        })
    }

    /// Reads the key. Connects to nothing yet.
    ///
    /// ```
    /// use aws_config::SdkConfig;
    /// use makegood::config::Environment;
    /// use makegood::gateway::RazorpayConfig;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///
    /// for (key, is_key) in [("rzp_live_1:hush", true), ("rzp_live_1", false), (":hush", false)] {
    ///     let mut environment = Environment::of(&[("RAZORPAY_API_SECRET", key)]);
    ///     let config = RazorpayConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    ///     assert_eq!(config.open(&SdkConfig::builder().build()).await.is_ok(), is_key);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the key can't be read or is not two parts with a colon between them or a sandbox's outside a sandbox, the address is none, or TLS can't be set up.
    pub async fn open(self, aws: &SdkConfig) -> Result<Razorpay, OpenError> {
        let key = secret_text(&self.key, aws).await?;
        let place = self.place;
        let make = move |text: &str| {
            config::refuse_sandbox("RAZORPAY_API_SECRET", text, place)?;
            parts(text).ok_or(OpenError::NoKeyPair("RAZORPAY_API_SECRET"))
        };
        let pair = make(&key)?;
        let key = config::rotating("RAZORPAY_API_SECRET", &self.key, aws, (key, pair), make);
        Ok(Razorpay {
            http: Http::build(GatewaysConfig::PATIENCE)?,
            base: config::parse("RAZORPAY_BASE_URL", &self.base)?,
            key: Arc::new(key),
        })
    }
}

impl Razorpay {
    /// Asks for an order by Razorpay's id.
    ///
    /// The amount is in minor units of the order's currency, 1 or more.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::RazorpayConfig};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[
    /// #     ("RAZORPAY_API_SECRET", "rzp_live_1:hush"), ("RAZORPAY_BASE_URL", "http://127.0.0.1:1"),
    /// # ]);
    /// # let config = RazorpayConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    /// # let razorpay = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// match razorpay.order("order_FS8TWyPrCsa0OB").await {
    ///     Ok(order) => println!("{} {}", order.amount_minor, order.currency),
    ///     // Nothing listens here.
    ///     Err(error) => assert_eq!(error.code(), "gateway_unreachable"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When no answer that is in the protocol came within 10 s, the key is refused, or there is no such order.
    pub async fn order(&self, id: &str) -> Result<ProviderOrder, GatewayError> {
        if !is_id(id) {
            let reason = "the id of the order is not one of Razorpay's".to_owned();
            return Err(GatewayError::Refused { status: 400, reason });
        }
        let reply = self
            .get(&below(&self.base, &format!("v1/orders/{id}")), None)
            .await?;
        read(&reply, id)
    }

    /// With the newest key where Razorpay refuses the one that is used. An answer may have `longest` bytes, or as many as any has.
    async fn get(&self, address: &Url, longest: Option<usize>) -> Result<Reply, GatewayError> {
        let key = self.key.current();
        let reply = self.get_with(address, longest, &key).await?;
        if !reply.refuses_the_key() {
            return Ok(reply);
        }
        match self.key.renewed(&key).await {
            Some(key) => self.get_with(address, longest, &key).await,
            None => Ok(reply),
        }
    }

    async fn get_with(
        &self,
        address: &Url,
        longest: Option<usize>,
        KeyPair(id, secret): &KeyPair,
    ) -> Result<Reply, GatewayError> {
        let request = self.http.client.get(address.clone()).basic_auth(id, Some(secret));
        match longest {
            Some(longest) => self.http.send_for(request, longest).await,
            None => self.http.send(request).await,
        }
    }
}

/// What goes into a path: nothing that could lead elsewhere.
fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(is_plain)
}

fn parts(key: &str) -> Option<KeyPair> {
    let (id, secret) = key.trim().split_once(':')?;
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    (is_part(id) && is_part(secret)).then(|| KeyPair(id.to_owned(), secret.to_owned()))
}

fn read(reply: &Reply, id: &str) -> Result<ProviderOrder, GatewayError> {
    if reply.status != 200 {
        return Err(reply.failure());
    }
    let unreadable = |reason: &str| reply.unreadable(reason.to_owned());
    let order: Value = serde_json::from_slice(&reply.body).map_err(|_| unreadable("it is no JSON"))?;
    if order.get("id").and_then(Value::as_str) != Some(id) {
        return Err(unreadable("it is about another order"));
    }
    let amount = order.get("amount").and_then(Value::as_i64);
    let currency = order.get("currency").and_then(Value::as_str);
    let notes = match order.get("notes") {
        // Where there are none, Razorpay sends an empty list in place of the object.
        None | Some(Value::Null | Value::Array(_)) => Metadata::default(),
        Some(Value::Object(notes)) => Metadata(notes.clone()),
        Some(_) => return Err(unreadable("notes is no object")),
    };
    Ok(ProviderOrder {
        amount_minor: amount
            .filter(|amount| *amount > 0)
            .ok_or_else(|| unreadable("amount is no whole number of minor units"))?,
        currency: currency
            .ok_or_else(|| unreadable("currency is missing"))?
            .to_owned(),
        notes,
        is_paid: order.get("status").and_then(Value::as_str) == Some("paid"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(status: u16, body: &Value) -> Reply {
        Reply {
            status,
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn an_order_is_read_with_its_notes_and_an_empty_list_means_none() {
        let body = |notes: Value| {
            json!({"id": "order_1", "entity": "order", "amount": 499_900, "amount_paid": 499_900, "currency": "INR", "status": "paid",
                   "notes": notes})
        };
        let order = read(&reply(200, &body(json!({"purchaseTier": "20"}))), "order_1").unwrap();
        assert_eq!((order.amount_minor, order.currency.as_str()), (499_900, "INR"));
        assert!(order.is_paid);
        assert_eq!(order.notes.purchase_tier(), Ok(20));
        for nothing in [json!([]), json!({}), Value::Null] {
            let order = read(&reply(200, &body(nothing)), "order_1").unwrap();
            assert_eq!(order.notes, Metadata::default());
        }
    }

    #[test]
    fn what_is_not_this_order_says_nothing_about_a_price() {
        let good = json!({"id": "order_1", "amount": 1, "currency": "INR", "notes": {}});
        assert!(read(&reply(200, &good), "order_1").is_ok());
        for (field, value) in [
            ("id", json!("order_2")),
            ("amount", json!("1")),
            ("amount", json!(0.5)),
            ("amount", json!(-1)),
            ("currency", Value::Null),
            ("notes", json!("course")),
        ] {
            let mut body = good.clone();
            body[field] = value;
            let error = read(&reply(200, &body), "order_1").unwrap_err();
            assert_eq!(error.code(), "gateway_unreadable", "{field}");
        }
        let refused = read(
            &reply(401, &json!({"error": {"description": "Authentication failed"}})),
            "order_1",
        );
        assert_eq!(refused.unwrap_err().code(), "gateway_refused");
        assert_eq!(
            read(&reply(502, &json!({})), "order_1").unwrap_err().code(),
            "gateway_unavailable"
        );
    }

    #[test]
    fn an_id_never_leads_to_another_path_and_a_key_has_two_parts() {
        for id in [
            "",
            "order_1/payments",
            "..",
            "order 1",
            "order_1?x",
            "ordér",
            &"o".repeat(65),
        ] {
            assert!(!is_id(id), "{id}");
        }
        assert!(is_id("order_FS8TWyPrCsa0OB"));
        for key in [
            "",
            "rzp_live_1",
            "rzp_live_1:",
            ":secret",
            "a b:c",
            "{\"id\":\n1}",
        ] {
            assert!(parts(key).is_none(), "{key}");
        }
        let KeyPair(id, secret) = parts(" rzp_live_1:a:b\n").unwrap();
        assert_eq!((id.as_str(), secret.as_str()), ("rzp_live_1", "a:b"));
    }

    #[test]
    fn without_a_key_orders_are_not_asked_for_and_a_wrong_address_is_named() {
        let mut none = Environment::of(&[("RAZORPAY_BASE_URL", "https://api.razorpay.com")]);
        assert!(RazorpayConfig::read_if_any(&mut none).is_none());
        assert_eq!(none.finish(), Ok(()));
        let mut wrong = Environment::of(&[("RAZORPAY_API_SECRET", "a:b"), ("RAZORPAY_BASE_URL", "ftp://x")]);
        assert!(RazorpayConfig::read_if_any(&mut wrong).is_some());
        assert!(
            wrong
                .finish()
                .unwrap_err()
                .to_string()
                .contains("RAZORPAY_BASE_URL")
        );
    }
}
