//! What becomes of a confirmed payment, given the row of `payments` that it is and whether something confirms its price: a pure
//! decision.
//!
//! | the row | what happens | why |
//! |---|---|---|
//! | none | recorded, published | |
//! | none, and nothing confirms the price | recorded, case `unpriced_payment` | the notes are the buyer's word (0040) |
//! | none, and its event was published before | case `unknown_payment` | the row was deleted, perhaps with a person's data |
//! | initiated, processing, failed | succeeded, published | a bank may confirm what it called failed before |
//! | the same, but less was paid, or in another currency | case `amount_mismatch` | a person decides what that buys |
//! | the same, less was paid with an offer, and the provider calls the order paid | succeeded, published | the merchant agreed to the offer (0103) |
//! | the same, and nothing says for which course | case `unpriced_payment` | |
//! | cancelled | case `refund_due` | cancelled here and taken there: deliver or give back is no machine's choice |
//! | succeeded | first result; published if it never was | a payment service may write its row before it tells us |
//! | succeeded, for another student or course | case `unknown_payment`; by the payment service's word a line of its own | one payment may buy several, and notes are no proof (0099) |
//! | succeeded and held | held, until something confirms it | |
//! | refunded | first result | the money went back: never fulfilled again |
//! | refunded, and this is another charge of it that was not given back | case `refund_due` | new money for what was cancelled |
//! | any, and the message says that all was given back | recorded as refunded where it was not fulfilled | |

use crate::case::CaseKind;
use crate::ids::PaymentId;
use crate::payment::known::KnownPayment;
use crate::payment::price::{Authority, Unpriced};
use crate::payment::{ConfirmedPayment, Refusal};

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Insert the row under its own id, and publish its event.
    Insert,
    /// Insert the row under its own id, and open a case: nothing confirms its price.
    InsertHeld(Unpriced),
    /// Insert the row under its own id as given back.
    InsertRefunded,
    /// Move this row to succeeded, and publish its event.
    Succeed(PaymentId),
    /// Move this row to refunded.
    Refund(PaymentId),
    /// It was held, and now something confirms it: write what was bought, and publish its event.
    Release(PaymentId),
    /// Succeeded already: publish its event unless that was done.
    PublishUnlessDone(PaymentId),
    /// Change nothing: the first result stands.
    Stand(PaymentId, PaymentState),
    /// Change nothing, and open a case.
    OpenCase(PaymentId, Hold),
    /// The sender is wrong about a field.
    Refuse(Refusal),
}

/// Why a person must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Cancelled or given back here, and charged at the provider.
    ChargedAfterEnd,
    /// Less was paid than was begun, or in another currency.
    FallsShort,
    /// Nothing confirms the price.
    Unpriced(Unpriced),
    /// It was recorded here before, and its row is gone.
    RowGone,
    /// It was recorded for another student or course, and a provider's notes are no word for a second.
    BuysSomethingElse,
}

impl Hold {
    /// The case to open.
    #[must_use]
    pub const fn kind(self) -> CaseKind {
        match self {
            Self::ChargedAfterEnd => CaseKind::RefundDue,
            Self::FallsShort => CaseKind::AmountMismatch,
            Self::Unpriced(_) => CaseKind::UnpricedPayment,
            Self::RowGone | Self::BuysSomethingElse => CaseKind::UnknownPayment,
        }
    }

    /// A stable code for what one kind of case has several reasons for.
    #[must_use]
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::RowGone => Some("payment_row_gone"),
            Self::BuysSomethingElse => Some("payment_buys_something_else"),
            Self::ChargedAfterEnd | Self::FallsShort | Self::Unpriced(_) => None,
        }
    }

    /// For the sender and the person who looks at the case.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ChargedAfterEnd => "it was cancelled or given back here, and the provider charged it",
            Self::FallsShort => "less was paid than was begun, or in another currency",
            Self::Unpriced(unpriced) => unpriced.reason(),
            Self::RowGone => {
                "it was recorded here before, and its row was deleted since, perhaps with a person's data"
            }
            Self::BuysSomethingElse => {
                "it is recorded for another student or course; a second one needs the payment service's word"
            }
        }
    }
}

/// The result that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// It was recorded.
    Recorded,
    /// It was given back.
    Refunded,
}

/// Decides about a payment that is this row, if any, as its authority has it.
#[must_use]
pub fn decide(
    payment: &ConfirmedPayment,
    row: Option<&KnownPayment>,
    priced: Result<Authority, Unpriced>,
) -> Decision {
    let Some(known) = row else {
        return match priced {
            _ if payment.is_given_back => Decision::InsertRefunded,
            Ok(_) => Decision::Insert,
            Err(unpriced) => Decision::InsertHeld(unpriced),
        };
    };
    let unpriced = |reason| Decision::OpenCase(known.id, Hold::Unpriced(reason));
    let others = known.student_id != payment.student_id;
    match known.status.as_str() {
        "refunded" if is_another_charge(known, payment) && !payment.is_given_back => {
            Decision::OpenCase(known.id, Hold::ChargedAfterEnd)
        }
        "refunded" => Decision::Stand(known.id, PaymentState::Refunded),
        "succeeded" if known.is_held => priced.map_or_else(unpriced, |_| Decision::Release(known.id)),
        "succeeded" if known.buys_something_else(payment) => {
            Decision::OpenCase(known.id, Hold::BuysSomethingElse)
        }
        "succeeded" => match priced {
            Err(reason) if known.course_id.is_none() => unpriced(reason),
            Ok(_) | Err(_) => Decision::PublishUnlessDone(known.id),
        },
        _ if others => Decision::Refuse(Refusal::wrong("studentId", "the student who began this payment")),
        _ if payment.is_given_back => Decision::Refund(known.id),
        "cancelled" => Decision::OpenCase(known.id, Hold::ChargedAfterEnd),
        _ if falls_short(known, payment) => Decision::OpenCase(known.id, Hold::FallsShort),
        _ => priced.map_or_else(unpriced, |_| Decision::Succeed(known.id)),
    }
}

/// The provider's ids say that this is not the charge that the row was settled with.
fn is_another_charge(known: &KnownPayment, payment: &ConfirmedPayment) -> bool {
    payment.provider_payment_id.is_some() && known.provider_payment_id != payment.provider_payment_id
}

/// More than was asked is fine: some providers put their fee on top. Less is fine where the provider's order is paid all the same, with an
/// offer.
fn falls_short(known: &KnownPayment, payment: &ConfirmedPayment) -> bool {
    payment.worth_minor() < known.amount_minor || !known.currency.eq_ignore_ascii_case(&payment.currency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StudentId;
    use crate::payment::confirmed::tests::captured;
    use crate::payment::known::choose;
    use crate::payment::known::tests::row;
    use uuid::Uuid;

    const OWN: PaymentId = PaymentId(Uuid::from_u128(1));
    const BEGUN: PaymentId = PaymentId(Uuid::from_u128(2));
    fn payment() -> ConfirmedPayment {
        ConfirmedPayment {
            own_id: OWN,
            hinted_id: Some(BEGUN),
            ..captured()
        }
    }

    /// With its price confirmed.
    fn decided(payment: &ConfirmedPayment, rows: &[KnownPayment]) -> Decision {
        decide(payment, choose(payment, rows), Ok(Authority::Price))
    }

    #[test]
    fn a_recorded_payment_without_a_course_waits_for_its_price_and_one_with_a_course_is_published() {
        let with_course = row(BEGUN, "succeeded", Some("pay_1"));
        let mut without = with_course.clone();
        without.course_id = None;
        for reason in [Unpriced::NoPrice, Unpriced::OtherPrice] {
            assert_eq!(
                decide(&payment(), Some(&without), Err(reason)),
                Decision::OpenCase(BEGUN, Hold::Unpriced(reason))
            );
            assert_eq!(
                decide(&payment(), Some(&with_course), Err(reason)),
                Decision::PublishUnlessDone(BEGUN)
            );
        }
    }

    #[test]
    fn each_reason_for_a_case_has_its_kind_its_code_and_its_own_sentence() {
        let mut sentences = std::collections::BTreeSet::new();
        for (hold, kind, code) in [
            (Hold::ChargedAfterEnd, CaseKind::RefundDue, None),
            (Hold::FallsShort, CaseKind::AmountMismatch, None),
            (Hold::Unpriced(Unpriced::NoPrice), CaseKind::UnpricedPayment, None),
            (
                Hold::Unpriced(Unpriced::OtherPrice),
                CaseKind::UnpricedPayment,
                None,
            ),
            (Hold::RowGone, CaseKind::UnknownPayment, Some("payment_row_gone")),
            (
                Hold::BuysSomethingElse,
                CaseKind::UnknownPayment,
                Some("payment_buys_something_else"),
            ),
        ] {
            assert_eq!((hold.kind(), hold.code()), (kind, code), "{hold:?}");
            assert!(
                hold.reason().len() > 20 && sentences.insert(hold.reason()),
                "{hold:?}"
            );
        }
    }

    #[test]
    fn every_status_has_its_consequence() {
        for (status, expected) in [
            ("initiated", Decision::Succeed(OWN)),
            ("processing", Decision::Succeed(OWN)),
            ("failed", Decision::Succeed(OWN)),
            ("cancelled", Decision::OpenCase(OWN, Hold::ChargedAfterEnd)),
            ("succeeded", Decision::PublishUnlessDone(OWN)),
            ("refunded", Decision::Stand(OWN, PaymentState::Refunded)),
        ] {
            assert_eq!(
                decided(&payment(), &[row(OWN, status, Some("pay_1"))]),
                expected,
                "{status}"
            );
        }
        assert_eq!(decided(&payment(), &[]), Decision::Insert);
    }

    #[test]
    fn a_begun_payment_is_met_by_its_hint_and_keeps_its_id() {
        assert_eq!(
            decided(&payment(), &[row(BEGUN, "initiated", None)]),
            Decision::Succeed(BEGUN)
        );
        let recorded = row(PaymentId(Uuid::from_u128(9)), "succeeded", Some("pay_1"));
        assert_eq!(
            decided(&payment(), std::slice::from_ref(&recorded)),
            Decision::PublishUnlessDone(recorded.id)
        );
    }

    #[test]
    fn a_hint_at_another_students_or_another_payments_row_is_not_followed() {
        let mut others = row(BEGUN, "initiated", None);
        others.student_id = StudentId(Uuid::from_u128(8));
        assert_eq!(decided(&payment(), &[others]), Decision::Insert);
        assert_eq!(
            decided(&payment(), &[row(BEGUN, "succeeded", Some("pay_0"))]),
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
            decided(&payment(), &rows),
            Decision::Stand(OWN, PaymentState::Refunded)
        );
    }

    #[test]
    fn new_money_for_a_refunded_payment_is_never_lost_in_a_first_result() {
        let refunded = row(BEGUN, "refunded", None);
        assert_eq!(
            decided(&payment(), &[refunded]),
            Decision::OpenCase(BEGUN, Hold::ChargedAfterEnd)
        );
    }

    #[test]
    fn paying_less_or_in_another_currency_is_a_case_and_paying_more_is_not() {
        let mut begun = row(BEGUN, "initiated", None);
        begun.amount_minor = 101;
        assert_eq!(
            decided(&payment(), &[begun.clone()]),
            Decision::OpenCase(BEGUN, Hold::FallsShort)
        );
        begun.amount_minor = 99;
        assert_eq!(decided(&payment(), &[begun.clone()]), Decision::Succeed(BEGUN));
        begun.currency = "USD".to_owned();
        assert_eq!(
            decided(&payment(), &[begun]),
            Decision::OpenCase(BEGUN, Hold::FallsShort)
        );
    }

    #[test]
    fn a_repeat_that_names_another_course_or_student_is_a_case() {
        let mut recorded = row(OWN, "succeeded", Some("pay_1"));
        recorded.course_id = Some(Uuid::from_u128(5).to_string());
        let open = Decision::OpenCase(OWN, Hold::BuysSomethingElse);
        assert_eq!(decided(&payment(), &[recorded.clone()]), open);
        recorded.student_id = StudentId(Uuid::from_u128(8));
        assert_eq!(decided(&payment(), &[recorded.clone()]), open);
        recorded.status = "initiated".to_owned();
        assert!(matches!(decided(&payment(), &[recorded]), Decision::Refuse(_)));
    }

    #[test]
    fn what_nothing_confirms_is_recorded_once_and_held_until_something_does() {
        let (payment, nothing) = (payment(), Err(Unpriced::NoPrice));
        assert_eq!(
            decide(&payment, None, nothing),
            Decision::InsertHeld(Unpriced::NoPrice)
        );
        let mut held = row(OWN, "succeeded", Some("pay_1"));
        held.is_held = true;
        let open = Decision::OpenCase(OWN, Hold::Unpriced(Unpriced::NoPrice));
        assert_eq!(decide(&payment, Some(&held), nothing), open);
        assert_eq!(decided(&payment, &[held.clone()]), Decision::Release(OWN));
        // A begun payment that does not say for which course.
        let mut begun = row(OWN, "initiated", None);
        begun.course_id = None;
        assert_eq!(decide(&payment, Some(&begun), nothing), open);
        // What was confirmed once stays so, whatever becomes of the price.
        let recorded = row(OWN, "succeeded", Some("pay_1"));
        assert_eq!(
            decide(&payment, Some(&recorded), nothing),
            Decision::PublishUnlessDone(OWN)
        );
    }

    #[test]
    fn what_was_given_back_already_is_never_fulfilled() {
        let mut payment = payment();
        payment.is_given_back = true;
        assert_eq!(decided(&payment, &[]), Decision::InsertRefunded);
        for status in ["initiated", "processing", "failed", "cancelled"] {
            let begun = row(BEGUN, status, None);
            assert_eq!(decided(&payment, &[begun]), Decision::Refund(BEGUN), "{status}");
        }
    }
}
