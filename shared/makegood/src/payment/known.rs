//! A row of `payments` that a payment may be, or that was begun for the same order, and which of several it is. Pure.

use crate::ids::{PaymentId, StudentId};
use crate::payment::provider::{STRIPE, are_apart, is_derived, name_beside};
use crate::payment::{ConfirmedPayment, Sender};
use serde_json::Value;

/// A row of `payments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPayment {
    /// Its key.
    pub id: PaymentId,
    /// Whose it is.
    pub student_id: StudentId,
    /// As the column has it.
    pub status: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Who took the money, where the row says so.
    pub provider: Option<String>,
    /// The provider's own id, once known; some checkouts keep the order's id here until then.
    pub provider_payment_id: Option<String>,
    /// The course that its metadata names.
    pub course_id: Option<String>,
    /// The provider's order that its metadata names (`orderId`).
    pub order_id: Option<String>,
    /// As the column has it.
    pub metadata: Option<Value>,
    /// Whether a case `unpriced_payment` answers for it.
    pub is_held: bool,
}

impl KnownPayment {
    /// Whether it says what was bought independently of the provider's notes: another program wrote it, with a course, and no
    /// case doubts it.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        let is_own = |id: &String| is_derived(self.id, id);
        let made_here = self.provider_payment_id.as_ref().is_some_and(is_own);
        self.course_id.is_some() && !self.is_held && !made_here
    }

    /// Whether it was recorded for another student, or for another course.
    #[must_use]
    pub fn buys_something_else(&self, payment: &ConfirmedPayment) -> bool {
        let course = payment.course_id.to_string();
        self.student_id != payment.student_id
            || self
                .course_id
                .as_ref()
                .is_some_and(|own| !own.eq_ignore_ascii_case(&course))
    }

    /// Whether it is settled with another provider's payment that has the same id, for another student or course: then it says nothing of
    /// what this payment bought.
    #[must_use]
    pub fn is_another_providers(&self, payment: &ConfirmedPayment) -> bool {
        let differs = |(own, other): (&String, &String)| !own.eq_ignore_ascii_case(other);
        self.status == "succeeded"
            && self
                .provider
                .as_ref()
                .zip(payment.provider.as_ref())
                .is_some_and(differs)
            && self.buys_something_else(payment)
    }

    /// Whether it is other money than this payment, though both have the same provider's id. A row that another program wrote as Stripe's
    /// is no proof of that against another provider's webhook: what that tells is a case (docs/decisions/0099).
    fn is_apart(&self, payment: &ConfirmedPayment) -> bool {
        let is_of_stripe = payment.provider.as_deref() == Some(STRIPE);
        let is_believed = is_of_stripe || payment.sender == Sender::PaymentService;
        let is_made_here = || {
            let id = self.provider_payment_id.as_deref();
            id.is_some_and(|id| is_derived(self.id, id))
        };
        are_apart(self.provider.as_deref(), payment.provider.as_deref()) && (is_believed || is_made_here())
    }

    /// Whether it has the provider's id of this payment, and is its money.
    fn has_id_of(&self, payment: &ConfirmedPayment) -> bool {
        payment.provider_payment_id.is_some()
            && self.provider_payment_id == payment.provider_payment_id
            && !self.is_apart(payment)
    }

    /// Whether it was begun for the order that this payment pays.
    #[must_use]
    pub fn is_of_order(&self, payment: &ConfirmedPayment) -> bool {
        payment.order_id.is_some()
            && !self.is_apart(payment)
            && (self.order_id == payment.order_id || self.provider_payment_id == payment.order_id)
    }

    /// Whether no payment of the provider has settled it.
    fn is_unclaimed(&self, order_id: Option<&String>) -> bool {
        let claimed_by = self.provider_payment_id.as_ref();
        claimed_by.is_none() || claimed_by == order_id
    }
}

/// The row that this payment is: the provider's id is surest; then our own id; then the provider's order; then the sender's hint,
/// unless that row is another student's or names another payment of the provider (a second payment for the same checkout is its
/// own).
#[must_use]
pub fn choose<'a>(payment: &ConfirmedPayment, candidates: &'a [KnownPayment]) -> Option<&'a KnownPayment> {
    let same_provider_id = |row: &&KnownPayment| row.has_id_of(payment);
    let settled = |row: &&KnownPayment| matches!(row.status.as_str(), "succeeded" | "refunded");
    let ordered =
        |row: &&KnownPayment| row.is_of_order(payment) && row.is_unclaimed(payment.order_id.as_ref());
    let hinted = |row: &&KnownPayment| {
        Some(row.id) == payment.hinted_id
            && row.student_id == payment.student_id
            && row.is_unclaimed(payment.order_id.as_ref())
    };
    // A legacy table may hold a provider's id twice: the row that was settled is the one that counts.
    let mut by_provider = candidates.iter().filter(same_provider_id);
    by_provider
        .clone()
        .find(settled)
        .or_else(|| by_provider.next())
        .or_else(|| candidates.iter().find(|row| row.id == payment.own_id))
        .or_else(|| candidates.iter().find(ordered))
        .or_else(|| candidates.iter().find(hinted))
}

/// The row that says what a payment bought whose own message does not: the one with the provider's id, or begun for its order, or
/// named by its note `paymentId`.
#[must_use]
pub fn naming<'a>(payment: &ConfirmedPayment, candidates: &'a [KnownPayment]) -> Option<&'a KnownPayment> {
    let named = candidates.iter().filter(|row| row.course_id.is_some());
    named
        .clone()
        .find(|row| row.has_id_of(payment))
        .or_else(|| named.clone().find(|row| row.is_of_order(payment)))
        .or_else(|| named.clone().find(|row| Some(row.id) == payment.hinted_id))
}

/// The payment under the name that it is kept by: one beside its id, where a row of other money has that.
#[must_use]
pub fn named_apart(payment: &ConfirmedPayment, candidates: &[KnownPayment]) -> ConfirmedPayment {
    let takes_its_id =
        |row: &KnownPayment| row.provider_payment_id == payment.provider_payment_id && row.is_apart(payment);
    let names = payment
        .provider
        .as_ref()
        .zip(payment.provider_payment_id.as_ref());
    match names.filter(|_| candidates.iter().any(takes_its_id)) {
        Some((provider, id)) => ConfirmedPayment {
            provider_payment_id: Some(name_beside(provider, id)),
            ..payment.clone()
        },
        None => payment.clone(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::payment::confirmed::tests::{COURSE, STUDENT, captured};
    use serde_json::json;
    use uuid::Uuid;

    pub(crate) fn row(id: PaymentId, status: &str, provider_payment_id: Option<&str>) -> KnownPayment {
        KnownPayment {
            id,
            student_id: STUDENT,
            status: status.to_owned(),
            amount_minor: 100,
            currency: "INR".to_owned(),
            provider: provider_payment_id.map(|_| "razorpay".to_owned()),
            provider_payment_id: provider_payment_id.map(str::to_owned),
            course_id: Some(COURSE.to_string()),
            order_id: None,
            metadata: Some(json!({"courseId": COURSE})),
            is_held: false,
        }
    }

    #[test]
    fn a_begun_payment_is_met_by_the_order_it_was_begun_for_wherever_that_is_kept() {
        let mut payment = captured();
        payment.order_id = Some("order_1".to_owned());
        let begun = PaymentId(Uuid::from_u128(9));
        let in_column = row(begun, "initiated", Some("order_1"));
        let mut in_metadata = row(begun, "initiated", None);
        in_metadata.order_id = Some("order_1".to_owned());
        let mut of_another = in_metadata.clone();
        of_another.order_id = Some("order_2".to_owned());
        let mut settled = in_metadata.clone();
        settled.provider_payment_id = Some("pay_0".to_owned());
        for (row, is_met) in [
            (in_column, true),
            (in_metadata, true),
            (of_another, false),
            (settled, false),
        ] {
            let rows = [row];
            assert_eq!(choose(&payment, &rows).is_some(), is_met, "{rows:?}");
        }
    }
}
