//! `/_control`: how a running stub is told what to do, and asked what it did.

use super::behaviour::Behaviour;
use super::payment::{AmountStyle, Payment, PaymentState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The body of `POST /_control`; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Control {
    /// Payments that change by themselves, such as one that is paid between two questions.
    pub set: BTreeMap<String, PaymentState>,
    /// Appended to what the next questions are met with.
    pub script: Vec<Behaviour>,
    /// The script is for the questions about this payment only.
    pub payment: Option<String>,
    /// How long each answer takes.
    pub latency_millis: Option<u64>,
    /// How eSewa writes amounts into its callbacks.
    pub amount_style: Option<AmountStyle>,
    /// Payments that Razorpay has in its list from now on, as it writes them, whether their webhook arrives or not.
    pub razorpay_payments: Vec<Value>,
    /// How long the links last that Khalti gives from now on.
    pub khalti_link_seconds: Option<u32>,
}

/// The answer of `GET /_control`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// How often servers asked, by payment; `initiate` counts under its `purchase_order_id`.
    pub questions: BTreeMap<String, u64>,
    /// All payments.
    pub payments: Vec<Payment>,
}
