//! The cases that money on its way back opens: what a person needs to decide, and where.

use super::news::Dispute;
use super::store::{PaymentRow, Sums};
use crate::case::{CaseKind, NewCase};
use crate::ids::{PaymentId, PurchaseId};
use crate::payment::provider::STRIPE;
use crate::payment::source::SOURCE;
use serde_json::json;

/// Where a person answers a dispute at the provider.
fn page_of_payment(provider: Option<&str>, provider_payment_id: &str) -> String {
    match provider {
        Some(name) if name.eq_ignore_ascii_case(STRIPE) => {
            format!("https://dashboard.stripe.com/payments/{provider_payment_id}")
        }
        _ => format!("https://dashboard.razorpay.com/app/payments/{provider_payment_id}"),
    }
}

/// A dispute that the merchant must answer.
pub(super) fn disputed(dispute: &Dispute, payment: Option<PaymentId>) -> NewCase {
    NewCase {
        kind: CaseKind::Dispute,
        subject: dispute.id.clone(),
        payment_id: payment,
        payment_intent_id: None,
        amount_minor: Some(dispute.amount_minor),
        currency: Some(dispute.currency.clone()),
        details: json!({
            "source": SOURCE,
            "what": "the buyer's bank asks for the money back; answer at the provider in time. No new sessions are planned meanwhile",
            "disputeId": dispute.id,
            "providerPaymentId": dispute.payment_id,
            "phase": dispute.phase,
            "reason": dispute.reason,
            "respondBy": dispute.respond_by,
            "page": page_of_payment(Some(dispute.provider), &dispute.payment_id),
        }),
    }
}

/// Why a person must say what money that went back ends.
pub(super) enum Question {
    /// A part went back, and the stack wants to be asked.
    Part,
    /// All of it went back, and it is not sure which purchase it had paid for.
    Whose(PurchaseId),
    /// All of it was said to be back, and a refund failed.
    Failed,
}

impl Question {
    const fn text(&self) -> &'static str {
        match self {
            Self::Part => "a part of the payment went back; the purchase goes on. Say whether it should",
            Self::Whose(_) => {
                "the payment went back, and the student has a purchase that notes no payment; find out whether this one paid for it, and end it if so"
            }
            Self::Failed => {
                "the payment counts as given back, and a refund of it failed; refund it again, or make the purchase good"
            }
        }
    }
}

/// Money went back, and a person says what that ends.
pub(super) fn given_back(id: PaymentId, row: &PaymentRow, sums: &Sums, question: &Question) -> NewCase {
    let purchase = match question {
        Question::Whose(purchase) => Some(*purchase),
        Question::Part | Question::Failed => None,
    };
    NewCase {
        kind: CaseKind::GivenBack,
        subject: id.to_string(),
        payment_id: Some(id),
        payment_intent_id: None,
        amount_minor: Some(row.amount_minor),
        currency: Some(row.currency.clone()),
        details: json!({
            "source": SOURCE,
            "what": question.text(),
            "givenBackMinor": sums.given_back_minor(),
            "purchaseId": purchase,
            "providerPaymentId": row.provider_payment_id,
            "page": row.provider_payment_id.as_deref().map(|id| page_of_payment(row.provider.as_deref(), id)),
        }),
    }
}
