//! A payment that somebody we believe calls confirmed, whoever that was, and why one can't be fulfilled.

use makegood::event::Metadata;
use makegood::ids::{CourseId, PaymentId, StudentId};

/// A confirmed payment for a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedPayment {
    /// The id that it gets when nobody has recorded it yet.
    pub own_id: PaymentId,
    /// The id under which the school may have begun it; used only when that row is this student's and names no other
    /// payment of the provider.
    pub hinted_id: Option<PaymentId>,
    /// Who learns.
    pub student_id: StudentId,
    /// What was bought.
    pub course_id: CourseId,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Who took the money.
    pub provider: Option<String>,
    /// The provider's own id; unique in `payments`.
    pub provider_payment_id: Option<String>,
    /// `upi`, `card`, …
    pub payment_method: Option<String>,
    /// Tier, time slot, start date, expiry, and whatever else came; no personal data.
    pub metadata: Metadata,
}

/// Why what was sent can't be used. It names the field and never quotes the value, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is no JSON object.
    #[error("the body {0}; send one JSON object")]
    Unreadable(&'static str),
    /// A field is not there.
    #[error("field `{field}` is missing; it must be {expected}")]
    Missing {
        /// Its path.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A field can't be used.
    #[error("field `{field}` must be {expected}")]
    Wrong {
        /// Its path.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl Refusal {
    /// A stable code for the caller.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable_body",
            Self::Missing { .. } => "missing_field",
            Self::Wrong { .. } => "invalid_field",
        }
    }

    /// The field's path, where one is to blame.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Unreadable(_) => None,
            Self::Missing { field, .. } | Self::Wrong { field, .. } => Some(field),
        }
    }

    /// A field that can't be used.
    #[must_use]
    pub fn wrong(field: &str, expected: &'static str) -> Self {
        Self::Wrong {
            field: field.to_owned(),
            expected,
        }
    }
}

/// A refusal, and what is known of the money that moved all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The payment, when it can be named: then a person must see it.
    pub stranded: Option<Box<StrandedPayment>>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            stranded: None,
        }
    }
}

/// Money that moved, and it can't be made out what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrandedPayment {
    /// What names it: the provider's payment id, or ours.
    pub subject: String,
    /// The id that it would have been recorded under.
    pub payment_id: PaymentId,
    /// The provider's own id.
    pub provider_payment_id: Option<String>,
    /// Who took the money.
    pub provider: Option<String>,
    /// Minor units, where it can be read.
    pub amount_minor: Option<i64>,
    /// ISO 4217, where it can be read.
    pub currency: Option<String>,
}

impl ConfirmedPayment {
    /// What names this payment to a person: the provider's payment id, or ours.
    #[must_use]
    pub fn subject(&self) -> String {
        self.provider_payment_id
            .clone()
            .unwrap_or_else(|| self.own_id.to_string())
    }

    /// The same payment as one that can't be fulfilled.
    #[must_use]
    pub fn stranded(&self) -> StrandedPayment {
        StrandedPayment {
            subject: self.subject(),
            payment_id: self.own_id,
            provider_payment_id: self.provider_payment_id.clone(),
            provider: self.provider.clone(),
            amount_minor: Some(self.amount_minor),
            currency: Some(self.currency.clone()),
        }
    }
}
