//! Razorpay's name and ids.

use crate::ids::{PaymentId, derived_uuid};

/// As `payments.provider` has it.
pub const PROVIDER: &str = "razorpay";

/// Whether the text may be an id of Razorpay's.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The id of a payment that was not begun under another: always the same for the same payment at Razorpay, so that a
/// repeat meets its row by the primary key even where `provider_payment_id` is not unique.
#[must_use]
pub fn derived_payment_id(razorpay_id: &str) -> PaymentId {
    PaymentId(derived_uuid(&format!("{PROVIDER}:{razorpay_id}")))
}
