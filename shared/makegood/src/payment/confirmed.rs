//! A payment that a source we believe calls confirmed, whichever that was, and why one can't be fulfilled.

use crate::event::Metadata;
use crate::ids::{CourseId, PaymentId, StudentId};
use chrono::{DateTime, Utc};

/// Who signed the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The school's own payment service: what it signs was bought.
    PaymentService,
    /// A payment provider: that money moved is sure, what it was for is the buyer's claim.
    Provider,
}

/// A confirmed payment for a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedPayment {
    /// The id that it gets when it is not recorded yet.
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
    /// Who signed it.
    pub sender: Sender,
    /// The provider's order that it pays.
    pub order_id: Option<String>,
    /// What the merchant asked for, in minor units, where that came with it (the provider's order, a link, an invoice and the like), and
    /// names this student, course and tier.
    pub order_asks: Option<i64>,
    /// What the provider's order asked for, in minor units, where the order is paid with this payment and the provider took less from the
    /// buyer because of an offer. The merchant set the order's amount and agreed to the offer; no browser can change either.
    pub offer_on: Option<i64>,
    /// When the buyer paid, by the provider: which prices were valid.
    pub paid_at: Option<DateTime<Utc>>,
    /// Whether the same message says that all of it was given back already.
    pub is_given_back: bool,
}

/// A capture whose notes don't say what was bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnnamedPayment {
    /// All that is known of it; student and course are empty.
    pub payment: ConfirmedPayment,
    /// What is wrong with its notes; none when nothing in them is ours, as in a payment of another site of the same merchant.
    pub refusal: Option<Refusal>,
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
    /// It is for a student who was erased.
    #[error("field `studentId` is a student's who was erased here; nothing is made for them")]
    Erased,
}

impl Refusal {
    /// A stable code for the caller.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable_body",
            Self::Missing { .. } => "missing_field",
            Self::Wrong { .. } => "invalid_field",
            Self::Erased => "student_erased",
        }
    }

    /// The field's path, where one is to blame.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Unreadable(_) => None,
            Self::Missing { field, .. } | Self::Wrong { field, .. } => Some(field),
            Self::Erased => Some("studentId"),
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
    /// What it counts for against a price, in minor units: what was paid, or what the paid order asked for where an offer of the provider
    /// made it less.
    #[must_use]
    pub fn worth_minor(&self) -> i64 {
        self.offer_on
            .map_or(self.amount_minor, |asked| asked.max(self.amount_minor))
    }

    /// Whether what it pays came with it, made by the merchant, and asks for no more than was paid.
    #[must_use]
    pub fn order_confirms(&self) -> bool {
        self.order_asks.is_some_and(|asked| asked <= self.worth_minor())
    }

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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    pub(crate) const STUDENT: StudentId = StudentId(Uuid::from_u128(3));
    pub(crate) const COURSE: CourseId = CourseId(Uuid::from_u128(4));

    /// A captured payment of a provider, 100 paise, as its notes have it.
    pub(crate) fn captured() -> ConfirmedPayment {
        ConfirmedPayment {
            own_id: crate::payment::provider::derived_payment_id("pay_1"),
            hinted_id: None,
            student_id: STUDENT,
            course_id: COURSE,
            amount_minor: 100,
            currency: "INR".to_owned(),
            provider: Some("razorpay".to_owned()),
            provider_payment_id: Some("pay_1".to_owned()),
            payment_method: None,
            metadata: Metadata::default(),
            sender: Sender::Provider,
            order_id: None,
            order_asks: None,
            offer_on: None,
            paid_at: None,
            is_given_back: false,
        }
    }
}
