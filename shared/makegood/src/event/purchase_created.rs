//! `PURCHASE_CREATED`: the purchase row exists.

use super::{Envelope, EventError, EventType, Fields, Metadata};
use crate::ids::{CourseId, PurchaseId, StudentId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The purchase row exists; a trainer is wanted.
///
/// ```
/// use makegood::event::PurchaseCreated;
/// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
/// # let body = serde_json::json!({"type": "PURCHASE_CREATED", "purchaseId": id, "studentId": id, "courseId": id,
/// #     "purchaseTier": 20, "metadata": {"timeSlot": "4:00 PM"}}).to_string();
///
/// let created = PurchaseCreated::parse(&body)?;
/// assert_eq!(created.purchase_tier, 20); // sessions
/// assert_eq!(created.metadata.time_slot().as_deref(), Some("4:00 PM"));
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "PURCHASE_CREATED")]
pub struct PurchaseCreated {
    /// The purchase.
    pub purchase_id: PurchaseId,
    /// Who learns.
    pub student_id: StudentId,
    /// What was bought.
    pub course_id: CourseId,
    /// The number of sessions bought.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub purchase_tier: i32,
    /// Time slot, start date and whatever else the payment carried.
    #[schemars(schema_with = "super::schema::carried_metadata")]
    pub metadata: Metadata,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

impl PurchaseCreated {
    /// The deterministic id of this fact.
    ///
    /// ```
    /// use makegood::event::PurchaseCreated;
    /// use makegood::ids::PurchaseId;
    /// use uuid::Uuid;
    ///
    /// let id = PurchaseCreated::event_id(PurchaseId(Uuid::nil()));
    /// assert_eq!(id, "purchase-created-00000000-0000-0000-0000-000000000000");
    /// ```
    #[must_use]
    pub fn event_id(purchase_id: PurchaseId) -> String {
        format!("purchase-created-{purchase_id}")
    }

    /// Reads the body of a message.
    ///
    /// ```
    /// use makegood::event::PurchaseCreated;
    ///
    /// let refusal = PurchaseCreated::parse("{\"type\": \"ORDER_CONFIRMED\"}").unwrap_err();
    /// assert_eq!(refusal.code(), "unexpected_event_type");
    /// assert_eq!(refusal.to_string(), "field `type` is \"ORDER_CONFIRMED\"; this consumer handles PURCHASE_CREATED");
    /// ```
    ///
    /// # Errors
    /// [`EventError`] naming the field.
    pub fn parse(payload: &str) -> Result<Self, EventError> {
        let fields = Fields::parse(payload)?;
        fields.expect_type(EventType::PurchaseCreated)?;
        Self::read(&fields)
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        const TIER: &str = "a whole number of sessions, 1 or more";
        let purchase_id = PurchaseId(fields.uuid("purchaseId")?);
        let tier = fields.integer("purchaseTier", 1, TIER)?;
        Ok(Self {
            purchase_id,
            student_id: StudentId(fields.uuid("studentId")?),
            course_id: CourseId(fields.uuid("courseId")?),
            purchase_tier: i32::try_from(tier)
                .map_err(|_| super::reader::wrong("purchaseTier", &tier.to_string(), TIER))?,
            metadata: Metadata::of_event(fields.get("metadata"))?,
            envelope: Envelope::read(
                fields.get("_metadata"),
                &Self::event_id(purchase_id),
                &purchase_id.to_string(),
            ),
        })
    }

    /// The wire form.
    ///
    /// ```
    /// use makegood::event::PurchaseCreated;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "PURCHASE_CREATED", "purchaseId": id, "studentId": id, "courseId": id,
    /// #     "purchaseTier": 20}).to_string();
    ///
    /// let created = PurchaseCreated::parse(&body)?;
    /// assert_eq!(created.to_json()["_metadata"]["eventId"], format!("purchase-created-{id}"));
    /// assert_eq!(PurchaseCreated::parse(&created.to_json().to_string()), Ok(created));
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": EventType::PurchaseCreated.wire_name(),
            "timestamp": self.envelope.timestamp,
            "userId": self.student_id,
            "role": "student",
            "purchaseId": self.purchase_id,
            "studentId": self.student_id,
            "courseId": self.course_id,
            "purchaseTier": self.purchase_tier,
            "metadata": self.metadata.to_json(),
            "_metadata": self.envelope.to_json(),
        })
    }
}
