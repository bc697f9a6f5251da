//! The merchant's keys.

use std::fmt;

/// What the merchant has from the gateways.
#[derive(Clone)]
pub struct Credentials {
    /// eSewa's merchant.
    pub esewa_product_code: String,
    /// What eSewa and the merchant sign with.
    pub esewa_secret: String,
    /// What Khalti wants in `Authorization: Key …`.
    pub khalti_secret: String,
    /// Razorpay's key id and key secret with a colon between them, as HTTP's basic authentication takes them.
    pub razorpay_api_secret: String,
    /// Stripe's restricted key.
    pub stripe_api_secret: String,
}

impl Credentials {
    /// eSewa's public sandbox merchant, and a key that opens nothing anywhere.
    #[must_use]
    pub fn sandbox() -> Self {
        Self {
            esewa_product_code: "EPAYTEST".to_owned(),
            esewa_secret: "8gBm/:&EnhH.1/q".to_owned(),
            khalti_secret: "khalti-key-of-the-stub".to_owned(),
            razorpay_api_secret: "rzp_test_stub:razorpay-key-of-the-stub".to_owned(),
            stripe_api_secret: "rk_test_key_of_the_stub".to_owned(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}
