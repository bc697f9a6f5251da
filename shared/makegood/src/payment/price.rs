//! The price authority: what says that a payment buys this course, and that this is what it costs. Pure (docs/decisions/0040).
//!
//! A provider's signature proves who sent a message. What the buyer's browser wrote into its notes is only a claim, and one of
//! these must confirm it:
//!
//! | authority | what it decides | what the notes may still say |
//! |---|---|---|
//! | the payment service's signature | everything | |
//! | a begun row of `payments` | student, course, tier, amount, and whatever else its metadata has | the rest, such as the time slot |
//! | the provider's order, where the message carries it | the same | the rest |
//! | `course_prices` | the amount of this course and tier | everything else |
//! | `TRUST_WEBHOOK_NOTES=yes` | nothing | everything |

use crate::event::Metadata;
use crate::ids::{CourseId, PaymentId};
use crate::payment::known::KnownPayment;
use crate::payment::{ConfirmedPayment, Sender};

/// The tier that is sold where none is named (SPEC 2); notes may ask for less of a begun payment, never for more.
const UNNAMED_TIER: i32 = 30;
/// The fields of metadata that name the tier.
const TIER_FIELDS: [&str; 2] = ["purchaseTier", "sessionCount"];

/// What confirmed a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// The payment service signed what was bought.
    PaymentService,
    /// A row of `payments` that another program began.
    BegunPayment(PaymentId),
    /// The provider's order, whose notes and amount the merchant's server set.
    ProviderOrder,
    /// A price that was valid when the buyer paid.
    Price,
    /// The notes alone, because the operator said so.
    Notes,
}

/// Why nothing confirmed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpriced {
    /// There is no price to compare with.
    NoPrice,
    /// There are prices, and none is what was paid.
    OtherPrice,
}

impl Unpriced {
    /// For the sender and the person who looks at the case.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoPrice => {
                "no begun payment names what was bought, and course_prices has no price of this course, tier and currency for that time"
            }
            Self::OtherPrice => "the amount is not the price of this course and tier at that time",
        }
    }
}

/// What is known besides the message.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The rows that may be this payment, or were begun for the same order.
    pub rows: &'a [KnownPayment],
    /// The valid prices of the course and tier that the notes name, in the payment's currency, in minor units.
    pub prices: &'a [i64],
    /// Whether the operator set `TRUST_WEBHOOK_NOTES=yes`.
    pub trusts_notes: bool,
}

/// What confirms the payment, and the payment as that authority has it. `row` is the one that this payment is, if any.
///
/// # Errors
/// [`Unpriced`] when nothing confirms it.
pub fn judge(
    payment: &ConfirmedPayment,
    row: Option<&KnownPayment>,
    evidence: &Evidence<'_>,
) -> Result<(Authority, ConfirmedPayment), Unpriced> {
    if payment.sender == Sender::PaymentService {
        return Ok((Authority::PaymentService, payment.clone()));
    }
    let begun = row
        .filter(|row| row.is_authority() && !row.is_another_providers(payment))
        .or_else(|| begun_beside(payment, evidence.rows));
    if let Some((begun, bought)) = begun.and_then(|begun| Some((begun, as_begun(payment, begun)?))) {
        return Ok((Authority::BegunPayment(begun.id), bought));
    }
    if payment.order_confirms() {
        return Ok((Authority::ProviderOrder, payment.clone()));
    }
    if [payment.amount_minor, payment.worth_minor()]
        .iter()
        .any(|amount| evidence.prices.contains(amount))
    {
        return Ok((Authority::Price, payment.clone()));
    }
    if evidence.trusts_notes {
        return Ok((Authority::Notes, payment.clone()));
    }
    Err(if evidence.prices.is_empty() {
        Unpriced::NoPrice
    } else {
        Unpriced::OtherPrice
    })
}

/// A row that was begun for the same order and is settled with another charge: it still says what was bought, and what it cost.
fn begun_beside<'a>(payment: &ConfirmedPayment, rows: &'a [KnownPayment]) -> Option<&'a KnownPayment> {
    rows.iter().find(|row| {
        let hinted = Some(row.id) == payment.hinted_id && row.student_id == payment.student_id;
        (hinted || row.is_of_order(payment))
            && row.is_authority()
            && row.amount_minor <= payment.worth_minor()
            && row.currency.eq_ignore_ascii_case(&payment.currency)
    })
}

/// The payment as the begun row has it. None where that row does not say what was bought, or names no tier and the notes ask for
/// more than is sold without one.
fn as_begun(payment: &ConfirmedPayment, begun: &KnownPayment) -> Option<ConfirmedPayment> {
    let course = begun.course_id.as_deref()?.parse().ok()?;
    let row = Metadata::read(begun.metadata.as_ref()).unwrap_or_default();
    let mut notes = payment.metadata.clone();
    if TIER_FIELDS.iter().any(|field| row.0.contains_key(*field)) {
        TIER_FIELDS.iter().for_each(|field| drop(notes.0.remove(*field)));
    } else if notes.purchase_tier().is_ok_and(|tier| tier > UNNAMED_TIER) {
        return None;
    }
    let mut metadata = row.over(&notes);
    metadata.0.remove("courseId");
    Some(ConfirmedPayment {
        student_id: begun.student_id,
        course_id: CourseId(course),
        metadata,
        ..payment.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StudentId;
    use crate::payment::confirmed::tests::{COURSE, STUDENT, captured};
    use crate::payment::known::tests::row;
    use serde_json::json;
    use uuid::Uuid;

    const BEGUN: PaymentId = PaymentId(Uuid::from_u128(2));

    fn evidence<'a>(rows: &'a [KnownPayment], prices: &'a [i64]) -> Evidence<'a> {
        Evidence {
            rows,
            prices,
            trusts_notes: false,
        }
    }

    fn authority(payment: &ConfirmedPayment, evidence: &Evidence<'_>) -> Result<Authority, Unpriced> {
        judge(payment, None, evidence).map(|(authority, _)| authority)
    }

    #[test]
    fn notes_alone_confirm_nothing_unless_the_operator_says_so() {
        let payment = captured();
        assert_eq!(authority(&payment, &evidence(&[], &[])), Err(Unpriced::NoPrice));
        let trusting = Evidence {
            trusts_notes: true,
            ..evidence(&[], &[])
        };
        assert_eq!(authority(&payment, &trusting), Ok(Authority::Notes));
    }

    #[test]
    fn a_price_confirms_its_own_amount_and_no_other() {
        let mut payment = captured();
        let prices = [90, payment.amount_minor];
        assert_eq!(authority(&payment, &evidence(&[], &prices)), Ok(Authority::Price));
        payment.amount_minor = 1;
        assert_eq!(
            authority(&payment, &evidence(&[], &prices)),
            Err(Unpriced::OtherPrice)
        );
    }

    #[test]
    fn a_begun_payment_says_what_was_bought_whatever_the_notes_say() {
        // GIVEN a checkout of ten sessions of one course
        let mut begun = row(BEGUN, "initiated", None);
        begun.metadata = Some(json!({"courseId": COURSE, "sessionCount": 10}));
        // WHEN the browser's notes name another course, student and tier
        let mut payment = captured();
        payment.course_id = CourseId(Uuid::from_u128(77));
        payment.student_id = StudentId(Uuid::from_u128(78));
        payment.metadata.0.insert("purchaseTier".to_owned(), json!(30));
        payment.metadata.0.insert("timeSlot".to_owned(), json!("5:30 PM"));
        // THEN the row decides, and the notes keep what it does not say
        let (authority, bought) = judge(&payment, Some(&begun), &evidence(&[], &[])).unwrap();
        assert_eq!(authority, Authority::BegunPayment(BEGUN));
        assert_eq!(
            (
                bought.course_id,
                bought.student_id,
                bought.metadata.purchase_tier()
            ),
            (COURSE, STUDENT, Ok(10))
        );
        assert_eq!(bought.metadata.time_slot().as_deref(), Some("5:30 PM"));
    }

    #[test]
    fn a_row_that_was_made_from_notes_is_no_authority() {
        let payment = captured();
        let own = row(
            payment.own_id,
            "succeeded",
            payment.provider_payment_id.as_deref(),
        );
        let mut held = row(BEGUN, "initiated", None);
        held.is_held = true;
        let mut silent = row(BEGUN, "initiated", None);
        silent.course_id = None;
        for made in [own, held, silent] {
            let judged = judge(&payment, Some(&made), &evidence(std::slice::from_ref(&made), &[]));
            assert_eq!(judged, Err(Unpriced::NoPrice), "{made:?}");
        }
    }

    #[test]
    fn a_second_charge_is_confirmed_by_the_order_that_the_first_one_paid() {
        let mut payment = captured();
        payment.hinted_id = Some(BEGUN);
        let settled = row(BEGUN, "succeeded", Some("pay_0"));
        let rows = [settled];
        assert_eq!(
            authority(&payment, &evidence(&rows, &[])),
            Ok(Authority::BegunPayment(BEGUN))
        );
        let mut dollars = payment.clone();
        dollars.currency = "USD".to_owned();
        assert_eq!(authority(&dollars, &evidence(&rows, &[])), Err(Unpriced::NoPrice));
        let mut held = rows.clone();
        held[0].is_held = true;
        assert_eq!(authority(&payment, &evidence(&held, &[])), Err(Unpriced::NoPrice));
        payment.amount_minor -= 1;
        assert_eq!(authority(&payment, &evidence(&rows, &[])), Err(Unpriced::NoPrice));
    }

    #[test]
    fn a_hint_to_another_students_payment_confirms_nothing() {
        let mut payment = captured();
        payment.hinted_id = Some(BEGUN);
        let own = row(BEGUN, "succeeded", Some("pay_0"));
        let mut of_another_student = own.clone();
        of_another_student.student_id = StudentId(Uuid::from_u128(78));
        let mut not_hinted = own.clone();
        not_hinted.id = PaymentId(Uuid::from_u128(3));
        assert_eq!(
            authority(&payment, &evidence(&[own], &[])),
            Ok(Authority::BegunPayment(BEGUN))
        );
        for row in [of_another_student, not_hinted] {
            assert_eq!(
                authority(&payment, &evidence(&[row], &[])),
                Err(Unpriced::NoPrice)
            );
        }
    }

    #[test]
    fn notes_buy_no_more_than_a_begun_payment_that_names_no_tier() {
        let mut begun = row(BEGUN, "initiated", None);
        begun.metadata = Some(json!({"courseId": COURSE}));
        for (tier, priced) in [
            (30, Ok(Authority::BegunPayment(BEGUN))),
            (31, Err(Unpriced::NoPrice)),
        ] {
            let mut payment = captured();
            payment.metadata.0.insert("purchaseTier".to_owned(), json!(tier));
            let judged = judge(&payment, Some(&begun), &evidence(&[], &[]));
            assert_eq!(judged.map(|(authority, _)| authority), priced, "{tier}");
        }
    }

    #[test]
    fn the_providers_order_and_the_payment_service_confirm_by_themselves() {
        let mut payment = captured();
        payment.order_asks = Some(payment.amount_minor);
        assert_eq!(
            authority(&payment, &evidence(&[], &[])),
            Ok(Authority::ProviderOrder)
        );
        payment.order_asks = None;
        payment.sender = Sender::PaymentService;
        assert_eq!(
            authority(&payment, &evidence(&[], &[])),
            Ok(Authority::PaymentService)
        );
    }
}
