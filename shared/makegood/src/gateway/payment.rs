//! A payment on its way to a gateway and back: what is opened, what the buyer is sent to, what is asked for.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What is to be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentRequest<'a> {
    /// The intent; a gateway sees it as the order's id.
    pub payment_intent_id: &'a str,
    /// In paisa.
    pub amount_minor: i64,
}

/// A payment that the buyer can make now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedPayment {
    /// What the gateway knows it by: eSewa's `transaction_uuid`, Khalti's `pidx`.
    pub external_transaction_id: String,
    /// Where the buyer is sent: with eSewa by posting the form, with Khalti by following it.
    pub payment_url: String,
    /// The signed fields to post to `payment_url` (eSewa only). They hold nothing secret.
    pub form_fields: Option<BTreeMap<String, String>>,
    /// When the gateway's link ends. Intent and reservation end five minutes later (SPEC 4).
    pub expires_at: DateTime<Utc>,
}

/// A payment that the gateway is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedPayment<'a> {
    /// What the gateway knows it by.
    pub external_transaction_id: &'a str,
    /// What it was opened with, in paisa: eSewa finds a payment by its amount too.
    pub amount_minor: i64,
}
