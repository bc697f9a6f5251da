//! What a provider says of one payment or refund. Amounts are minor units of the entry's currency.

use crate::payment::Refusal;
use crate::payment::fields::Object;
use crate::payment::provider::is_id;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// Money that came in.
    Payment,
    /// Money that went back.
    Refund,
    /// A fee, a reversal or a transfer: money that is in a settlement and is neither.
    Adjustment,
    /// What was paid out to the merchant.
    Settlement,
}

impl EntryKind {
    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Adjustment => "adjustment",
            Self::Settlement => "settlement",
        }
    }
}

/// Whether the money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// Not yet.
    Waiting,
    /// Yes.
    Moved,
    /// It will not.
    Failed,
    /// The provider does not know it.
    Missing,
}

impl EntryState {
    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Moved => "moved",
            Self::Failed => "failed",
            Self::Missing => "missing",
        }
    }

    /// The state of this wire name; one that is not known waits.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Self {
        [Self::Moved, Self::Failed, Self::Missing]
            .into_iter()
            .find(|state| state.wire_name() == name)
            .unwrap_or(Self::Waiting)
    }
}

/// A line of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub kind: EntryKind,
    /// The provider's id of it.
    pub id: String,
    /// The provider's payment: of a payment itself, of a refund what it gives back.
    pub payment_id: String,
    /// The amount.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What the provider keeps of it, tax included, once it says so.
    pub fee_minor: Option<i64>,
    /// The tax in the fee.
    pub tax_minor: Option<i64>,
    /// How much of a payment went back, or is on its way.
    pub returned_minor: i64,
    /// Whether the provider says that the buyer's bank asked for a payment back, whatever came of it: that is not in what went back.
    pub is_disputed: bool,
    /// Whether the money moved.
    pub state: EntryState,
    /// When the provider made it.
    pub occurred_at: DateTime<Utc>,
}

impl Entry {
    /// Reads a payment of Razorpay's list. A state that is not known yet waits: it is asked for again.
    ///
    /// # Errors
    /// [`Refusal`] naming the field.
    pub fn read_payment(payment: &Map<String, Value>) -> Result<Self, Refusal> {
        let fields = Object::new("payment", payment);
        let id = id(&fields, "id")?;
        let returned = payment.get("amount_refunded").and_then(Value::as_i64);
        Ok(Self {
            kind: EntryKind::Payment,
            payment_id: id.clone(),
            id,
            amount_minor: fields.amount_minor("amount")?,
            currency: fields.currency()?,
            fee_minor: payment.get("fee").and_then(Value::as_i64),
            tax_minor: payment.get("tax").and_then(Value::as_i64),
            returned_minor: returned.unwrap_or(0),
            is_disputed: false,
            state: match payment.get("status").and_then(Value::as_str) {
                Some("captured" | "refunded") => EntryState::Moved,
                Some("failed") => EntryState::Failed,
                _ => EntryState::Waiting,
            },
            occurred_at: created_at(&fields, "created_at")?,
        })
    }

    /// Reads a refund of Razorpay's list.
    ///
    /// # Errors
    /// [`Refusal`] naming the field.
    pub fn read_refund(refund: &Map<String, Value>) -> Result<Self, Refusal> {
        let fields = Object::new("refund", refund);
        Ok(Self {
            kind: EntryKind::Refund,
            id: id(&fields, "id")?,
            payment_id: id(&fields, "payment_id")?,
            amount_minor: fields.amount_minor("amount")?,
            currency: fields.currency()?,
            fee_minor: None,
            tax_minor: None,
            returned_minor: 0,
            is_disputed: false,
            state: match refund.get("status").and_then(Value::as_str) {
                Some("processed") => EntryState::Moved,
                Some("failed") => EntryState::Failed,
                _ => EntryState::Waiting,
            },
            occurred_at: created_at(&fields, "created_at")?,
        })
    }

    /// Reads a settlement of Razorpay's list.
    ///
    /// # Errors
    /// [`Refusal`] naming the field.
    pub fn read_settlement(settlement: &Map<String, Value>) -> Result<Self, Refusal> {
        let fields = Object::new("settlement", settlement);
        let id = id(&fields, "id")?;
        Ok(Self {
            kind: EntryKind::Settlement,
            payment_id: id.clone(),
            id,
            amount_minor: fields.amount_minor("amount")?,
            currency: fields.currency()?,
            fee_minor: settlement.get("fees").and_then(Value::as_i64),
            tax_minor: settlement.get("tax").and_then(Value::as_i64),
            returned_minor: 0,
            is_disputed: false,
            state: match settlement.get("status").and_then(Value::as_str) {
                Some("processed") => EntryState::Moved,
                Some("failed") => EntryState::Failed,
                _ => EntryState::Waiting,
            },
            occurred_at: created_at(&fields, "created_at")?,
        })
    }
}

/// What a settlement holds of one payment, refund or adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledLine {
    /// What it is about.
    pub entry: Entry,
    /// The settlement.
    pub settlement_id: String,
    /// What it adds to the settlement; negative when it takes away.
    pub net_minor: i64,
}

/// Reads a line of Razorpay's reconciliation of settlements. None when it is not settled yet.
///
/// # Errors
/// [`Refusal`] naming the field.
pub fn read_settled(line: &Map<String, Value>) -> Result<Option<SettledLine>, Refusal> {
    let fields = Object::new("settled", line);
    if line.get("settled").and_then(Value::as_bool) != Some(true) {
        return Ok(None);
    }
    let id_of = |field: &str| id(&fields, field);
    let entry_id = id_of("entity_id")?;
    let kind = match line.get("type").and_then(Value::as_str) {
        Some("payment") => EntryKind::Payment,
        Some("refund") => EntryKind::Refund,
        _ => EntryKind::Adjustment,
    };
    let payment_id = match kind {
        EntryKind::Refund => id_of("payment_id").unwrap_or_else(|_| entry_id.clone()),
        EntryKind::Payment | EntryKind::Adjustment | EntryKind::Settlement => entry_id.clone(),
    };
    let (credit, debit) = (fields.amount_minor("credit")?, fields.amount_minor("debit")?);
    Ok(Some(SettledLine {
        settlement_id: id_of("settlement_id")?,
        net_minor: credit - debit,
        entry: Entry {
            kind,
            id: entry_id,
            payment_id,
            amount_minor: fields.amount_minor("amount")?,
            currency: fields.currency()?,
            fee_minor: line.get("fee").and_then(Value::as_i64),
            tax_minor: line.get("tax").and_then(Value::as_i64),
            returned_minor: 0,
            is_disputed: false,
            state: EntryState::Moved,
            occurred_at: created_at(&fields, "created_at")?,
        },
    }))
}

/// The id in this field.
pub(super) fn id(fields: &Object<'_>, field: &str) -> Result<String, Refusal> {
    const EXPECTED: &str = "an id of the provider's";
    let text = fields.required(field, EXPECTED)?.as_str();
    text.filter(|id| is_id(id))
        .map(str::to_owned)
        .ok_or_else(|| Refusal::wrong(&fields.path_of(field), EXPECTED))
}

/// When the provider made it, by this field.
pub(super) fn created_at(fields: &Object<'_>, field: &str) -> Result<DateTime<Utc>, Refusal> {
    const EXPECTED: &str = "seconds since 1970";
    let seconds = fields.required(field, EXPECTED)?.as_i64();
    seconds
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .ok_or_else(|| Refusal::wrong(&fields.path_of(field), EXPECTED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    fn payment(field: &str, value: Value) -> Result<Entry, Refusal> {
        let mut payment = object(
            json!({"id": "pay_1", "amount": 499_900, "currency": "INR", "status": "captured",
            "amount_refunded": 0, "fee": 11_798, "tax": 1_800, "created_at": 1_767_268_800}),
        );
        payment.insert(field.to_owned(), value);
        Entry::read_payment(&payment)
    }

    #[test]
    fn every_state_of_a_payment_says_whether_the_money_moved_and_an_unknown_one_waits() {
        for (status, state) in [
            ("created", EntryState::Waiting),
            ("authorized", EntryState::Waiting),
            ("captured", EntryState::Moved),
            ("refunded", EntryState::Moved),
            ("failed", EntryState::Failed),
            ("on_its_way", EntryState::Waiting),
        ] {
            assert_eq!(payment("status", json!(status)).unwrap().state, state, "{status}");
        }
        assert_eq!(payment("status", Value::Null).unwrap().state, EntryState::Waiting);
    }

    #[test]
    fn a_field_that_decides_is_named_where_it_can_not_be_read() {
        for field in ["id", "amount", "created_at"] {
            for value in [Value::Null, json!(""), json!([]), json!(0.5)] {
                let refusal = payment(field, value).unwrap_err();
                assert_eq!(refusal.field(), Some(format!("payment.{field}").as_str()));
            }
        }
        assert_eq!(payment("fee", Value::Null).unwrap().fee_minor, None);
    }

    #[test]
    fn a_line_of_a_settlement_adds_what_was_credited_and_takes_what_was_debited() {
        let line = |kind: &str, credit: i64, debit: i64| {
            let line = object(
                json!({"entity_id": "x_1", "type": kind, "debit": debit, "credit": credit, "amount": 100_000,
                "currency": "INR", "fee": 2_900, "tax": 0, "settled": true, "created_at": 1, "settlement_id": "setl_1",
                "payment_id": "pay_9", "notes": "a text"}),
            );
            read_settled(&line).unwrap().unwrap()
        };
        assert_eq!(line("payment", 97_100, 0).net_minor, 97_100);
        let refund = line("refund", 0, 242_500);
        assert_eq!(
            (refund.net_minor, refund.entry.payment_id.as_str()),
            (-242_500, "pay_9")
        );
        assert_eq!(line("transfer", 0, 5).entry.kind, EntryKind::Adjustment);
        let unsettled = object(json!({"entity_id": "pay_1", "type": "payment", "settled": false}));
        assert_eq!(read_settled(&unsettled), Ok(None));
    }
}
