//! The events of SPEC section 2: what is sent, and the tolerant reader of what arrives.

mod envelope;
mod metadata;
mod number;
mod order_confirmed;
mod order_refunded;
mod purchase_confirmed;
mod purchase_created;
mod purchase_ended;
mod reader;
mod schema;
mod schema_metadata;
mod sessions_generated;
mod sessions_rescheduled;
mod trainer_allocated;
mod wrapping;

pub use envelope::Envelope;
pub use metadata::{LARGEST_TIER, Metadata, NOT_UNDERSTOOD, is_absent};
pub use number::{MOST as MOST_WHOLE, whole_number};
pub use order_confirmed::OrderConfirmed;
pub use order_refunded::OrderRefunded;
pub use purchase_confirmed::PurchaseConfirmed;
pub use purchase_created::PurchaseCreated;
pub use purchase_ended::PurchaseEnded;
pub use reader::{EventError, Fields};
pub use sessions_generated::SessionsGenerated;
pub use sessions_rescheduled::{RescheduledSession, SessionsRescheduled};
pub use trainer_allocated::TrainerAllocated;
pub use wrapping::out_of_envelopes;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The types of event, with their names on the wire.
///
/// ```
/// use makegood::event::EventType;
///
/// assert_eq!(serde_json::to_string(&EventType::PurchaseEnded).unwrap(), "\"PURCHASE_ENDED\"");
/// assert!(EventType::PurchaseConfirmed < EventType::TrainerAllocated, "they are in the order of the pipeline");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum EventType {
    /// A payment for a course was confirmed.
    #[serde(rename = "PURCHASE_CONFIRMED")]
    PurchaseConfirmed,
    /// The purchase row exists.
    #[serde(rename = "PURCHASE_CREATED")]
    PurchaseCreated,
    /// The purchase has its trainer.
    #[serde(rename = "TRAINER_ALLOCATED")]
    TrainerAllocated,
    /// The calendar holds new sessions.
    #[serde(rename = "SESSIONS_GENERATED")]
    SessionsGenerated,
    /// The order row exists.
    #[serde(rename = "ORDER_CONFIRMED")]
    OrderConfirmed,
    /// The purchase does not run any more.
    #[serde(rename = "PURCHASE_ENDED")]
    PurchaseEnded,
    /// Sessions were moved, handed over or cancelled.
    #[serde(rename = "SESSIONS_RESCHEDULED")]
    SessionsRescheduled,
    /// All of an order's money went back, and the order is cancelled.
    #[serde(rename = "ORDER_REFUNDED")]
    OrderRefunded,
}

impl EventType {
    /// Every type, in pipeline order; what ends or changes things comes last.
    pub const ALL: [Self; 8] = [
        Self::PurchaseConfirmed,
        Self::PurchaseCreated,
        Self::TrainerAllocated,
        Self::SessionsGenerated,
        Self::OrderConfirmed,
        Self::PurchaseEnded,
        Self::SessionsRescheduled,
        Self::OrderRefunded,
    ];

    /// The `type` field.
    ///
    /// ```
    /// use makegood::event::EventType;
    ///
    /// assert_eq!(EventType::TrainerAllocated.wire_name(), "TRAINER_ALLOCATED");
    /// ```
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::PurchaseConfirmed => "PURCHASE_CONFIRMED",
            Self::PurchaseCreated => "PURCHASE_CREATED",
            Self::TrainerAllocated => "TRAINER_ALLOCATED",
            Self::SessionsGenerated => "SESSIONS_GENERATED",
            Self::OrderConfirmed => "ORDER_CONFIRMED",
            Self::PurchaseEnded => "PURCHASE_ENDED",
            Self::SessionsRescheduled => "SESSIONS_RESCHEDULED",
            Self::OrderRefunded => "ORDER_REFUNDED",
        }
    }

    /// The topic that carries events of this type.
    ///
    /// The queue of a topic has its name too.
    ///
    /// ```
    /// use makegood::event::EventType;
    ///
    /// assert_eq!(EventType::SessionsGenerated.topic(), "sessions-generated");
    /// ```
    #[must_use]
    pub const fn topic(self) -> &'static str {
        match self {
            Self::PurchaseConfirmed => "purchase-confirmed",
            Self::PurchaseCreated => "purchase-created",
            Self::TrainerAllocated => "trainer-allocated",
            Self::SessionsGenerated => "sessions-generated",
            Self::OrderConfirmed => "order-confirmed",
            Self::PurchaseEnded => "purchase-ended",
            Self::SessionsRescheduled => "sessions-rescheduled",
            Self::OrderRefunded => "order-refunded",
        }
    }

    /// The type of this wire name.
    ///
    /// None where there is no such type; case counts.
    ///
    /// ```
    /// use makegood::event::EventType;
    ///
    /// assert_eq!(EventType::from_wire_name("ORDER_CONFIRMED"), Some(EventType::OrderConfirmed));
    /// assert_eq!(EventType::from_wire_name("order_confirmed"), None);
    /// ```
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event_type| event_type.wire_name() == name)
    }
}

/// Any event, told apart by its `type`.
///
/// ```
/// use makegood::event::{Event, PurchaseEnded};
/// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
/// # let body = serde_json::json!({"type": "PURCHASE_ENDED", "purchaseId": id, "studentId": id, "courseId": id,
/// #     "reason": "refunded", "cancelledSessions": 12}).to_string();
///
/// let Event::PurchaseEnded(PurchaseEnded { cancelled_sessions, .. }) = Event::parse(&body)? else {
///     panic!("its `type` says PURCHASE_ENDED");
/// };
/// assert_eq!(cancelled_sessions, 12);
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// See [`PurchaseConfirmed`].
    PurchaseConfirmed(PurchaseConfirmed),
    /// See [`PurchaseCreated`].
    PurchaseCreated(PurchaseCreated),
    /// See [`TrainerAllocated`].
    TrainerAllocated(TrainerAllocated),
    /// See [`SessionsGenerated`].
    SessionsGenerated(SessionsGenerated),
    /// See [`OrderConfirmed`].
    OrderConfirmed(OrderConfirmed),
    /// See [`PurchaseEnded`].
    PurchaseEnded(PurchaseEnded),
    /// See [`SessionsRescheduled`].
    SessionsRescheduled(SessionsRescheduled),
    /// See [`OrderRefunded`].
    OrderRefunded(OrderRefunded),
}

impl Event {
    /// Reads one event, tolerantly (SPEC 2).
    ///
    /// The body may come as it was sent, or in an envelope of SNS or EventBridge. Unknown fields are ignored.
    ///
    /// ```
    /// use makegood::event::{Event, EventType};
    /// use serde_json::json;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    ///
    /// let event = json!({"type": "PURCHASE_CONFIRMED", "paymentId": id, "studentId": id, "courseId": id, "amountCents": 4999});
    /// let topic = "arn:aws:sns:eu-west-1:123456789012:purchase-confirmed";
    /// let by_sns = json!({"Type": "Notification", "TopicArn": topic, "Message": event.to_string()});
    /// assert_eq!(Event::parse(&by_sns.to_string())?.event_type(), EventType::PurchaseConfirmed);
    /// assert_eq!(Event::parse(&by_sns.to_string()), Event::parse(&event.to_string()));
    ///
    /// let refusal = Event::parse("{\"type\": \"PURCHASE_CONFIRMED\"}").unwrap_err();
    /// assert_eq!(refusal.to_string(), "field `paymentId` is missing; it must be a UUID");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// [`EventError`] naming the field that is missing or wrong.
    pub fn parse(payload: &str) -> Result<Self, EventError> {
        let fields = Fields::parse(payload)?;
        Ok(match fields.event_type()? {
            EventType::PurchaseConfirmed => Self::PurchaseConfirmed(PurchaseConfirmed::read(&fields)?),
            EventType::PurchaseCreated => Self::PurchaseCreated(PurchaseCreated::read(&fields)?),
            EventType::TrainerAllocated => Self::TrainerAllocated(TrainerAllocated::read(&fields)?),
            EventType::SessionsGenerated => Self::SessionsGenerated(SessionsGenerated::read(&fields)?),
            EventType::OrderConfirmed => Self::OrderConfirmed(OrderConfirmed::read(&fields)?),
            EventType::PurchaseEnded => Self::PurchaseEnded(PurchaseEnded::read(&fields)?),
            EventType::SessionsRescheduled => Self::SessionsRescheduled(SessionsRescheduled::read(&fields)?),
            EventType::OrderRefunded => Self::OrderRefunded(OrderRefunded::read(&fields)?),
        })
    }

    /// The envelope, given or derived.
    ///
    /// ```
    /// use makegood::event::Event;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "PURCHASE_CONFIRMED", "paymentId": id, "studentId": id, "courseId": id,
    /// #     "amountCents": 1}).to_string();
    ///
    /// // This body has no `_metadata`: the ids follow from the payment.
    /// let event = Event::parse(&body)?;
    /// assert_eq!(event.envelope().event_id, format!("payment:{id}:PURCHASE_CONFIRMED"));
    /// assert_eq!(event.envelope().correlation_id, id);
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        match self {
            Self::PurchaseConfirmed(event) => &event.envelope,
            Self::PurchaseCreated(event) => &event.envelope,
            Self::TrainerAllocated(event) => &event.envelope,
            Self::SessionsGenerated(event) => &event.envelope,
            Self::OrderConfirmed(event) => &event.envelope,
            Self::PurchaseEnded(event) => &event.envelope,
            Self::SessionsRescheduled(event) => &event.envelope,
            Self::OrderRefunded(event) => &event.envelope,
        }
    }

    /// The type of this event.
    ///
    /// ```
    /// use makegood::event::Event;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "PURCHASE_ENDED", "purchaseId": id, "studentId": id, "courseId": id,
    /// #     "reason": "expired", "cancelledSessions": 0}).to_string();
    ///
    /// assert_eq!(Event::parse(&body)?.event_type().topic(), "purchase-ended");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn event_type(&self) -> EventType {
        match self {
            Self::PurchaseConfirmed(_) => EventType::PurchaseConfirmed,
            Self::PurchaseCreated(_) => EventType::PurchaseCreated,
            Self::TrainerAllocated(_) => EventType::TrainerAllocated,
            Self::SessionsGenerated(_) => EventType::SessionsGenerated,
            Self::OrderConfirmed(_) => EventType::OrderConfirmed,
            Self::PurchaseEnded(_) => EventType::PurchaseEnded,
            Self::SessionsRescheduled(_) => EventType::SessionsRescheduled,
            Self::OrderRefunded(_) => EventType::OrderRefunded,
        }
    }
}

/// The JSON Schema of each event, by topic: what `events/schema/` publishes.
///
/// ```
/// let schemas = makegood::event::schemas();
/// let (topic, schema) = &schemas[0];
/// assert_eq!(*topic, "purchase-confirmed");
/// assert_eq!(schema["properties"]["type"]["const"], "PURCHASE_CONFIRMED");
/// ```
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        schema::document::<PurchaseConfirmed>(EventType::PurchaseConfirmed),
        schema::document::<PurchaseCreated>(EventType::PurchaseCreated),
        schema::document::<TrainerAllocated>(EventType::TrainerAllocated),
        schema::document::<SessionsGenerated>(EventType::SessionsGenerated),
        schema::document::<OrderConfirmed>(EventType::OrderConfirmed),
        schema::document::<PurchaseEnded>(EventType::PurchaseEnded),
        schema::document::<SessionsRescheduled>(EventType::SessionsRescheduled),
        schema::document::<OrderRefunded>(EventType::OrderRefunded),
    ]
}
