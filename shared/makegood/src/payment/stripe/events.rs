//! Every event of Stripe's that is about money by name, and what is made of it. `docs/gateways.md` has a row for each; a test holds the two
//! together. Events about customers, products, files and the like are not here: they name no amount, and are counted as unknown.

pub use crate::payment::webhook::{Ignored, Treatment, UNKNOWN};
use serde_json::{Map, Value};

use Treatment::{Capture, Dispute, LeftAlone, Refund};

/// The documented events, each with what is made of it.
pub const EVENTS: &[(&str, Treatment)] = &[
    ("application_fee.created", LeftAlone),
    ("application_fee.refunded", LeftAlone),
    ("application_fee.refund.updated", LeftAlone),
    ("balance.available", LeftAlone),
    ("cash_balance.funds_available", LeftAlone),
    ("charge.captured", LeftAlone),
    ("charge.dispute.created", Dispute),
    ("charge.dispute.updated", Dispute),
    ("charge.dispute.closed", Dispute),
    ("charge.dispute.funds_withdrawn", Dispute),
    ("charge.dispute.funds_reinstated", Dispute),
    ("charge.expired", LeftAlone),
    ("charge.failed", LeftAlone),
    ("charge.pending", LeftAlone),
    ("charge.refund.updated", Refund),
    ("charge.refunded", Refund),
    ("charge.succeeded", LeftAlone),
    ("charge.updated", LeftAlone),
    ("checkout.session.async_payment_failed", LeftAlone),
    ("checkout.session.async_payment_succeeded", Capture),
    ("checkout.session.completed", Capture),
    ("checkout.session.expired", LeftAlone),
    ("climate.order.canceled", LeftAlone),
    ("climate.order.created", LeftAlone),
    ("climate.order.delayed", LeftAlone),
    ("climate.order.delivered", LeftAlone),
    ("climate.order.product_substituted", LeftAlone),
    ("coupon.created", LeftAlone),
    ("coupon.deleted", LeftAlone),
    ("coupon.updated", LeftAlone),
    ("credit_note.created", LeftAlone),
    ("credit_note.updated", LeftAlone),
    ("credit_note.voided", LeftAlone),
    ("customer.source.created", LeftAlone),
    ("customer.source.deleted", LeftAlone),
    ("customer.source.expiring", LeftAlone),
    ("customer.source.updated", LeftAlone),
    ("customer.subscription.created", LeftAlone),
    ("customer.subscription.deleted", LeftAlone),
    ("customer.subscription.paused", LeftAlone),
    ("customer.subscription.pending_update_applied", LeftAlone),
    ("customer.subscription.pending_update_expired", LeftAlone),
    ("customer.subscription.resumed", LeftAlone),
    ("customer.subscription.trial_will_end", LeftAlone),
    ("customer.subscription.updated", LeftAlone),
    ("customer_cash_balance_transaction.created", LeftAlone),
    ("invoice.created", LeftAlone),
    ("invoice.deleted", LeftAlone),
    ("invoice.finalization_failed", LeftAlone),
    ("invoice.finalized", LeftAlone),
    ("invoice.marked_uncollectible", LeftAlone),
    ("invoice.overdue", LeftAlone),
    ("invoice.overpaid", LeftAlone),
    ("invoice.paid", LeftAlone),
    ("invoice.payment_action_required", LeftAlone),
    ("invoice.payment_attempt_required", LeftAlone),
    ("invoice.payment_failed", LeftAlone),
    ("invoice.payment_succeeded", LeftAlone),
    ("invoice.sent", LeftAlone),
    ("invoice.upcoming", LeftAlone),
    ("invoice.updated", LeftAlone),
    ("invoice.voided", LeftAlone),
    ("invoice.will_be_due", LeftAlone),
    ("invoice_payment.paid", LeftAlone),
    ("invoiceitem.created", LeftAlone),
    ("invoiceitem.deleted", LeftAlone),
    ("invoiceitem.updated", LeftAlone),
    ("issuing_authorization.created", LeftAlone),
    ("issuing_authorization.request", LeftAlone),
    ("issuing_authorization.updated", LeftAlone),
    ("issuing_dispute.closed", LeftAlone),
    ("issuing_dispute.created", LeftAlone),
    ("issuing_dispute.funds_reinstated", LeftAlone),
    ("issuing_dispute.funds_rescinded", LeftAlone),
    ("issuing_dispute.submitted", LeftAlone),
    ("issuing_dispute.updated", LeftAlone),
    ("issuing_transaction.created", LeftAlone),
    ("issuing_transaction.purchase_details_receipt_updated", LeftAlone),
    ("issuing_transaction.updated", LeftAlone),
    ("payment_intent.amount_capturable_updated", LeftAlone),
    ("payment_intent.canceled", LeftAlone),
    ("payment_intent.created", LeftAlone),
    ("payment_intent.partially_funded", LeftAlone),
    ("payment_intent.payment_failed", LeftAlone),
    ("payment_intent.processing", LeftAlone),
    ("payment_intent.requires_action", LeftAlone),
    ("payment_intent.succeeded", Capture),
    ("payment_link.created", LeftAlone),
    ("payment_link.updated", LeftAlone),
    ("payout.canceled", LeftAlone),
    ("payout.created", LeftAlone),
    ("payout.failed", LeftAlone),
    ("payout.paid", LeftAlone),
    ("payout.reconciliation_completed", LeftAlone),
    ("payout.updated", LeftAlone),
    ("plan.created", LeftAlone),
    ("plan.deleted", LeftAlone),
    ("plan.updated", LeftAlone),
    ("price.created", LeftAlone),
    ("price.deleted", LeftAlone),
    ("price.updated", LeftAlone),
    ("quote.accepted", LeftAlone),
    ("quote.canceled", LeftAlone),
    ("quote.created", LeftAlone),
    ("quote.finalized", LeftAlone),
    ("radar.early_fraud_warning.created", LeftAlone),
    ("radar.early_fraud_warning.updated", LeftAlone),
    ("refund.created", Refund),
    ("refund.failed", Refund),
    ("refund.updated", Refund),
    ("setup_intent.canceled", LeftAlone),
    ("setup_intent.created", LeftAlone),
    ("setup_intent.requires_action", LeftAlone),
    ("setup_intent.setup_failed", LeftAlone),
    ("setup_intent.succeeded", LeftAlone),
    ("source.canceled", LeftAlone),
    ("source.chargeable", LeftAlone),
    ("source.failed", LeftAlone),
    ("source.mandate_notification", LeftAlone),
    ("source.refund_attributes_required", LeftAlone),
    ("source.transaction.created", LeftAlone),
    ("source.transaction.updated", LeftAlone),
    ("topup.canceled", LeftAlone),
    ("topup.created", LeftAlone),
    ("topup.failed", LeftAlone),
    ("topup.reversed", LeftAlone),
    ("topup.succeeded", LeftAlone),
    ("transfer.created", LeftAlone),
    ("transfer.reversed", LeftAlone),
    ("transfer.updated", LeftAlone),
    ("treasury.credit_reversal.created", LeftAlone),
    ("treasury.credit_reversal.posted", LeftAlone),
    ("treasury.debit_reversal.completed", LeftAlone),
    ("treasury.debit_reversal.created", LeftAlone),
    ("treasury.debit_reversal.initial_credit_granted", LeftAlone),
    ("treasury.inbound_transfer.canceled", LeftAlone),
    ("treasury.inbound_transfer.created", LeftAlone),
    ("treasury.inbound_transfer.failed", LeftAlone),
    ("treasury.inbound_transfer.succeeded", LeftAlone),
    ("treasury.outbound_payment.canceled", LeftAlone),
    ("treasury.outbound_payment.created", LeftAlone),
    (
        "treasury.outbound_payment.expected_arrival_date_updated",
        LeftAlone,
    ),
    ("treasury.outbound_payment.failed", LeftAlone),
    ("treasury.outbound_payment.posted", LeftAlone),
    ("treasury.outbound_payment.returned", LeftAlone),
    ("treasury.outbound_transfer.canceled", LeftAlone),
    ("treasury.outbound_transfer.created", LeftAlone),
    (
        "treasury.outbound_transfer.expected_arrival_date_updated",
        LeftAlone,
    ),
    ("treasury.outbound_transfer.failed", LeftAlone),
    ("treasury.outbound_transfer.posted", LeftAlone),
    ("treasury.outbound_transfer.returned", LeftAlone),
    ("treasury.received_credit.created", LeftAlone),
    ("treasury.received_credit.failed", LeftAlone),
    ("treasury.received_credit.succeeded", LeftAlone),
    ("treasury.received_debit.created", LeftAlone),
];

/// Under which name an event of the other mode is counted.
pub const OF_OTHER_MODE: &str = "of-other-mode";
/// Under which name an event of a connected account is counted.
pub const OF_OTHER_ACCOUNT: &str = "of-other-account";

/// The event of this name, with the object that it carries.
pub(super) fn ignored(event: &str, object: Option<&Map<String, Value>>) -> Ignored {
    let is_amount = |(name, value): (&String, &Value)| name.contains("amount") && value.is_number();
    Ignored::of(event, known(event), || {
        object.is_some_and(|fields| fields.iter().any(is_amount))
    })
}

/// An event that is not this stack's, whatever it says.
pub(super) fn not_for_us(event: &str, counted: &'static str, reason: &'static str) -> Ignored {
    Ignored {
        counted,
        is_unknown_money: false,
        reason: Some(reason),
        ..ignored(event, None)
    }
}

/// What is made of the event of this name; none for one that is not documented here.
#[must_use]
pub fn treatment(event: &str) -> Option<Treatment> {
    known(event).map(|(_, treatment)| treatment)
}

fn known(event: &str) -> Option<(&'static str, Treatment)> {
    EVENTS.iter().find(|(name, _)| *name == event).copied()
}
