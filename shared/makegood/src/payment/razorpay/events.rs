//! Every event of Razorpay's by name, and what is made of it. `docs/gateways.md` has a row for each; a test holds the two together.

use serde_json::{Map, Value};

pub use crate::payment::webhook::{Ignored, Treatment, UNKNOWN};
use Treatment::{Capture, Dispute, LeftAlone, Refund};

/// The documented events, each with what is made of it.
pub const EVENTS: &[(&str, Treatment)] = &[
    ("payment.authorized", LeftAlone),
    ("payment.captured", Capture),
    ("payment.failed", LeftAlone),
    ("payment.pending", LeftAlone),
    ("payment.downtime.started", LeftAlone),
    ("payment.downtime.updated", LeftAlone),
    ("payment.downtime.resolved", LeftAlone),
    ("payment.dispute.created", Dispute),
    ("payment.dispute.under_review", Dispute),
    ("payment.dispute.action_required", Dispute),
    ("payment.dispute.closed", Dispute),
    ("payment.dispute.won", Dispute),
    ("payment.dispute.lost", Dispute),
    ("order.paid", Capture),
    ("order.notification.delivered", LeftAlone),
    ("order.notification.failed", LeftAlone),
    ("payment_link.paid", Capture),
    ("payment_link.partially_paid", Capture),
    ("payment_link.cancelled", LeftAlone),
    ("payment_link.expired", LeftAlone),
    ("invoice.paid", Capture),
    ("invoice.partially_paid", Capture),
    ("invoice.expired", LeftAlone),
    ("subscription.authenticated", LeftAlone),
    ("subscription.activated", LeftAlone),
    ("subscription.pending", LeftAlone),
    ("subscription.halted", LeftAlone),
    ("subscription.charged", Capture),
    ("subscription.updated", LeftAlone),
    ("subscription.paused", LeftAlone),
    ("subscription.resumed", LeftAlone),
    ("subscription.cancelled", LeftAlone),
    ("subscription.completed", LeftAlone),
    ("qr_code.created", LeftAlone),
    ("qr_code.credited", Capture),
    ("qr_code.closed", LeftAlone),
    ("virtual_account.created", LeftAlone),
    ("virtual_account.credited", Capture),
    ("virtual_account.closed", LeftAlone),
    ("refund.created", Refund),
    ("refund.processed", Refund),
    ("refund.failed", Refund),
    ("refund.speed_changed", LeftAlone),
    ("settlement.processed", LeftAlone),
    ("settlement.failed", LeftAlone),
    ("transfer.processed", LeftAlone),
    ("transfer.failed", LeftAlone),
    ("fund_account.validation.completed", LeftAlone),
    ("fund_account.validation.failed", LeftAlone),
    ("payout.pending", LeftAlone),
    ("payout.rejected", LeftAlone),
    ("payout.queued", LeftAlone),
    ("payout.initiated", LeftAlone),
    ("payout.processed", LeftAlone),
    ("payout.updated", LeftAlone),
    ("payout.reversed", LeftAlone),
    ("payout.failed", LeftAlone),
    ("payout_link.pending", LeftAlone),
    ("payout_link.issued", LeftAlone),
    ("payout_link.processing", LeftAlone),
    ("payout_link.processed", LeftAlone),
    ("payout_link.attempted", LeftAlone),
    ("payout_link.cancelled", LeftAlone),
    ("payout_link.expired", LeftAlone),
    ("payout_link.rejected", LeftAlone),
    ("transaction.created", LeftAlone),
    ("transaction.updated", LeftAlone),
];

/// The event of this name, with what the body says in it.
pub(super) fn ignored(event: &str, payload: Option<&Value>) -> Ignored {
    Ignored::of(event, known(event), || names_an_amount(payload))
}

/// What is made of the event of this name; none for one that is not documented here.
#[must_use]
pub fn treatment(event: &str) -> Option<Treatment> {
    known(event).map(|(_, treatment)| treatment)
}

fn known(event: &str) -> Option<(&'static str, Treatment)> {
    EVENTS.iter().find(|(name, _)| *name == event).copied()
}

fn names_an_amount(payload: Option<&Value>) -> bool {
    let is_amount = |(name, value): (&String, &Value)| name.contains("amount") && value.is_number();
    let has_amount = |entity: &Map<String, Value>| entity.iter().any(is_amount);
    let objects = payload.and_then(Value::as_object);
    let mut entities = objects
        .into_iter()
        .flat_map(Map::values)
        .filter_map(|object| object.get("entity")?.as_object());
    entities.any(has_amount)
}
