//! `PURCHASE_CONFIRMED`: a payment for a course was confirmed.

use super::{Envelope, EventError, EventType, Fields, MOST_WHOLE, Metadata};
use crate::ids::{CourseId, PaymentId, StudentId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// A payment for a course was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "PURCHASE_CONFIRMED")]
pub struct PurchaseConfirmed {
    /// The payment that was confirmed.
    pub payment_id: PaymentId,
    /// Who learns.
    pub student_id: StudentId,
    /// What was bought.
    pub course_id: CourseId,
    /// The amount in minor units of the payment's currency.
    #[schemars(range(min = 0, max = MOST_WHOLE))]
    pub amount_cents: i64,
    /// ISO 4217, where the producer says it; compared with the payment's row, which always has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Tier, time slot, start date, expiry. On the wire an object, or a JSON string that holds one.
    pub metadata: Metadata,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

impl PurchaseConfirmed {
    /// The deterministic id of this fact.
    #[must_use]
    pub fn event_id(payment_id: PaymentId) -> String {
        format!("payment:{payment_id}:PURCHASE_CONFIRMED")
    }

    /// Reads the body of a message.
    ///
    /// # Errors
    /// [`EventError`] naming the field.
    pub fn parse(payload: &str) -> Result<Self, EventError> {
        let fields = Fields::parse(payload)?;
        fields.expect_type(EventType::PurchaseConfirmed)?;
        Self::read(&fields)
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        let payment_id = PaymentId(fields.uuid("paymentId")?);
        Ok(Self {
            payment_id,
            student_id: StudentId(fields.uuid("studentId")?),
            course_id: CourseId(fields.uuid("courseId")?),
            amount_cents: fields.integer("amountCents", 0, "a whole number of minor units, 0 or more")?,
            currency: fields.optional_text("currency", "an ISO 4217 code, or null")?,
            metadata: Metadata::of_event(fields.get("metadata"))?,
            envelope: Envelope::read(
                fields.get("_metadata"),
                &Self::event_id(payment_id),
                &payment_id.to_string(),
            ),
        })
    }

    /// The wire form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "type": EventType::PurchaseConfirmed.wire_name(),
            "timestamp": self.envelope.timestamp,
            "userId": self.student_id,
            "role": "student",
            "paymentId": self.payment_id,
            "studentId": self.student_id,
            "courseId": self.course_id,
            "amountCents": self.amount_cents,
            "metadata": self.metadata.to_json(),
            "_metadata": self.envelope.to_json(),
        });
        if let Some(currency) = &self.currency {
            json["currency"] = json!(currency);
        }
        json
    }
}
