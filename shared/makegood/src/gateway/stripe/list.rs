//! Stripe's lists, a page at a time, the newest first: what it says of itself, whether its webhooks arrived or not (docs/decisions/0107).
//!
//! A page begins after an object and not after a number of them, so what comes in above it while the list is read moves nothing.

use super::{Stripe, is_id};
use crate::gateway::http::Reply;
use crate::gateway::{GatewayError, Span};
use serde_json::{Map, Value};

/// More of a page than this is not read: a hundred charges with all the metadata that Stripe allows, twice, are less than half of it.
const LONGEST_PAGE_BYTES: usize = 16 * 1_024 * 1_024;
/// How many objects a page has at most.
const PAGE: usize = 100;
const INTENT: &str = "payment_intent";
const CHARGE: &str = "latest_charge";

type Fields = Map<String, Value>;

/// What is listed by the time at which it was created.
///
/// ```
/// use makegood::gateway::StripeList;
///
/// assert_eq!(StripeList::Charges.path(), "v1/charges");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeList {
    /// Attempts to take money, with the PaymentIntents that they are of.
    Charges,
    /// Refunds in every state.
    Refunds,
    /// Disputes in every state.
    Disputes,
}

impl StripeList {
    /// Where it is, below the base.
    ///
    /// ```
    /// use makegood::gateway::StripeList;
    ///
    /// assert_eq!(StripeList::Refunds.path(), "v1/refunds");
    /// ```
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Charges => "v1/charges",
            Self::Refunds => "v1/refunds",
            Self::Disputes => "v1/disputes",
        }
    }
}

/// A page of a list.
///
/// ```
/// use makegood::gateway::StripePage;
///
/// let end = StripePage { entries: Vec::new(), read: 0, last: None, has_more: false };
/// assert!(!end.has_more);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StripePage {
    /// Of charges the payments: each PaymentIntent with its charge as `latest_charge`, or the charge where it has none; attempts that
    /// failed are left out. Else the objects.
    pub entries: Vec<Fields>,
    /// How many objects Stripe had on it.
    pub read: usize,
    /// The id of the last of them, after which the next page begins.
    pub last: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

impl Stripe {
    /// A page of a list: what was created in this time, after the object `after` where one is given.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::StripeConfig};
    /// use makegood::gateway::{Span, StripeList};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[("STRIPE_API_SECRET", "rk_live_1"), ("STRIPE_BASE_URL", "http://127.0.0.1:1")]);
    /// # let config = StripeConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    /// # let stripe = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// # let now = chrono::DateTime::UNIX_EPOCH;
    /// let span = Span { from: now, to: now };
    /// // Nothing listens here.
    /// let error = stripe.page(StripeList::Charges, span, Some("ch_1")).await.unwrap_err();
    /// assert_eq!(error.code(), "gateway_unreachable");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When no answer that is in the protocol came within 10 s, the key is refused, or Stripe has no such object to begin after.
    pub async fn page(
        &self,
        list: StripeList,
        span: Span,
        after: Option<&str>,
    ) -> Result<StripePage, GatewayError> {
        let mut query = vec![
            ("limit", PAGE.to_string()),
            ("created[gte]", span.from.timestamp().to_string()),
            ("created[lte]", span.to.timestamp().to_string()),
        ];
        if list == StripeList::Charges {
            let expanded = ["data.payment_intent", "data.balance_transaction"];
            query.extend(expanded.map(|field| ("expand[]", field.to_owned())));
        }
        query.extend(after.map(|id| ("starting_after", id.to_owned())));
        let reply = self.get(list.path(), &query, LONGEST_PAGE_BYTES).await?;
        page(&reply, list)
    }

    /// One payment by the id of its PaymentIntent or charge, as [`StripePage::entries`] has them; none when this account has none such.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::StripeConfig};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[("STRIPE_API_SECRET", "rk_live_1"), ("STRIPE_BASE_URL", "http://127.0.0.1:1")]);
    /// # let config = StripeConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    /// # let stripe = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// assert_eq!(stripe.payment("pi_1/cancel").await, Ok(None)); // no id of Stripe's, so not asked for
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn payment(&self, id: &str) -> Result<Option<Fields>, GatewayError> {
        let is_intent = id.starts_with("pi_");
        let (path, expanded) = if is_intent {
            (
                format!("v1/payment_intents/{id}"),
                ["latest_charge", "latest_charge.balance_transaction"],
            )
        } else {
            (format!("v1/charges/{id}"), [INTENT, "balance_transaction"])
        };
        let query = expanded.map(|field| ("expand[]", field.to_owned()));
        let Some((reply, payment)) = self.one(id, &path, &query).await? else {
            return Ok(None);
        };
        if !is_intent {
            return as_payment(&reply, payment).map(Some);
        }
        if payment.get(CHARGE).is_some_and(Value::is_string) {
            return Err(reply.unreadable("its charge is not expanded".to_owned()));
        }
        Ok(Some(payment))
    }

    /// The Checkout Session that this PaymentIntent was paid by, if any: it may have metadata of its own.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::StripeConfig};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[("STRIPE_API_SECRET", "rk_live_1"), ("STRIPE_BASE_URL", "http://127.0.0.1:1")]);
    /// # let config = StripeConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    /// # let stripe = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// assert_eq!(stripe.session_of("pi_1").await.unwrap_err().code(), "gateway_unreachable");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn session_of(&self, intent: &str) -> Result<Option<Fields>, GatewayError> {
        let query = [(INTENT, intent.to_owned()), ("limit", "1".to_owned())];
        let reply = self
            .get("v1/checkout/sessions", &query, LONGEST_PAGE_BYTES)
            .await?;
        let (sessions, _) = objects(&reply)?;
        let is_of = |session: &Fields| session.get(INTENT).and_then(Value::as_str) == Some(intent);
        Ok(sessions.into_iter().find(is_of))
    }

    /// One dispute; none when this account has none such.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::StripeConfig};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[("STRIPE_API_SECRET", "rk_live_1"), ("STRIPE_BASE_URL", "http://127.0.0.1:1")]);
    /// # let config = StripeConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    /// # let stripe = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// assert_eq!(stripe.dispute("du_1").await.unwrap_err().code(), "gateway_unreachable");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn dispute(&self, id: &str) -> Result<Option<Fields>, GatewayError> {
        let found = self.one(id, &format!("v1/disputes/{id}"), &[]).await?;
        Ok(found.map(|(_, dispute)| dispute))
    }

    async fn one(
        &self,
        id: &str,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<(Reply, Fields)>, GatewayError> {
        if !is_id(id) {
            return Ok(None);
        }
        let reply = match self.get(path, query, LONGEST_PAGE_BYTES).await {
            Ok(reply) => reply,
            Err(GatewayError::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&reply.body) {
            Ok(Value::Object(object)) if object.get("id").and_then(Value::as_str) == Some(id) => {
                Ok(Some((reply, object)))
            }
            _ => Err(reply.unreadable("it is not the object that was asked for".to_owned())),
        }
    }
}

fn page(reply: &Reply, list: StripeList) -> Result<StripePage, GatewayError> {
    let (objects, has_more) = objects(reply)?;
    let last = objects
        .last()
        .map(|object| object.get("id").and_then(Value::as_str));
    let last = match last {
        Some(None) => return Err(reply.unreadable("an object has no id".to_owned())),
        Some(Some(id)) => Some(id.to_owned()),
        None if has_more => {
            return Err(reply.unreadable("a page of nothing says that there is more".to_owned()));
        }
        None => None,
    };
    let read = objects.len();
    let entries = match list {
        StripeList::Charges => {
            let has_failed = |charge: &Fields| charge.get("status").and_then(Value::as_str) == Some("failed");
            let charges = objects.into_iter().filter(|charge| !has_failed(charge));
            charges
                .map(|charge| as_payment(reply, charge))
                .collect::<Result<_, _>>()?
        }
        StripeList::Refunds | StripeList::Disputes => objects,
    };
    Ok(StripePage {
        entries,
        read,
        last,
        has_more,
    })
}

/// The PaymentIntent of a charge, with the charge in it; the charge where it was made without.
fn as_payment(reply: &Reply, mut charge: Fields) -> Result<Fields, GatewayError> {
    match charge.remove(INTENT) {
        None | Some(Value::Null) => Ok(charge),
        Some(Value::Object(mut intent)) => {
            // The intent's own is the newest.
            charge.remove("metadata");
            intent.insert(CHARGE.to_owned(), Value::Object(charge));
            Ok(intent)
        }
        Some(_) => Err(reply.unreadable("the PaymentIntent of a charge is not expanded".to_owned())),
    }
}

/// The objects of a list, and whether there are more. One that is no object makes the page unreadable: to leave it out would be to miss
/// a payment.
fn objects(reply: &Reply) -> Result<(Vec<Fields>, bool), GatewayError> {
    let unreadable = |reason: &str| reply.unreadable(reason.to_owned());
    let mut page: Value = serde_json::from_slice(&reply.body).map_err(|_| unreadable("it is no JSON"))?;
    let has_more = page.get("has_more").and_then(Value::as_bool);
    let has_more = has_more.ok_or_else(|| unreadable("it does not say whether there is more"))?;
    let Some(Value::Array(data)) = page.get_mut("data").map(Value::take) else {
        return Err(unreadable("it has no list of data"));
    };
    let objects = data.into_iter().map(|object| match object {
        Value::Object(object) => Ok(object),
        _ => Err(unreadable("one of its data is no object")),
    });
    Ok((objects.collect::<Result<_, _>>()?, has_more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<StripePage, GatewayError> {
        let body = body.to_string().into_bytes();
        page(&Reply { status: 200, body }, StripeList::Charges)
    }

    fn charge(id: &str, status: &str, intent: Value) -> Value {
        json!({"id": id, "object": "charge", "status": status, "metadata": {"studentId": "old"}, "payment_intent": intent})
    }

    #[test]
    fn a_page_of_charges_is_its_payments_and_attempts_that_failed_are_none() {
        let intent = json!({"id": "pi_1", "object": "payment_intent", "metadata": {"studentId": "new"}});
        let data = [
            charge("ch_3", "succeeded", intent.clone()),
            charge("ch_2", "succeeded", Value::Null),
            charge("ch_1", "failed", intent),
        ];
        let page = read(&json!({"object": "list", "data": data, "has_more": true})).unwrap();
        assert_eq!(
            (page.read, page.last.as_deref(), page.has_more),
            (3, Some("ch_1"), true)
        );
        let [paid, without] = page.entries.as_slice() else {
            panic!("{:?}", page.entries);
        };
        assert_eq!(
            (&paid["id"], &paid["metadata"]["studentId"]),
            (&json!("pi_1"), &json!("new"))
        );
        assert_eq!(paid["latest_charge"]["id"], "ch_3");
        assert_eq!(without["id"], "ch_2");
    }

    #[test]
    fn what_is_no_whole_page_is_unreadable_rather_than_short() {
        let intent = json!("pi_1");
        for body in [
            json!({}),
            json!([]),
            json!({"data": []}),
            json!({"data": [], "has_more": "no"}),
            json!({"data": {}, "has_more": false}),
            json!({"data": [1], "has_more": false}),
            json!({"data": [{}], "has_more": false}),
            json!({"data": [], "has_more": true}),
            json!({"data": [charge("ch_1", "succeeded", intent)], "has_more": false}),
        ] {
            assert_eq!(read(&body).unwrap_err().code(), "gateway_unreadable", "{body}");
        }
        let end = read(&json!({"data": [], "has_more": false})).unwrap();
        assert_eq!((end.entries.len(), end.last, end.has_more), (0, None, false));
    }
}
