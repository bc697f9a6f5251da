//! A payment of nothing. No gateway takes one, so none is asked: the buyer is sent straight to the page to which the gateway would have
//! sent them back, and what becomes of the payment follows from its intent alone.

use super::{GatewayAnswer, GatewayReply, OpenedPayment, PaymentRequest, Provider};
use chrono::{DateTime, Utc};
use reqwest::Url;
use serde_json::json;

/// The page asks `verify-payment` with what is in the address, as it does after a payment.
pub(super) fn open(
    return_url: &Url,
    provider: Provider,
    request: &PaymentRequest<'_>,
    expires_at: DateTime<Utc>,
) -> OpenedPayment {
    let external_transaction_id = request.payment_intent_id.replace('_', "-");
    let name = match provider {
        Provider::Esewa => "transaction_uuid",
        Provider::Khalti => "pidx",
    };
    let mut payment_url = return_url.clone();
    payment_url
        .query_pairs_mut()
        .append_pair("provider", provider.wire_name())
        .append_pair(name, &external_transaction_id);
    OpenedPayment {
        external_transaction_id,
        payment_url: payment_url.into(),
        form_fields: None,
        expires_at,
    }
}

impl GatewayReply {
    /// What stands in the place of a gateway's answer where there is nothing to pay. `is_wanted` says whether the intent is still open: one
    /// that ended, or that a newer checkout replaced, is not what its buyer ordered any more.
    ///
    /// ```
    /// use makegood::gateway::{GatewayAnswer, GatewayReply};
    ///
    /// let paid = GatewayAnswer::Paid { amount_minor: 0, reference: None };
    /// assert_eq!(GatewayReply::of_nothing(true).answer, paid);
    /// assert_eq!(GatewayReply::of_nothing(false).answer, GatewayAnswer::Expired);
    /// ```
    #[must_use]
    pub fn of_nothing(is_wanted: bool) -> Self {
        let answer = if is_wanted {
            GatewayAnswer::Paid {
                amount_minor: 0,
                reference: None,
            }
        } else {
            GatewayAnswer::Expired
        };
        Self {
            answer,
            record: json!({"nothing_to_pay": true}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_return_page_is_told_what_to_verify_and_keeps_its_own_parameters() {
        let return_url = Url::parse("https://shop.example.com/return?lang=ne").unwrap();
        let request = PaymentRequest {
            payment_intent_id: "pi_khalti_7",
            amount_minor: 0,
        };
        let end = "2026-11-30T12:00:00Z".parse().unwrap();
        for (provider, address) in [
            (Provider::Khalti, "provider=khalti&pidx=pi-khalti-7"),
            (Provider::Esewa, "provider=esewa&transaction_uuid=pi-khalti-7"),
        ] {
            let opened = open(&return_url, provider, &request, end);
            let expected = format!("https://shop.example.com/return?lang=ne&{address}");
            assert_eq!(opened.payment_url, expected);
            assert_eq!(opened.external_transaction_id, "pi-khalti-7");
            assert_eq!((opened.form_fields, opened.expires_at), (None, end));
        }
    }
}
