//! What a gateway's answer means for an intent. Pure.

use crate::gateway::{GatewayAnswer, Verdict};

/// What is to be done with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Paid in full: record it, and have the order made.
    Fulfil,
    /// Paid, and not what was asked for: record it, and open a case. No order.
    Mismatch {
        /// What the gateway has, in paisa.
        paid_minor: i64,
    },
    /// Cancelled for good: record it, and free the stock.
    Cancel,
    /// Its link ended unpaid, says the gateway: record it, and free the stock.
    Expire,
    /// Paid and given back: record it, free the stock, and open a case.
    GivenBack {
        /// Only a part was given back.
        partially: bool,
    },
    /// The link is over and the gateway knows of no payment: free the stock and record nothing, since eSewa's form can still
    /// be sent from a page that stayed open.
    Lapse,
    /// Nothing is decided: record nothing.
    Wait {
        /// The money may be on its way: keep the goods beyond the reservation's end.
        hold: bool,
    },
}

/// Decides. `asked_minor` is the intent's amount in paisa; `link_over` whether the payment link's time has passed.
#[must_use]
pub const fn decide(answer: &GatewayAnswer, asked_minor: i64, link_over: bool) -> Decision {
    match (answer.verdict(link_over), answer) {
        (Verdict::Paid, GatewayAnswer::Paid { amount_minor, .. }) if *amount_minor == asked_minor => {
            Decision::Fulfil
        }
        (Verdict::Paid, GatewayAnswer::Paid { amount_minor, .. }) => Decision::Mismatch {
            paid_minor: *amount_minor,
        },
        (Verdict::Over, GatewayAnswer::Cancelled) => Decision::Cancel,
        (Verdict::Over, GatewayAnswer::Expired) => Decision::Expire,
        (Verdict::Over, _) => Decision::Lapse,
        (Verdict::Returned, GatewayAnswer::Refunded { partially }) => Decision::GivenBack {
            partially: *partially,
        },
        (_, answer) => Decision::Wait {
            hold: matches!(answer, GatewayAnswer::Ambiguous),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn paid(amount_minor: i64) -> GatewayAnswer {
        GatewayAnswer::Paid {
            amount_minor,
            reference: None,
        }
    }

    #[test]
    fn one_paisa_makes_the_difference_both_ways() {
        assert_eq!(decide(&paid(100_000), 100_000, false), Decision::Fulfil);
        for paid_minor in [99_999, 100_001] {
            assert_eq!(
                decide(&paid(paid_minor), 100_000, false),
                Decision::Mismatch { paid_minor }
            );
        }
    }

    #[test]
    fn paid_is_paid_however_late_it_is() {
        assert_eq!(decide(&paid(5), 5, true), Decision::Fulfil);
    }

    #[test]
    fn an_unknown_payment_is_waited_for_until_its_link_is_over_and_even_then_it_is_not_final() {
        assert_eq!(
            decide(&GatewayAnswer::NotFound, 5, false),
            Decision::Wait { hold: false }
        );
        assert_eq!(decide(&GatewayAnswer::NotFound, 5, true), Decision::Lapse);
    }

    #[test]
    fn only_an_ambiguous_answer_holds_the_goods() {
        assert_eq!(
            decide(&GatewayAnswer::Ambiguous, 5, true),
            Decision::Wait { hold: true }
        );
        assert_eq!(
            decide(&GatewayAnswer::Pending, 5, true),
            Decision::Wait { hold: false }
        );
    }

    #[test]
    fn what_the_gateway_ended_is_over_at_once() {
        assert_eq!(decide(&GatewayAnswer::Cancelled, 5, false), Decision::Cancel);
        assert_eq!(decide(&GatewayAnswer::Expired, 5, false), Decision::Expire);
        let refunded = GatewayAnswer::Refunded { partially: true };
        assert_eq!(
            decide(&refunded, 5, false),
            Decision::GivenBack { partially: true }
        );
    }
}
