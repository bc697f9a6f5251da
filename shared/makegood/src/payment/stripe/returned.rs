//! Refunds and disputes as Stripe's webhooks have them. The payment that they are about is a PaymentIntent; one that was charged without
//! has the id of its charge.

use super::amount::money;
use super::{PROVIDER, id_in, seconds};
use crate::payment::Refusal;
use crate::payment::fields::Object;
use crate::payment::returned::{Dispute, DisputeStatus, Refund, RefundStatus, Returned};
use chrono::{DateTime, Utc};
use serde_json::Value;

const EXPECTED_ID: &str = "an id of Stripe's";

/// Reads the object of an event about a refund or a dispute.
///
/// # Errors
/// [`Refusal`] naming the field.
pub(super) fn read(event: &str, object: &Object<'_>, told_at: DateTime<Utc>) -> Result<Returned, Refusal> {
    if event.starts_with("charge.dispute.") {
        return dispute(event, object, told_at).map(Returned::Dispute);
    }
    if event == "charge.refunded" {
        return refunded_charge(object, told_at).map(Returned::Refund);
    }
    let payment_id = payment_of(object)?;
    refund(object, payment_id, event == "refund.failed", told_at).map(Returned::Refund)
}

/// Reads a refund of a list.
///
/// # Errors
/// [`Refusal`] naming the field.
pub(super) fn read_refund(object: &Object<'_>, told_at: DateTime<Utc>) -> Result<Refund, Refusal> {
    refund(object, payment_of(object)?, false, told_at)
}

/// Reads a dispute of a list.
///
/// # Errors
/// [`Refusal`] naming the field.
pub(super) fn read_dispute(object: &Object<'_>, told_at: DateTime<Utc>) -> Result<Dispute, Refusal> {
    dispute("", object, told_at)
}

fn refund(
    object: &Object<'_>,
    payment_id: String,
    has_failed: bool,
    told_at: DateTime<Utc>,
) -> Result<Refund, Refusal> {
    let (amount_minor, currency) = money(object, "amount")?;
    let status = match object.get("status").and_then(Value::as_str) {
        _ if has_failed => RefundStatus::Failed,
        Some("succeeded") => RefundStatus::Processed,
        Some("failed" | "canceled") => RefundStatus::Failed,
        // `pending`, `requires_action`, and what an older API leaves out.
        _ => RefundStatus::Created,
    };
    Ok(Refund {
        provider: PROVIDER,
        id: required_id(object, "id")?,
        payment_id,
        amount_minor,
        currency,
        status,
        payment_refunded_minor: None,
        told_at,
    })
}

/// A charge says how much of it is back. The API before 2022-11-15 lists its refunds, the newest first; a later one does not, and then the
/// sum alone is noted, under the charge's id.
fn refunded_charge(charge: &Object<'_>, told_at: DateTime<Utc>) -> Result<Refund, Refusal> {
    const PATH: &str = "data.object.refunds.data.0";
    let payment_id = match id_in(charge, "payment_intent") {
        Some(intent) => intent.to_owned(),
        None => required_id(charge, "id")?,
    };
    let (sum, currency) = money(charge, "amount_refunded")?;
    let newest = charge
        .get("refunds")
        .and_then(|refunds| refunds.pointer("/data/0")?.as_object());
    let Some(newest) = newest else {
        return Ok(Refund {
            provider: PROVIDER,
            id: required_id(charge, "id")?,
            payment_id,
            amount_minor: 0,
            currency,
            status: RefundStatus::Processed,
            payment_refunded_minor: Some(sum),
            told_at,
        });
    };
    let refund = refund(&Object::new(PATH, newest), payment_id, false, told_at)?;
    let is_back = refund.status == RefundStatus::Processed;
    Ok(Refund {
        payment_refunded_minor: is_back.then_some(sum),
        ..refund
    })
}

fn dispute(event: &str, object: &Object<'_>, told_at: DateTime<Utc>) -> Result<Dispute, Refusal> {
    let (amount_minor, currency) = money(object, "amount")?;
    let state = object.get("status").and_then(Value::as_str).unwrap_or_default();
    let status = match state {
        "won" => DisputeStatus::Won,
        "lost" => DisputeStatus::Lost,
        "warning_closed" | "charge_refunded" | "prevented" => DisputeStatus::Closed,
        "under_review" | "warning_under_review" => DisputeStatus::UnderReview,
        _ if event == "charge.dispute.closed" => DisputeStatus::Closed,
        // `needs_response`, `warning_needs_response`, and what is not known yet.
        _ => DisputeStatus::Open,
    };
    let phase = if state.starts_with("warning_") {
        "inquiry"
    } else {
        "chargeback"
    };
    let due_by = object
        .get("evidence_details")
        .and_then(|details| details.get("due_by"));
    Ok(Dispute {
        provider: PROVIDER,
        id: required_id(object, "id")?,
        payment_id: payment_of(object)?,
        amount_minor,
        currency,
        status,
        phase: Some(phase.to_owned()),
        reason: object.optional_text("reason").unwrap_or_default(),
        respond_by: seconds(due_by),
        told_at,
    })
}

/// The payment that a refund or a dispute is about.
fn payment_of(object: &Object<'_>) -> Result<String, Refusal> {
    let id = id_in(object, "payment_intent").or_else(|| id_in(object, "charge"));
    id.map(str::to_owned).ok_or_else(|| Refusal::Missing {
        field: object.path_of("payment_intent"),
        expected: EXPECTED_ID,
    })
}

fn required_id(object: &Object<'_>, field: &str) -> Result<String, Refusal> {
    id_in(object, field)
        .map(str::to_owned)
        .ok_or_else(|| Refusal::wrong(&object.path_of(field), EXPECTED_ID))
}
