//! What becomes of a confirmed payment, given what `payments` holds: a pure decision.
//!
//! | the row | what happens | why |
//! |---|---|---|
//! | none | recorded, published | |
//! | initiated, processing, failed | succeeded, published | a bank may confirm what it called failed before |
//! | the same, but less was paid, or in another currency | case `amount_mismatch` | a person decides what that buys |
//! | cancelled | case `refund_due` | cancelled here and taken there: deliver or give back is no machine's choice |
//! | succeeded | first result; published if it never was | a payment service may write its row before it tells us |
//! | refunded | first result | the money went back: never fulfilled again |
//! | refunded, and this is another charge of it | case `refund_due` | new money for what was cancelled |

use crate::payment::{ConfirmedPayment, Refusal};
use makegood::case::CaseKind;
use makegood::ids::{PaymentId, StudentId};

/// A row of `payments` that this payment may be.
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
    /// The provider's own id, once known.
    pub provider_payment_id: Option<String>,
    /// The course that its metadata names.
    pub course_id: Option<String>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Insert the row under its own id, and publish it.
    Insert,
    /// Move this row to succeeded, and publish it.
    Succeed(PaymentId),
    /// Succeeded already: publish it unless it was.
    PublishUnlessDone(PaymentId),
    /// Change nothing: the first result stands.
    Stand(PaymentId, PaymentState),
    /// Change nothing, and open a case.
    OpenCase(PaymentId, CaseKind),
    /// The sender is wrong about a field.
    Refuse(Refusal),
}

/// The result that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// It was recorded.
    Recorded,
    /// It was given back.
    Refunded,
}

/// Decides.
#[must_use]
pub fn decide(payment: &ConfirmedPayment, candidates: &[KnownPayment]) -> Decision {
    let Some(known) = choose(payment, candidates) else {
        return Decision::Insert;
    };
    let others = known.student_id != payment.student_id;
    match known.status.as_str() {
        "refunded" if is_another_charge(known, payment) => Decision::OpenCase(known.id, CaseKind::RefundDue),
        "refunded" => Decision::Stand(known.id, PaymentState::Refunded),
        "succeeded" if others || buys_another_course(known, payment) => {
            Decision::Stand(known.id, PaymentState::Recorded)
        }
        "succeeded" => Decision::PublishUnlessDone(known.id),
        _ if others => Decision::Refuse(Refusal::wrong("studentId", "the student who began this payment")),
        "cancelled" => Decision::OpenCase(known.id, CaseKind::RefundDue),
        _ if falls_short(known, payment) => Decision::OpenCase(known.id, CaseKind::AmountMismatch),
        _ => Decision::Succeed(known.id),
    }
}

/// The row that this payment is: the provider's id is surest; then our own id; then the sender's hint, unless that row
/// is another student's or names another payment of the provider (a second payment for the same checkout is its own).
fn choose<'a>(payment: &ConfirmedPayment, candidates: &'a [KnownPayment]) -> Option<&'a KnownPayment> {
    let same_provider_id = |row: &&KnownPayment| {
        payment.provider_payment_id.is_some() && row.provider_payment_id == payment.provider_payment_id
    };
    let settled = |row: &&KnownPayment| matches!(row.status.as_str(), "succeeded" | "refunded");
    let hinted = |row: &&KnownPayment| {
        Some(row.id) == payment.hinted_id
            && row.student_id == payment.student_id
            && row.provider_payment_id.is_none()
    };
    // A legacy table may hold a provider's id twice: the row that was settled is the one that counts.
    let mut by_provider = candidates.iter().filter(same_provider_id);
    by_provider
        .clone()
        .find(settled)
        .or_else(|| by_provider.next())
        .or_else(|| candidates.iter().find(|row| row.id == payment.own_id))
        .or_else(|| candidates.iter().find(hinted))
}

/// The provider's ids say that this is not the charge that the row was settled with.
fn is_another_charge(known: &KnownPayment, payment: &ConfirmedPayment) -> bool {
    payment.provider_payment_id.is_some() && known.provider_payment_id != payment.provider_payment_id
}

/// One payment buys one course: a repeat that names another must not buy a second.
fn buys_another_course(known: &KnownPayment, payment: &ConfirmedPayment) -> bool {
    known
        .course_id
        .as_ref()
        .is_some_and(|course| !course.eq_ignore_ascii_case(&payment.course_id.to_string()))
}

/// More than was asked is fine: some providers put their fee on top.
fn falls_short(known: &KnownPayment, payment: &ConfirmedPayment) -> bool {
    payment.amount_minor < known.amount_minor || !known.currency.eq_ignore_ascii_case(&payment.currency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood::event::Metadata;
    use makegood::ids::CourseId;
    use uuid::Uuid;

    const OWN: PaymentId = PaymentId(Uuid::from_u128(1));
    const BEGUN: PaymentId = PaymentId(Uuid::from_u128(2));
    const STUDENT: StudentId = StudentId(Uuid::from_u128(3));

    fn payment() -> ConfirmedPayment {
        ConfirmedPayment {
            own_id: OWN,
            hinted_id: Some(BEGUN),
            student_id: STUDENT,
            course_id: CourseId(Uuid::from_u128(4)),
            amount_minor: 100,
            currency: "INR".to_owned(),
            provider: Some("razorpay".to_owned()),
            provider_payment_id: Some("pay_1".to_owned()),
            payment_method: None,
            metadata: Metadata::default(),
        }
    }

    fn row(id: PaymentId, status: &str, provider_payment_id: Option<&str>) -> KnownPayment {
        KnownPayment {
            id,
            student_id: STUDENT,
            status: status.to_owned(),
            amount_minor: 100,
            currency: "INR".to_owned(),
            provider_payment_id: provider_payment_id.map(str::to_owned),
            course_id: Some(CourseId(Uuid::from_u128(4)).to_string()),
        }
    }

    #[test]
    fn every_status_has_its_consequence() {
        for (status, expected) in [
            ("initiated", Decision::Succeed(OWN)),
            ("processing", Decision::Succeed(OWN)),
            ("failed", Decision::Succeed(OWN)),
            ("cancelled", Decision::OpenCase(OWN, CaseKind::RefundDue)),
            ("succeeded", Decision::PublishUnlessDone(OWN)),
            ("refunded", Decision::Stand(OWN, PaymentState::Refunded)),
        ] {
            assert_eq!(
                decide(&payment(), &[row(OWN, status, Some("pay_1"))]),
                expected,
                "{status}"
            );
        }
        assert_eq!(decide(&payment(), &[]), Decision::Insert);
    }

    #[test]
    fn a_begun_payment_is_met_by_its_hint_and_keeps_its_id() {
        assert_eq!(
            decide(&payment(), &[row(BEGUN, "initiated", None)]),
            Decision::Succeed(BEGUN)
        );
        let recorded = row(PaymentId(Uuid::from_u128(9)), "succeeded", Some("pay_1"));
        assert_eq!(
            decide(&payment(), std::slice::from_ref(&recorded)),
            Decision::PublishUnlessDone(recorded.id)
        );
    }

    #[test]
    fn a_hint_at_another_students_or_another_payments_row_is_not_followed() {
        let mut others = row(BEGUN, "initiated", None);
        others.student_id = StudentId(Uuid::from_u128(8));
        assert_eq!(decide(&payment(), &[others]), Decision::Insert);
        assert_eq!(
            decide(&payment(), &[row(BEGUN, "succeeded", Some("pay_0"))]),
            Decision::Insert
        );
    }

    #[test]
    fn of_two_rows_of_one_provider_payment_the_settled_one_counts() {
        let rows = [
            row(BEGUN, "initiated", Some("pay_1")),
            row(OWN, "refunded", Some("pay_1")),
        ];
        assert_eq!(
            decide(&payment(), &rows),
            Decision::Stand(OWN, PaymentState::Refunded)
        );
    }

    #[test]
    fn new_money_for_a_refunded_payment_is_never_lost_in_a_first_result() {
        let refunded = row(BEGUN, "refunded", None);
        assert_eq!(
            decide(&payment(), &[refunded]),
            Decision::OpenCase(BEGUN, CaseKind::RefundDue)
        );
    }

    #[test]
    fn paying_less_or_in_another_currency_is_a_case_and_paying_more_is_not() {
        let mut begun = row(BEGUN, "initiated", None);
        begun.amount_minor = 101;
        assert_eq!(
            decide(&payment(), &[begun.clone()]),
            Decision::OpenCase(BEGUN, CaseKind::AmountMismatch)
        );
        begun.amount_minor = 99;
        assert_eq!(decide(&payment(), &[begun.clone()]), Decision::Succeed(BEGUN));
        begun.currency = "USD".to_owned();
        assert_eq!(
            decide(&payment(), &[begun]),
            Decision::OpenCase(BEGUN, CaseKind::AmountMismatch)
        );
    }

    #[test]
    fn a_repeat_that_names_another_course_or_student_changes_nothing() {
        let mut recorded = row(OWN, "succeeded", Some("pay_1"));
        recorded.course_id = Some(Uuid::from_u128(5).to_string());
        assert_eq!(
            decide(&payment(), &[recorded.clone()]),
            Decision::Stand(OWN, PaymentState::Recorded)
        );
        recorded.student_id = StudentId(Uuid::from_u128(8));
        assert_eq!(
            decide(&payment(), &[recorded.clone()]),
            Decision::Stand(OWN, PaymentState::Recorded)
        );
        recorded.status = "initiated".to_owned();
        assert!(matches!(decide(&payment(), &[recorded]), Decision::Refuse(_)));
    }
}
