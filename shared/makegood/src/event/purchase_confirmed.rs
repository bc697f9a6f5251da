//! `PURCHASE_CONFIRMED`: a payment for a course was confirmed.

use super::{Envelope, EventError, EventType, Fields, MOST_WHOLE, Metadata};
use crate::ids::{CourseId, PaymentId, StudentId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// A payment for a course was confirmed.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use makegood::event::{Envelope, Metadata, PurchaseConfirmed};
/// use makegood::ids::{CourseId, PaymentId, StudentId};
/// use uuid::Uuid;
///
/// let payment_id = PaymentId(Uuid::from_u128(1));
/// let event_id = PurchaseConfirmed::event_id(payment_id);
/// let event = PurchaseConfirmed {
///     payment_id,
///     student_id: StudentId(Uuid::from_u128(2)),
///     course_id: CourseId(Uuid::from_u128(3)),
///     amount_cents: 499_900, // Rs. 4,999
///     currency: Some("INR".to_owned()),
///     metadata: Metadata::default(),
///     envelope: Envelope::published(event_id, payment_id.to_string(), "shop", DateTime::<Utc>::UNIX_EPOCH),
/// };
/// assert_eq!(PurchaseConfirmed::parse(&event.to_json().to_string()), Ok(event));
/// ```
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
    ///
    /// It is the same whichever provider confirms the payment, and however often.
    ///
    /// ```
    /// use makegood::event::PurchaseConfirmed;
    /// use makegood::ids::PaymentId;
    /// use uuid::Uuid;
    ///
    /// let id = PurchaseConfirmed::event_id(PaymentId(Uuid::nil()));
    /// assert_eq!(id, "payment:00000000-0000-0000-0000-000000000000:PURCHASE_CONFIRMED");
    /// ```
    #[must_use]
    pub fn event_id(payment_id: PaymentId) -> String {
        format!("payment:{payment_id}:PURCHASE_CONFIRMED")
    }

    /// Reads the body of a message.
    ///
    /// ```
    /// use makegood::event::PurchaseConfirmed;
    /// use serde_json::json;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    ///
    /// let mut body = json!({"type": "PURCHASE_CONFIRMED", "paymentId": id, "studentId": id, "courseId": id,
    ///                       "amountCents": 499_900, "metadata": "{\"purchaseTier\": 20}"});
    /// let event = PurchaseConfirmed::parse(&body.to_string())?;
    /// assert_eq!((event.amount_cents, event.metadata.purchase_tier()), (499_900, Ok(20)));
    ///
    /// body["amountCents"] = json!("4999.00");
    /// assert_eq!(
    ///     PurchaseConfirmed::parse(&body.to_string()).unwrap_err().to_string(),
    ///     "field `amountCents` is \"4999.00\"; it must be a whole number of minor units, 0 or more"
    /// );
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
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
    ///
    /// A currency that is not known is left out.
    ///
    /// ```
    /// use makegood::event::PurchaseConfirmed;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "PURCHASE_CONFIRMED", "paymentId": id, "studentId": id, "courseId": id,
    /// #     "amountCents": 499_900}).to_string();
    ///
    /// let json = PurchaseConfirmed::parse(&body)?.to_json();
    /// assert_eq!(json["amountCents"], 499_900);
    /// assert_eq!(json.get("currency"), None);
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
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
