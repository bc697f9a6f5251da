//! Razorpay's lists, a page at a time: what it says of itself, whether its webhooks arrived or not (docs/decisions/0090).

use super::{Razorpay, is_id};
use crate::gateway::GatewayError;
use crate::gateway::http::{Reply, below};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Map, Value};

/// More of a page than this is not read: a hundred payments with all the notes that Razorpay allows are a quarter of it.
const LONGEST_PAGE_BYTES: usize = 4 * 1_024 * 1_024;

/// What is listed by the time at which it was created.
///
/// ```
/// use makegood::gateway::RazorpayList;
///
/// assert_eq!(RazorpayList::Payments.path(), "v1/payments");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RazorpayList {
    /// Payments in every state, the newest first.
    Payments,
    /// Refunds in every state, the newest first.
    Refunds,
    /// What was paid out to the merchant, the newest first.
    Settlements,
}

impl RazorpayList {
    /// Where it is, below the base.
    ///
    /// ```
    /// use makegood::gateway::RazorpayList;
    ///
    /// assert_eq!(RazorpayList::Refunds.path(), "v1/refunds");
    /// ```
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Payments => "v1/payments",
            Self::Refunds => "v1/refunds",
            Self::Settlements => "v1/settlements",
        }
    }
}

/// From one instant to another, both in it; Razorpay counts in whole seconds.
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use makegood::gateway::Span;
///
/// let from = DateTime::UNIX_EPOCH;
/// let day = Span { from, to: from + TimeDelta::days(1) };
/// assert!(day.from < day.to);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The last one.
    pub to: DateTime<Utc>,
}

impl Razorpay {
    /// How many entries a page has at most.
    ///
    /// ```
    /// assert_eq!(makegood::gateway::Razorpay::PAGE, 100);
    /// ```
    pub const PAGE: usize = 100;

    /// A page of a list: the entries after the first `skip`, at most [`Self::PAGE`], as Razorpay writes them. Fewer mean the end.
    ///
    /// ```
    /// # use makegood::{config::Environment, gateway::RazorpayConfig};
    /// use makegood::gateway::{RazorpayList, Span};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut environment = Environment::of(&[
    /// #     ("RAZORPAY_API_SECRET", "rzp_live_1:hush"), ("RAZORPAY_BASE_URL", "http://127.0.0.1:1"),
    /// # ]);
    /// # let config = RazorpayConfig::read_if_any(&mut environment).ok_or("no key is set")?;
    /// # let razorpay = config.open(&aws_config::SdkConfig::builder().build()).await?;
    /// # let now = chrono::DateTime::UNIX_EPOCH;
    /// let span = Span { from: now, to: now };
    /// // Nothing listens here.
    /// let error = razorpay.page(RazorpayList::Payments, span, 0).await.unwrap_err();
    /// assert_eq!(error.code(), "gateway_unreachable");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When no answer that is in the protocol came within 10 s, or the key is refused.
    pub async fn page(
        &self,
        list: RazorpayList,
        span: Span,
        skip: usize,
    ) -> Result<Vec<Map<String, Value>>, GatewayError> {
        let query = [
            ("from", span.from.timestamp().to_string()),
            ("to", span.to.timestamp().to_string()),
            ("count", Self::PAGE.to_string()),
            ("skip", skip.to_string()),
        ];
        items(&self.ask(list.path(), &query).await?)
    }

    /// A page of what was settled on this day of the merchant's: payments, refunds, transfers and adjustments, each with its fee, its
    /// tax, and the settlement that it is in. Fewer than [`Self::PAGE`] mean the end.
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
    /// let day = "2026-11-29".parse()?;
    /// assert_eq!(razorpay.settled_on(day, 0).await.unwrap_err().code(), "gateway_unreachable");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn settled_on(
        &self,
        day: NaiveDate,
        skip: usize,
    ) -> Result<Vec<Map<String, Value>>, GatewayError> {
        let query = [
            ("year", day.year().to_string()),
            ("month", format!("{:02}", day.month())),
            ("day", format!("{:02}", day.day())),
            ("count", Self::PAGE.to_string()),
            ("skip", skip.to_string()),
        ];
        items(&self.ask("v1/settlements/recon/combined", &query).await?)
    }

    /// One payment by Razorpay's id, as Razorpay writes it; none when Razorpay knows no such payment of this merchant.
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
    /// assert_eq!(razorpay.payment("../orders").await, Ok(None)); // no id of Razorpay's, so not asked for
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn payment(&self, id: &str) -> Result<Option<Map<String, Value>>, GatewayError> {
        if !is_id(id) {
            return Ok(None);
        }
        let reply = match self.ask(&format!("v1/payments/{id}"), &[]).await {
            Ok(reply) => reply,
            // An id that it does not know is a 400 there.
            Err(GatewayError::Refused {
                status: 400 | 404, ..
            }) => return Ok(None),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&reply.body) {
            Ok(Value::Object(payment)) if payment.get("id").and_then(Value::as_str) == Some(id) => {
                Ok(Some(payment))
            }
            _ => Err(reply.unreadable("it is not the payment that was asked for".to_owned())),
        }
    }

    async fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<Reply, GatewayError> {
        let mut address = below(&self.base, path);
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        let reply = self.get(&address, Some(LONGEST_PAGE_BYTES)).await?;
        if reply.status == 200 {
            Ok(reply)
        } else {
            Err(reply.failure())
        }
    }
}

/// The entries of a collection. One that is no object makes the page unreadable: to leave it out would be to miss a payment.
fn items(reply: &Reply) -> Result<Vec<Map<String, Value>>, GatewayError> {
    let unreadable = |reason: &str| reply.unreadable(reason.to_owned());
    let mut page: Value = serde_json::from_slice(&reply.body).map_err(|_| unreadable("it is no JSON"))?;
    let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
        return Err(unreadable("it has no list of items"));
    };
    let objects = items.into_iter().map(|item| match item {
        Value::Object(item) => Ok(item),
        _ => Err(unreadable("an item is no object")),
    });
    objects.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_is_its_items_and_anything_else_is_unreadable_rather_than_empty() {
        let page = |body: &str| {
            items(&Reply {
                status: 200,
                body: body.as_bytes().to_vec(),
            })
        };
        let two = json!({"entity": "collection", "count": 2, "items": [{"id": "pay_1"}, {"id": "pay_2"}]});
        assert_eq!(page(&two.to_string()).unwrap().len(), 2);
        assert_eq!(
            page(r#"{"entity": "collection", "count": 0, "items": []}"#)
                .unwrap()
                .len(),
            0
        );
        for body in [
            "",
            "[]",
            "{}",
            r#"{"items": null}"#,
            r#"{"items": {}}"#,
            r#"{"items": [1]}"#,
            "<html>",
        ] {
            assert_eq!(page(body).unwrap_err().code(), "gateway_unreadable", "{body}");
        }
    }
}
