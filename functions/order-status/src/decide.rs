//! Which state a checkout without an order is in, from what its rows say. Pure.

/// Where a checkout is that has no order yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The buyer has not paid, as far as anybody told us.
    AwaitingPayment,
    /// The gateway was asked and has not decided.
    Verifying,
    /// Paid; the order is being made.
    Finalizing,
    /// It came to nothing.
    Failed,
    /// Paid, and a person has to look.
    NeedsAttention,
}

impl State {
    /// As the page has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Verifying => "verifying",
            Self::Finalizing => "finalizing",
            Self::Failed => "failed",
            Self::NeedsAttention => "needs_attention",
        }
    }

    /// After how many milliseconds the page should ask again: soon where the next step is a machine's.
    #[must_use]
    pub const fn retry_after_millis(self) -> u64 {
        match self {
            Self::Finalizing => 500,
            Self::Verifying => 1_000,
            Self::AwaitingPayment => 2_000,
            Self::Failed | Self::NeedsAttention => 30_000,
        }
    }

    /// Whether an order can be there within seconds, so that it pays to hold the request. What a person or a gateway has to do first
    /// can take as long as it likes: such questions would fill the function and keep out those whose order is being made.
    #[must_use]
    pub const fn may_end_soon(self) -> bool {
        match self {
            Self::Finalizing => true,
            Self::AwaitingPayment | Self::Verifying | Self::Failed | Self::NeedsAttention => false,
        }
    }
}

/// What the rows of a checkout without an order say, each as its column has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot<'a> {
    /// `payment_intents.status`.
    pub intent: &'a str,
    /// Whether the gateway was asked, and said or did anything but know nothing of it.
    pub asked: bool,
    /// `payment_gateway_verifications.status`, of the success if there is one.
    pub verification: Option<&'a str>,
    /// `job_queue.status` of the latest `finalize_order`.
    pub job: Option<&'a str>,
    /// Whether a payment case about it is open.
    pub case_open: bool,
    /// Whether all of its money is back: then there will be no order.
    pub given_back: bool,
}

/// The state. A person's turn comes before everything; the gateway's word before the intent's status, which may lag.
#[must_use]
pub fn state(snapshot: Snapshot<'_>) -> State {
    let mismatch = snapshot.verification == Some("amount_mismatch") && !snapshot.given_back;
    if snapshot.case_open || mismatch {
        return State::NeedsAttention;
    }
    if snapshot.given_back {
        return State::Failed;
    }
    let paid = snapshot.verification == Some("success") || snapshot.intent == "succeeded";
    match (paid, snapshot.job, snapshot.intent) {
        // Out of attempts, or stopped by a person.
        (true, Some("failed" | "cancelled"), _) => State::NeedsAttention,
        // Waiting, running, or lost and about to be found by the sweep.
        (true, _, _) => State::Finalizing,
        (false, _, "failed" | "cancelled" | "expired") => State::Failed,
        (false, _, _) if snapshot.verification == Some("failed") => State::Failed,
        (false, _, "processing") => State::Verifying,
        (false, _, _) if snapshot.asked => State::Verifying,
        (false, _, _) => State::AwaitingPayment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PENDING: Snapshot<'static> = Snapshot {
        intent: "pending",
        asked: false,
        verification: None,
        job: None,
        case_open: false,
        given_back: false,
    };
    const PAID: Snapshot<'static> = Snapshot {
        intent: "succeeded",
        asked: false,
        verification: Some("success"),
        job: Some("pending"),
        case_open: false,
        given_back: false,
    };

    #[test]
    fn a_pending_intent_awaits_its_payment() {
        assert_eq!(state(PENDING), State::AwaitingPayment);
    }

    #[test]
    fn the_gateway_is_deciding_while_the_intent_is_processing_or_it_was_asked() {
        assert_eq!(
            state(Snapshot {
                intent: "processing",
                ..PENDING
            }),
            State::Verifying
        );
        assert_eq!(
            state(Snapshot {
                asked: true,
                ..PENDING
            }),
            State::Verifying
        );
    }

    #[test]
    fn a_paid_checkout_is_finalizing_until_its_job_fails() {
        for job in [None, Some("pending"), Some("processing"), Some("completed")] {
            assert_eq!(state(Snapshot { job, ..PAID }), State::Finalizing, "{job:?}");
        }
        for job in [Some("failed"), Some("cancelled")] {
            assert_eq!(state(Snapshot { job, ..PAID }), State::NeedsAttention, "{job:?}");
        }
    }

    #[test]
    fn a_success_counts_whatever_the_intent_says_since_late_money_is_money() {
        for intent in ["pending", "processing", "failed", "cancelled", "expired"] {
            assert_eq!(state(Snapshot { intent, ..PAID }), State::Finalizing, "{intent}");
        }
        assert_eq!(
            state(Snapshot {
                verification: None,
                ..PAID
            }),
            State::Finalizing
        );
    }

    #[test]
    fn what_came_to_nothing_has_failed() {
        for intent in ["failed", "cancelled", "expired"] {
            assert_eq!(state(Snapshot { intent, ..PENDING }), State::Failed, "{intent}");
        }
        let refused = Snapshot {
            verification: Some("failed"),
            ..PENDING
        };
        assert_eq!(state(refused), State::Failed);
    }

    #[test]
    fn a_payment_whose_money_is_back_has_failed_unless_a_person_looks() {
        let given_back = Snapshot {
            given_back: true,
            intent: "failed",
            job: Some("cancelled"),
            ..PAID
        };
        assert_eq!(state(given_back), State::Failed);
        let verification = Some("amount_mismatch");
        assert_eq!(
            state(Snapshot {
                verification,
                ..given_back
            }),
            State::Failed
        );
        assert_eq!(
            state(Snapshot {
                case_open: true,
                ..given_back
            }),
            State::NeedsAttention
        );
    }

    #[test]
    fn an_open_case_or_a_wrong_amount_needs_a_person() {
        assert_eq!(
            state(Snapshot {
                case_open: true,
                ..PAID
            }),
            State::NeedsAttention
        );
        let wrong = Snapshot {
            verification: Some("amount_mismatch"),
            ..PENDING
        };
        assert_eq!(state(wrong), State::NeedsAttention);
        let closed_job = Snapshot {
            case_open: true,
            intent: "failed",
            ..PAID
        };
        assert_eq!(state(closed_job), State::NeedsAttention);
    }
}
