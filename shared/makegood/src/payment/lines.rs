//! One payment for several courses or children: each is a line of its own (docs/decisions/0099). Only the payment service says so; what
//! a provider's notes say beside what was recorded is a case.

use crate::db::Connection;
use crate::ids::{PaymentId, derived_uuid};
use crate::payment::known::KnownPayment;
use crate::payment::provider::name_beside;
use crate::payment::{ConfirmedPayment, Sender};
use serde_json::json;
use uuid::Uuid;

/// Under which name the metadata of a line says whose it is.
const LINE_OF: &str = "lineOf";

/// The id of the line of this payment for what the confirmation names: the same each time.
fn line_id(payment: PaymentId, confirmed: &ConfirmedPayment) -> PaymentId {
    let (student, course) = (confirmed.student_id, confirmed.course_id);
    PaymentId(derived_uuid(&format!("line:{payment}:{student}:{course}")))
}

/// A confirmation that names a payment that is recorded for another student or course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Further {
    /// It pays for one more: the payment as the line that it is.
    Line(Box<ConfirmedPayment>),
    /// It is another provider's payment, which has the same id by chance.
    Other(Box<ConfirmedPayment>),
}

/// What the payment service confirms beside the row that has the payment's id, where that was recorded for another student or course.
#[must_use]
pub(super) fn further(payment: &ConfirmedPayment, row: &KnownPayment) -> Option<Further> {
    let is_further = payment.sender == Sender::PaymentService
        && row.status == "succeeded"
        && !row.is_held
        && row.buys_something_else(payment);
    if !is_further {
        return None;
    }
    if let (Some(theirs), Some(ours)) = (&row.provider, &payment.provider)
        && row.id != payment.own_id
        && !theirs.eq_ignore_ascii_case(ours)
    {
        // The column is unique for all providers together.
        let id = payment.provider_payment_id.as_deref().unwrap_or_default();
        let name = name_beside(ours, id);
        return Some(Further::Other(Box::new(ConfirmedPayment {
            provider_payment_id: Some(name),
            ..payment.clone()
        })));
    }
    let mut metadata = payment.metadata.clone();
    metadata.0.insert(LINE_OF.to_owned(), json!(row.id));
    let own_id = if row.id == payment.own_id {
        line_id(row.id, payment)
    } else {
        payment.own_id
    };
    Some(Further::Line(Box::new(ConfirmedPayment {
        own_id,
        hinted_id: None,
        // The provider took the money once: its id stays with the row that came first.
        provider_payment_id: None,
        order_id: None,
        metadata,
        ..payment.clone()
    })))
}

/// Notes whose line it is.
///
/// # Errors
/// Those of the database.
pub(super) async fn note(
    connection: &mut Connection,
    line: PaymentId,
    payment: PaymentId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO payment_lines (line_id, payment_id) VALUES ($1, $2) ON CONFLICT (line_id) DO NOTHING",
        line.0,
        payment.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The further lines of a payment, in the order of their ids, their rows locked until the transaction ends.
///
/// # Errors
/// Those of the database.
pub(super) async fn lock_lines(
    connection: &mut Connection,
    payment: PaymentId,
) -> Result<Vec<PaymentId>, sqlx::Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar!(
        "SELECT y.id FROM payments y
         WHERE y.id IN (SELECT l.line_id FROM payment_lines l WHERE l.payment_id = $1)
         ORDER BY y.id FOR UPDATE",
        payment.0
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(PaymentId).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CourseId, StudentId};
    use crate::payment::confirmed::tests::captured;
    use crate::payment::known::tests::row;

    fn confirmed() -> ConfirmedPayment {
        ConfirmedPayment {
            sender: Sender::PaymentService,
            ..captured()
        }
    }

    fn recorded(id: PaymentId, provider: &str) -> KnownPayment {
        KnownPayment {
            provider: Some(provider.to_owned()),
            ..row(id, "succeeded", Some("pay_1"))
        }
    }

    fn line(payment: &ConfirmedPayment, row: &KnownPayment) -> ConfirmedPayment {
        match further(payment, row) {
            Some(Further::Line(line)) => *line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_student_and_course_is_one_line_and_what_is_recorded_is_none() {
        let recorded = recorded(confirmed().own_id, "razorpay");
        assert_eq!(further(&confirmed(), &recorded), None);
        let mut others = [confirmed(), confirmed()];
        others[0].student_id = StudentId(Uuid::from_u128(30));
        others[1].course_id = CourseId(Uuid::from_u128(40));
        let lines = others.each_ref().map(|other| line(other, &recorded));
        assert_ne!(lines[0].own_id, lines[1].own_id);
        for (made, other) in lines.iter().zip(&others) {
            assert_eq!(&line(other, &recorded), made);
            assert_ne!(made.own_id, recorded.id);
            assert_eq!(made.provider_payment_id, None);
            assert_eq!(made.metadata.0[LINE_OF], json!(recorded.id));
        }
    }

    #[test]
    fn a_line_that_the_service_gave_an_id_keeps_it_and_another_providers_payment_is_its_own() {
        let mut other = confirmed();
        other.course_id = CourseId(Uuid::from_u128(40));
        let first = recorded(PaymentId(Uuid::from_u128(1)), "Razorpay");
        assert_eq!(line(&other, &first).own_id, other.own_id);
        other.provider = Some("khalti".to_owned());
        let Some(Further::Other(own)) = further(&other, &first) else {
            panic!("a line of another provider's payment");
        };
        assert_eq!(own.provider_payment_id.as_deref(), Some("khalti:pay_1"));
        assert_eq!(own.own_id, other.own_id);
        // Who does not say which provider it was speaks of the same.
        other.provider = None;
        assert_eq!(line(&other, &first).own_id, other.own_id);
    }

    #[test]
    fn only_the_payment_service_and_only_of_what_was_recorded() {
        let mut other = confirmed();
        other.course_id = CourseId(Uuid::from_u128(40));
        let id = PaymentId(Uuid::from_u128(1));
        for status in ["initiated", "processing", "failed", "cancelled", "refunded"] {
            assert_eq!(further(&other, &row(id, status, None)), None, "{status}");
        }
        let mut held = row(id, "succeeded", None);
        held.is_held = true;
        assert_eq!(further(&other, &held), None);
        other.sender = Sender::Provider;
        assert_eq!(further(&other, &row(id, "succeeded", None)), None);
    }
}
