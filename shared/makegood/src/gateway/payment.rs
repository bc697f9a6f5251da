//! A payment on its way to a gateway and back: what is opened, what the buyer is sent to, what is asked for.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What is to be paid.
///
/// ```
/// use makegood::gateway::PaymentRequest;
/// use makegood::gateway::amount::rupees_of_paisa;
///
/// let request = PaymentRequest { payment_intent_id: "pi_esewa_1767817344753_0a1b2c3d", amount_minor: 100_050 };
/// assert_eq!(rupees_of_paisa(request.amount_minor), "1000.50");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentRequest<'a> {
    /// The intent; a gateway sees it as the order's id.
    pub payment_intent_id: &'a str,
    /// In paisa.
    pub amount_minor: i64,
}

/// A payment that the buyer can make now.
///
/// ```
/// use chrono::{TimeDelta, Utc};
/// use makegood::gateway::OpenedPayment;
///
/// let now = Utc::now();
/// let opened = OpenedPayment {
///     external_transaction_id: "bZQLD9wRVWo4CdESSfuSsB".to_owned(),
///     payment_url: "https://pay.khalti.com/?pidx=bZQLD9wRVWo4CdESSfuSsB".to_owned(),
///     form_fields: None, // Khalti's address is followed, nothing is posted
///     expires_at: now + TimeDelta::minutes(60),
/// };
/// assert!(opened.expires_at > now);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedPayment {
    /// What the gateway knows it by: eSewa's `transaction_uuid`, Khalti's `pidx`.
    pub external_transaction_id: String,
    /// Where the buyer is sent: with eSewa by posting the form, with Khalti by following it. The shop's own return page where there is
    /// nothing to pay.
    pub payment_url: String,
    /// The signed fields to post to `payment_url` (eSewa only, where there is something to pay). They hold nothing secret.
    pub form_fields: Option<BTreeMap<String, String>>,
    /// When the gateway's link ends. Intent and reservation end five minutes later (SPEC 4).
    pub expires_at: DateTime<Utc>,
}

/// A payment that the gateway is asked about.
///
/// ```
/// use makegood::gateway::{AskedPayment, PaymentRequest};
///
/// let request = PaymentRequest { payment_intent_id: "pi_esewa_7", amount_minor: 100_000 };
/// let asked = AskedPayment { external_transaction_id: "pi-esewa-7", amount_minor: request.amount_minor };
/// assert_eq!(asked.amount_minor, 100_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedPayment<'a> {
    /// What the gateway knows it by.
    pub external_transaction_id: &'a str,
    /// What it was opened with, in paisa: eSewa finds a payment by its amount too.
    pub amount_minor: i64,
}
