//! The `_metadata` envelope that every event carries.

use crate::ids::{CorrelationId, indexable};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// What identifies an event: the same fact always has the same `event_id`.
///
/// ```
/// use makegood::event::Envelope;
/// use serde_json::json;
///
/// let sent = json!({"eventId": "e-1", "correlationId": "order-17", "timestamp": 1_767_817_344_753_i64, "source": "shop"});
/// let envelope = Envelope::read(Some(&sent), "derived", "derived");
/// assert_eq!(envelope.event_id, "e-1");
/// assert_eq!(envelope.timestamp, Some(1_767_817_344_753));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Opaque and deterministic; the key of idempotency. An id of more than 512 bytes is shortened.
    pub event_id: String,
    /// The event id as it came, where it was too long for an index. Nothing is decided by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub original_event_id: Option<String>,
    /// The payment's id through the whole course pipeline; any text is accepted.
    pub correlation_id: String,
    /// Milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// Who wrote the event.
    pub source: String,
    /// The version of the format.
    pub version: String,
}

impl Envelope {
    /// The version that Makegood writes.
    pub const VERSION: &'static str = "1.0.0";

    /// An envelope for an event that Makegood itself publishes.
    ///
    /// `now` becomes the timestamp, in milliseconds since the epoch.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use makegood::event::Envelope;
    ///
    /// let now = DateTime::from_timestamp_millis(1_767_817_344_753).unwrap_or_default();
    /// let envelope = Envelope::published("purchase-created-7".to_owned(), "pay-7".to_owned(), "create-purchase", now);
    /// assert_eq!(envelope.timestamp, Some(1_767_817_344_753));
    /// assert_eq!(envelope.version, Envelope::VERSION);
    /// ```
    #[must_use]
    pub fn published(event_id: String, correlation_id: String, source: &str, now: DateTime<Utc>) -> Self {
        Self {
            event_id,
            original_event_id: None,
            correlation_id,
            timestamp: Some(now.timestamp_millis()),
            source: source.to_owned(),
            version: Self::VERSION.to_owned(),
        }
    }

    /// Reads `_metadata`; what is missing or of a wrong type is derived from the business key, since refusing
    /// a paid purchase for its envelope is worse (SPEC 2).
    ///
    /// ```
    /// use makegood::event::Envelope;
    /// use serde_json::json;
    ///
    /// let partly = json!({"eventId": 7, "correlationId": "order-17"});
    /// let envelope = Envelope::read(Some(&partly), "purchase-created-7", "pay-7");
    /// assert_eq!(envelope.event_id, "purchase-created-7", "7 is no text, so the derived id counts");
    /// assert_eq!(envelope.correlation_id, "order-17");
    ///
    /// let long = "x".repeat(600);
    /// let envelope = Envelope::read(None, &long, "pay-7");
    /// assert_eq!((envelope.event_id.len(), envelope.original_event_id), (512, Some(long)));
    /// ```
    #[must_use]
    pub fn read(metadata: Option<&Value>, derived_event_id: &str, derived_correlation_id: &str) -> Self {
        let text = |name: &str| {
            metadata
                .and_then(|fields| fields.get(name))
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let given = text("eventId").unwrap_or(derived_event_id);
        let event_id = indexable(given).into_owned();
        Self {
            original_event_id: (event_id != given).then(|| given.to_owned()),
            event_id,
            correlation_id: indexable(text("correlationId").unwrap_or(derived_correlation_id)).into_owned(),
            timestamp: metadata
                .and_then(|fields| fields.get("timestamp"))
                .and_then(Value::as_i64),
            source: text("source").unwrap_or("unknown").to_owned(),
            version: text("version").unwrap_or(Self::VERSION).to_owned(),
        }
    }

    /// The correlation id as the column wants it.
    ///
    /// A UUID is itself; from any other text the same UUID follows each time.
    ///
    /// ```
    /// use makegood::event::Envelope;
    /// use makegood::ids::CorrelationId;
    ///
    /// let envelope = Envelope::read(None, "e-1", "order-17");
    /// assert_eq!(envelope.correlation(), CorrelationId::from_text("order-17"));
    /// ```
    #[must_use]
    pub fn correlation(&self) -> CorrelationId {
        CorrelationId::from_text(&self.correlation_id)
    }

    /// The wire form.
    ///
    /// ```
    /// use makegood::event::Envelope;
    /// use serde_json::json;
    ///
    /// let json = Envelope::read(None, "e-1", "order-17").to_json();
    /// assert_eq!(json, json!({"eventId": "e-1", "correlationId": "order-17", "source": "unknown", "version": "1.0.0"}));
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!(self)
    }
}
