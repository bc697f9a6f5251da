//! What a provider tells of money that goes back: refunds and disputes, and how Razorpay's webhooks tell of them.

use crate::payment::Refusal;
use crate::payment::fields::Object;
use crate::payment::provider::{PROVIDER, is_id};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The events that are read here, each with what it makes of its refund or dispute.
const REFUNDS: [(&str, RefundStatus); 3] = [
    ("refund.created", RefundStatus::Created),
    ("refund.processed", RefundStatus::Processed),
    ("refund.failed", RefundStatus::Failed),
];
const DISPUTES: [(&str, DisputeStatus); 6] = [
    ("payment.dispute.created", DisputeStatus::Open),
    ("payment.dispute.under_review", DisputeStatus::UnderReview),
    ("payment.dispute.action_required", DisputeStatus::ActionRequired),
    ("payment.dispute.closed", DisputeStatus::Closed),
    ("payment.dispute.won", DisputeStatus::Won),
    ("payment.dispute.lost", DisputeStatus::Lost),
];

/// Money that goes back, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// By the merchant's own act.
    Refund(Refund),
    /// Because the buyer's bank asks for it.
    Dispute(Dispute),
}

/// A refund. It moves forward only: created, then failed or processed; processed stands whatever else arrives, but at Stripe, where a
/// refund that succeeded may fail later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Who gives it back.
    pub provider: &'static str,
    /// The provider's id of it.
    pub id: String,
    /// The provider's payment.
    pub payment_id: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What this message says of it.
    pub status: RefundStatus,
    /// What the provider had given back of the whole payment by then; only from a message about a processed refund, since the sum
    /// counts what may still fail.
    pub payment_refunded_minor: Option<i64>,
    /// When the provider said so.
    pub told_at: DateTime<Utc>,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Who took the money.
    pub provider: &'static str,
    /// The provider's id of it.
    pub id: String,
    /// The provider's payment.
    pub payment_id: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What this message says of it.
    pub status: DisputeStatus,
    /// `chargeback`, `fraud`, …
    pub phase: Option<String>,
    /// The bank's code of the reason.
    pub reason: Option<String>,
    /// Until when the merchant may answer.
    pub respond_by: Option<DateTime<Utc>>,
    /// When the provider said so.
    pub told_at: DateTime<Utc>,
}

/// What a refund has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    /// On its way.
    Created,
    /// It did not reach the buyer.
    Failed,
    /// The money is back.
    Processed,
}

impl RefundStatus {
    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Failed => "failed",
            Self::Processed => "processed",
        }
    }
}

/// What a dispute has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStatus {
    /// The bank asks.
    Open,
    /// The bank reads the merchant's answer.
    UnderReview,
    /// The bank wants more.
    ActionRequired,
    /// Over without a decision: nothing goes back.
    Closed,
    /// The merchant keeps the money.
    Won,
    /// The buyer has the money back.
    Lost,
}

impl DisputeStatus {
    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::UnderReview => "under_review",
            Self::ActionRequired => "action_required",
            Self::Closed => "closed",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

impl Returned {
    /// Who took the money.
    #[must_use]
    pub const fn provider(&self) -> &'static str {
        match self {
            Self::Refund(refund) => refund.provider,
            Self::Dispute(dispute) => dispute.provider,
        }
    }

    /// The provider's payment.
    #[must_use]
    pub fn payment_id(&self) -> &str {
        match self {
            Self::Refund(refund) => &refund.payment_id,
            Self::Dispute(dispute) => &dispute.payment_id,
        }
    }

    /// The provider's id of the refund or dispute.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Refund(refund) => &refund.id,
            Self::Dispute(dispute) => &dispute.id,
        }
    }
}

/// Reads a webhook about a refund or a dispute; none when the event is another.
///
/// # Errors
/// [`Refusal`] naming the field.
pub fn read(event: &str, body: &Map<String, Value>, now: DateTime<Utc>) -> Result<Option<Returned>, Refusal> {
    let told_at = seconds(body.get("created_at")).unwrap_or(now);
    let found =
        |events: &[(&str, RefundStatus)]| events.iter().find(|(name, _)| *name == event).map(|(_, s)| *s);
    if let Some(status) = found(&REFUNDS) {
        return refund(body, status, told_at).map(|refund| Some(Returned::Refund(refund)));
    }
    let Some((_, status)) = DISPUTES.iter().find(|(name, _)| *name == event) else {
        return Ok(None);
    };
    dispute(body, *status, told_at).map(|dispute| Some(Returned::Dispute(dispute)))
}

/// Reads a refund as Razorpay's own list has it.
///
/// # Errors
/// [`Refusal`] naming the field.
pub fn read_listed(refund: &Map<String, Value>, now: DateTime<Utc>) -> Result<Refund, Refusal> {
    const STATES: &str = "pending, processed or failed";
    let entity = Object::new("refund", refund);
    let status = match entity.required("status", STATES)?.as_str() {
        Some("pending" | "created") => RefundStatus::Created,
        Some("processed") => RefundStatus::Processed,
        Some("failed") => RefundStatus::Failed,
        _ => return Err(Refusal::wrong("refund.status", STATES)),
    };
    Ok(Refund {
        provider: PROVIDER,
        id: id(&entity, "id")?,
        payment_id: id(&entity, "payment_id")?,
        amount_minor: entity.amount_minor("amount")?,
        currency: entity.currency()?,
        status,
        payment_refunded_minor: None,
        told_at: seconds(refund.get("created_at")).unwrap_or(now),
    })
}

fn refund(
    body: &Map<String, Value>,
    status: RefundStatus,
    told_at: DateTime<Utc>,
) -> Result<Refund, Refusal> {
    const PATH: &str = "payload.refund.entity";
    let entity = entity(body, "refund").ok_or(Refusal::Missing {
        field: PATH.to_owned(),
        expected: "the refund",
    })?;
    let entity = Object::new(PATH, entity);
    let given_back =
        self::entity(body, "payment").and_then(|payment| payment.get("amount_refunded")?.as_i64());
    Ok(Refund {
        provider: PROVIDER,
        id: id(&entity, "id")?,
        payment_id: id(&entity, "payment_id")?,
        amount_minor: entity.amount_minor("amount")?,
        currency: entity.currency()?,
        status,
        payment_refunded_minor: given_back.filter(|_| status == RefundStatus::Processed),
        told_at,
    })
}

fn dispute(
    body: &Map<String, Value>,
    status: DisputeStatus,
    told_at: DateTime<Utc>,
) -> Result<Dispute, Refusal> {
    const PATH: &str = "payload.dispute.entity";
    let entity = entity(body, "dispute").ok_or(Refusal::Missing {
        field: PATH.to_owned(),
        expected: "the dispute",
    })?;
    let entity = Object::new(PATH, entity);
    Ok(Dispute {
        provider: PROVIDER,
        id: id(&entity, "id")?,
        payment_id: id(&entity, "payment_id")?,
        amount_minor: entity.amount_minor("amount")?,
        currency: entity.currency()?,
        status,
        phase: entity.optional_text("phase").unwrap_or_default(),
        reason: entity.optional_text("reason_code").unwrap_or_default(),
        respond_by: seconds(entity.get("respond_by")),
        told_at,
    })
}

fn entity<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    body.get("payload")?.get(name)?.get("entity")?.as_object()
}

fn id(entity: &Object<'_>, field: &str) -> Result<String, Refusal> {
    let text = entity.required(field, "an id of Razorpay's")?.as_str();
    text.filter(|id| is_id(id))
        .map(str::to_owned)
        .ok_or_else(|| Refusal::wrong(&entity.path_of(field), "an id of Razorpay's"))
}

fn seconds(value: Option<&Value>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(value?.as_i64()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_json(event: &str, body: &Value) -> Result<Option<Returned>, Refusal> {
        read(event, body.as_object().unwrap(), DateTime::UNIX_EPOCH)
    }

    fn refund_body() -> Value {
        json!({"created_at": 1_767_817_344, "payload": {
            "refund": {"entity": {"id": "rfnd_1", "payment_id": "pay_1", "amount": 100, "currency": "INR", "status": "processed"}},
            "payment": {"entity": {"id": "pay_1", "amount": 500, "amount_refunded": 400}}}})
    }

    #[test]
    fn the_event_says_what_became_of_a_refund_and_only_a_processed_one_tells_the_sum() {
        for (event, status, sum) in [
            ("refund.created", RefundStatus::Created, None),
            ("refund.failed", RefundStatus::Failed, None),
            ("refund.processed", RefundStatus::Processed, Some(400)),
        ] {
            let Ok(Some(Returned::Refund(refund))) = read_json(event, &refund_body()) else {
                panic!("{event}");
            };
            assert_eq!((refund.status, refund.payment_refunded_minor), (status, sum));
            assert_eq!(refund.told_at.timestamp(), 1_767_817_344);
        }
        assert_eq!(read_json("refund.speed_changed", &refund_body()), Ok(None));
    }

    #[test]
    fn what_names_no_refund_payment_or_amount_is_refused_with_the_fields_name() {
        for (change, field) in [
            ("/payload/refund/entity/id", "payload.refund.entity.id"),
            (
                "/payload/refund/entity/payment_id",
                "payload.refund.entity.payment_id",
            ),
            ("/payload/refund/entity/amount", "payload.refund.entity.amount"),
            ("/payload/refund/entity", "payload.refund.entity"),
        ] {
            let mut body = refund_body();
            *body.pointer_mut(change).unwrap() = Value::Null;
            let refusal = read_json("refund.processed", &body).unwrap_err();
            assert_eq!(refusal.field(), Some(field));
        }
    }

    #[test]
    fn a_dispute_is_read_with_its_deadline() {
        let body = json!({"payload": {"dispute": {"entity": {"id": "disp_1", "payment_id": "pay_1", "amount": 100, "currency": "INR",
            "phase": "chargeback", "reason_code": "goods_not_received", "respond_by": 1_768_000_000}}}});
        for (event, status) in DISPUTES {
            let Ok(Some(Returned::Dispute(dispute))) = read_json(event, &body) else {
                panic!("{event}");
            };
            assert_eq!(dispute.status, status);
            assert_eq!(dispute.respond_by.map(|at| at.timestamp()), Some(1_768_000_000));
        }
    }
}
