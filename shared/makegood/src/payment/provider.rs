//! The providers whose webhooks are read: their names and ids, and which payments are the same money.

use crate::ids::{PaymentId, derived_uuid, indexable};

/// Razorpay, as `payments.provider` has it.
pub const PROVIDER: &str = "razorpay";
/// Stripe, as `payments.provider` has it.
pub const STRIPE: &str = "stripe";
const OF_WEBHOOKS: [&str; 2] = [PROVIDER, STRIPE];

/// Whether the text may be an id of a provider's.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The id of a payment of Razorpay's that was not begun under another: always the same for the same payment, so that a
/// repeat meets its row by the primary key even where `provider_payment_id` is not unique.
#[must_use]
pub fn derived_payment_id(razorpay_id: &str) -> PaymentId {
    derived_id(PROVIDER, razorpay_id)
}

/// As [`derived_payment_id`], for a payment of this provider.
#[must_use]
pub fn derived_id(provider: &str, id: &str) -> PaymentId {
    PaymentId(derived_uuid(&format!("{provider}:{id}")))
}

/// Whether this id was derived from this provider's id by one of the two above, under its own name or the one of [`name_beside`].
#[must_use]
pub fn is_derived(payment: PaymentId, provider_payment_id: &str) -> bool {
    let is_of = |provider: &&str| derived_id(provider, provider_payment_id) == payment;
    OF_WEBHOOKS.iter().any(is_of) || derived_uuid(provider_payment_id) == payment.0
}

/// Whether two payments that have the same provider's id are other money, since Stripe took the one and another provider the other. Who
/// does not say which provider it was speaks of either.
#[must_use]
pub fn are_apart(one: Option<&str>, other: Option<&str>) -> bool {
    let is_stripe = |name: &str| name.eq_ignore_ascii_case(STRIPE);
    match (one, other) {
        (Some(one), Some(other)) => is_stripe(one) != is_stripe(other),
        _ => false,
    }
}

/// Under which name a payment of this provider is kept where another provider's payment has its id: the column is unique for all
/// providers together.
#[must_use]
pub fn name_beside(provider: &str, id: &str) -> String {
    indexable(&format!("{provider}:{id}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_payments_are_apart_from_all_others_and_no_others_from_each_other() {
        for (one, other, expected) in [
            (Some("stripe"), Some("razorpay"), true),
            (Some("khalti"), Some("Stripe"), true),
            (Some("Stripe"), Some("stripe"), false),
            (Some("razorpay"), Some("card"), false),
            (Some("stripe"), None, false),
            (None, None, false),
        ] {
            assert_eq!(are_apart(one, other), expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn an_id_that_was_made_here_is_known_for_each_provider_and_under_either_name() {
        assert_ne!(derived_id(STRIPE, "pi_1"), derived_payment_id("pi_1"));
        assert!(is_derived(derived_payment_id("pay_1"), "pay_1"));
        assert!(is_derived(derived_id(STRIPE, "pi_1"), "pi_1"));
        assert!(is_derived(
            derived_id(STRIPE, "pi_1"),
            &name_beside(STRIPE, "pi_1")
        ));
        assert!(!is_derived(derived_id(STRIPE, "pi_1"), "pi_2"));
    }
}
