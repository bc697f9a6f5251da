//! The cases that this function opens: what a person needs to decide, and nothing personal.

use crate::case::{CaseKind, NewCase};
use crate::ids::PaymentId;
use crate::payment::decide::Hold;
use crate::payment::source::SOURCE;
use crate::payment::{ConfirmedPayment, Refusal, StrandedPayment};
use serde_json::json;

/// A payment that a person must decide about. `prices` are those that were valid for what its notes name.
pub(crate) fn held(payment: &ConfirmedPayment, id: PaymentId, hold: Hold, prices: &[i64]) -> NewCase {
    NewCase {
        kind: hold.kind(),
        subject: payment.subject(),
        payment_id: Some(id),
        payment_intent_id: None,
        amount_minor: Some(payment.amount_minor),
        currency: Some(payment.currency.clone()),
        details: json!({
            "source": SOURCE,
            "code": hold.code(),
            "reason": hold.reason(),
            "provider": payment.provider,
            "providerPaymentId": payment.provider_payment_id,
            "orderId": payment.order_id,
            "paidAt": payment.paid_at,
            "studentId": payment.student_id,
            "courseId": payment.course_id,
            "purchaseTier": payment.metadata.purchase_tier().ok(),
            "pricesMinor": prices,
        }),
    }
}

/// A payment whose message can't be used.
pub(crate) fn unfulfillable(stranded: &StrandedPayment, refusal: &Refusal) -> NewCase {
    NewCase {
        kind: CaseKind::Unfulfillable,
        subject: stranded.subject.clone(),
        payment_id: Some(stranded.payment_id),
        payment_intent_id: None,
        amount_minor: stranded.amount_minor,
        currency: stranded.currency.clone(),
        details: json!({
            "source": SOURCE,
            "provider": stranded.provider,
            "providerPaymentId": stranded.provider_payment_id,
            "field": refusal.field(),
            "reason": refusal.to_string(),
        }),
    }
}
