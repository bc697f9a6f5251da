//! `PURCHASE_ENDED`: the purchase does not run any more.

use super::number::MOST as MOST_WHOLE;
use super::{Envelope, EventError, EventType, Fields};
use crate::ids::{CourseId, PurchaseId, StudentId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The purchase does not run any more: what was planned for it is off.
///
/// ```
/// use makegood::event::Event;
/// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
/// # let body = serde_json::json!({"type": "PURCHASE_ENDED", "purchaseId": id, "studentId": id, "courseId": id,
/// #     "reason": "dispute_lost", "cancelledSessions": 12}).to_string();
///
/// let Event::PurchaseEnded(ended) = Event::parse(&body)? else {
///     panic!("its `type` says PURCHASE_ENDED");
/// };
/// assert_eq!((ended.reason.as_str(), ended.cancelled_sessions), ("dispute_lost", 12));
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "PURCHASE_ENDED")]
pub struct PurchaseEnded {
    /// The purchase.
    pub purchase_id: PurchaseId,
    /// Who learned.
    pub student_id: StudentId,
    /// What was bought.
    pub course_id: CourseId,
    /// Why: `refunded`, `dispute_lost`, `by_hand`, `expired`, `consumed` or `replaced`; a later release may add some.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// How many sessions of the student's course were cancelled with it.
    #[schemars(range(min = 0, max = MOST_WHOLE))]
    pub cancelled_sessions: i64,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

impl PurchaseEnded {
    /// The deterministic id of this fact: a purchase ends once.
    ///
    /// ```
    /// use makegood::event::PurchaseEnded;
    /// use makegood::ids::PurchaseId;
    /// use uuid::Uuid;
    ///
    /// let id = PurchaseEnded::event_id(PurchaseId(Uuid::nil()));
    /// assert_eq!(id, "purchase-ended-00000000-0000-0000-0000-000000000000");
    /// ```
    #[must_use]
    pub fn event_id(purchase_id: PurchaseId) -> String {
        format!("purchase-ended-{purchase_id}")
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        let purchase_id = PurchaseId(fields.uuid("purchaseId")?);
        Ok(Self {
            purchase_id,
            student_id: StudentId(fields.uuid("studentId")?),
            course_id: CourseId(fields.uuid("courseId")?),
            reason: fields.text("reason", "why it ended")?.to_owned(),
            cancelled_sessions: fields.integer("cancelledSessions", 0, "a whole number, 0 or more")?,
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
    /// use chrono::{DateTime, Utc};
    /// use makegood::event::{Envelope, PurchaseEnded};
    /// use makegood::ids::{CourseId, PurchaseId, StudentId};
    /// use uuid::Uuid;
    ///
    /// let purchase_id = PurchaseId(Uuid::nil());
    /// let event_id = PurchaseEnded::event_id(purchase_id);
    /// let ended = PurchaseEnded {
    ///     purchase_id,
    ///     student_id: StudentId(Uuid::nil()),
    ///     course_id: CourseId(Uuid::nil()),
    ///     reason: "consumed".to_owned(),
    ///     cancelled_sessions: 0,
    ///     envelope: Envelope::published(event_id, "payment-7".to_owned(), "sweep", DateTime::<Utc>::UNIX_EPOCH),
    /// };
    /// let json = ended.to_json();
    /// assert_eq!(json["type"], "PURCHASE_ENDED");
    /// assert_eq!(json["timestamp"], 0); // milliseconds since the epoch
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": EventType::PurchaseEnded.wire_name(),
            "timestamp": self.envelope.timestamp,
            "userId": self.student_id,
            "role": "student",
            "purchaseId": self.purchase_id,
            "studentId": self.student_id,
            "courseId": self.course_id,
            "reason": self.reason,
            "cancelledSessions": self.cancelled_sessions,
            "_metadata": self.envelope.to_json(),
        })
    }
}
