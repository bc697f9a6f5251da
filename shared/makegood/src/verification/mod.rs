//! Verification: a gateway itself is asked what became of a payment, and only its final word is recorded. One stage, used by
//! `verify-payment` when the buyer comes back and by `reconcile` when the buyer does not.
//!
//! ```text
//!   look, and claim the question ── recorded ──▶ the same answer again
//!    │                          ╲── asked within seconds, or being asked ──▶ wait for that answer, and give the same
//!    ▼
//!    ├── there is nothing to pay ──▶ no gateway is asked: under the intent's lock, paid while it is open, else expired
//!    ▼
//!   ask, with no transaction open · decide, purely
//!    ├── undecided ──▶ noted on the intent, nothing recorded
//!    ├── paid, and nothing else is known of it ──▶ one statement: verification, intent, job ──▶ wake the worker
//!    └── otherwise ──▶ one transaction under the intent's lock: verification, intent, stock, job, case
//! ```

mod decide;
mod order_job;
mod record;
mod stage;
mod store;

pub use decide::{Decision, decide};
pub use order_job::{enqueue_order, order_job_key};
pub use stage::Verifier;

use crate::gateway::{GatewayError, Provider};
use std::time::Duration;

/// A gateway is asked no more often than this about one payment, however many ask us.
pub const ASK_EVERY: Duration = Duration::from_secs(2);
/// Who asked and did not note an answer within this time is dead: longer than a gateway's patience.
pub(crate) const ASKER_DEAD_AFTER: Duration = Duration::from_secs(15);
/// How often a request that waits for another's answer looks for it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Which payment is asked about, as its gateway knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The gateway.
    pub provider: Provider,
    /// eSewa's `transaction_uuid`, Khalti's `pidx`.
    pub external_transaction_id: String,
}

/// A gateway's final word, as the column `status` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationStatus {
    /// Paid, what was asked for.
    Success,
    /// Not paid, and it never will be; or given back.
    Failed,
    /// Paid, and not what was asked for.
    AmountMismatch,
}

impl VerificationStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failed, Self::AmountMismatch];

    /// As the column and the wire have it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::AmountMismatch => "amount_mismatch",
        }
    }

    /// The status of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.wire_name() == name)
    }
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is no such payment.
    Unknown,
    /// The gateway's final word is recorded.
    Final {
        /// The intent.
        payment_intent_id: String,
        /// What it says.
        status: VerificationStatus,
        /// It was recorded before this question.
        already_verified: bool,
    },
    /// The link is over, and the gateway knows of no payment: the stock is free again. Not final: who pays all the same is
    /// verified when it is asked about again.
    Lapsed {
        /// The intent.
        payment_intent_id: String,
    },
    /// Nothing is decided; ask again after [`ASK_EVERY`].
    Undecided {
        /// The intent.
        payment_intent_id: String,
        /// The gateway could not be asked, or its answer not be read: whether that is the gateway's trouble or this question's.
        unanswered: Option<Unanswered>,
    },
}

/// Whose trouble it is that a question has no answer that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The gateway's: other questions will fare no better now.
    Gateway,
    /// This one question's: other questions may well be answered.
    Question,
}

impl Unanswered {
    /// Whose trouble this error is.
    #[must_use]
    pub const fn of(error: &GatewayError) -> Self {
        if error.concerns_one_request() {
            Self::Question
        } else {
            Self::Gateway
        }
    }

    /// What the noted code of an answer says ([`GatewayError::code`]); none for an answer. A code tells a wrong key from a wrong field no
    /// more, so that both are the question's: who asks next sees the error itself.
    fn of_code(code: &str) -> Option<Self> {
        match code {
            "gateway_refused" | "gateway_unreadable" => Some(Self::Question),
            code if code.starts_with("gateway_") => Some(Self::Gateway),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_code_blames_the_gateway_only_where_its_error_did() {
        let reason = || "odd".to_owned();
        for (error, noted) in [
            (GatewayError::TimedOut, Unanswered::Gateway),
            (GatewayError::Broken(reason()), Unanswered::Gateway),
            (GatewayError::Unavailable { status: 503 }, Unanswered::Gateway),
            (
                GatewayError::Refused {
                    status: 400,
                    reason: reason(),
                },
                Unanswered::Question,
            ),
            (
                GatewayError::Unreadable {
                    status: 200,
                    reason: reason(),
                },
                Unanswered::Question,
            ),
        ] {
            assert_eq!(Unanswered::of(&error), noted, "{error}");
            assert_eq!(Unanswered::of_code(error.code()), Some(noted), "{error}");
        }
        let wrong_key = GatewayError::Refused {
            status: 401,
            reason: reason(),
        };
        assert_eq!(Unanswered::of(&wrong_key), Unanswered::Gateway);
        assert_eq!(Unanswered::of_code("not_found"), None);
    }
}
