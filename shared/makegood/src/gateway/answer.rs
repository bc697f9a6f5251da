//! What a gateway can say about a payment, as a closed enumeration, and what that means for an order.

use serde_json::Value;

/// What a gateway says about a payment.
///
/// ```
/// use makegood::gateway::{GatewayAnswer, Verdict, amount::rupees_of_paisa};
///
/// let answer = GatewayAnswer::Paid { amount_minor: 100_000, reference: Some("000AWEO".to_owned()) };
/// assert_eq!(answer.verdict(false), Verdict::Paid);
/// if let GatewayAnswer::Paid { amount_minor, .. } = answer {
///     assert_eq!(rupees_of_paisa(amount_minor), "1000");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayAnswer {
    /// The money is there.
    Paid {
        /// How much, in paisa. Compare it with what was asked for.
        amount_minor: i64,
        /// The gateway's own number of the payment; kept for refunds.
        reference: Option<String>,
    },
    /// Begun and not decided.
    Pending,
    /// The gateway itself doesn't know yet (eSewa's AMBIGUOUS): hold, and ask again.
    Ambiguous,
    /// The gateway knows no such payment. eSewa says so when its session ended, and just as well while the buyer has not
    /// sent the form yet: final only once the link is over.
    NotFound,
    /// The buyer, or the gateway, cancelled it.
    Cancelled,
    /// Its link ended unpaid.
    Expired,
    /// It was paid and then given back: not to be fulfilled.
    Refunded {
        /// Only a part was given back; a person has to look.
        partially: bool,
    },
}

/// What an answer means for the order.
///
/// ```
/// use makegood::gateway::{GatewayAnswer, Verdict};
///
/// let is_final = |answer: GatewayAnswer| answer.verdict(true) != Verdict::Open;
/// assert!(is_final(GatewayAnswer::Cancelled));
/// assert!(!is_final(GatewayAnswer::Pending), "it is asked again, however late it is");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Fulfil, if the amount is right.
    Paid,
    /// Record nothing; ask again later.
    Open,
    /// No money came and none will: free the stock.
    Over,
    /// Money came and went back: no order, free the stock, and a person looks.
    Returned,
}

impl GatewayAnswer {
    /// What to do. `link_over` says whether the payment link's time has passed: only then is an unknown payment one that
    /// was never made, and not one that a slow buyer is about to make.
    ///
    /// ```
    /// use makegood::gateway::{GatewayAnswer, Verdict};
    ///
    /// assert_eq!(GatewayAnswer::NotFound.verdict(false), Verdict::Open); // the buyer may still pay
    /// assert_eq!(GatewayAnswer::NotFound.verdict(true), Verdict::Over);
    /// assert_eq!(GatewayAnswer::Refunded { partially: true }.verdict(true), Verdict::Returned);
    /// ```
    #[must_use]
    pub const fn verdict(&self, link_over: bool) -> Verdict {
        match self {
            Self::Paid { .. } => Verdict::Paid,
            Self::Pending | Self::Ambiguous => Verdict::Open,
            Self::NotFound if link_over => Verdict::Over,
            Self::NotFound => Verdict::Open,
            Self::Cancelled | Self::Expired => Verdict::Over,
            Self::Refunded { .. } => Verdict::Returned,
        }
    }

    /// A stable name, for logs and answers.
    ///
    /// ```
    /// use makegood::gateway::GatewayAnswer;
    ///
    /// assert_eq!(GatewayAnswer::NotFound.code(), "not_found");
    /// assert_eq!(GatewayAnswer::Refunded { partially: true }.code(), "partially_refunded");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Paid { .. } => "paid",
            Self::Pending => "pending",
            Self::Ambiguous => "ambiguous",
            Self::NotFound => "not_found",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded { partially: false } => "refunded",
            Self::Refunded { partially: true } => "partially_refunded",
        }
    }
}

/// An answer with its evidence.
///
/// ```
/// use makegood::gateway::{GatewayAnswer, GatewayReply};
/// use serde_json::json;
///
/// let reply = GatewayReply {
///     answer: GatewayAnswer::Pending,
///     record: json!({"status": "PENDING", "total_amount": "1000.0"}),
/// };
/// assert_eq!(reply.record["total_amount"], "1000.0", "as eSewa wrote it");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayReply {
    /// What it says.
    pub answer: GatewayAnswer,
    /// The protocol's fields as they were written, numbers as texts, for `verification_response`. Nothing about the buyer.
    pub record: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_that_is_not_known_yet_stays_open_until_its_link_is_over() {
        assert_eq!(GatewayAnswer::NotFound.verdict(false), Verdict::Open);
        assert_eq!(GatewayAnswer::NotFound.verdict(true), Verdict::Over);
    }

    #[test]
    fn what_is_undecided_stays_open_however_late_it_is() {
        for answer in [GatewayAnswer::Pending, GatewayAnswer::Ambiguous] {
            assert_eq!(answer.verdict(true), Verdict::Open, "{answer:?}");
        }
    }
}
