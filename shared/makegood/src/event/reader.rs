//! Reads the fields of an event one by one, so that a refusal names the field.

use super::EventType;
use super::number::whole_number;
use super::wrapping::unwrapped;
use chrono::NaiveDate;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Why an event is refused. Each is permanent: the same bytes will never be readable.
///
/// ```
/// use makegood::event::{Event, EventError};
///
/// assert_eq!(Event::parse(" "), Err(EventError::Empty));
/// assert_eq!(Event::parse("[]"), Err(EventError::NotAnObject("array")));
/// assert_eq!(EventError::NotAnObject("array").to_string(), "the body is a JSON array; send one JSON object");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or cut off.
    #[error("the body is not JSON: {0}; send one JSON object")]
    NotJson(String),
    /// JSON, but an array, a text or a number.
    #[error("the body is a JSON {0}; send one JSON object")]
    NotAnObject(&'static str),
    /// A Kafka tombstone or an empty body.
    #[error("the body is empty; send one JSON object")]
    Empty,
    /// A business field is not there.
    #[error("field `{field}` is missing; it must be {expected}")]
    Missing {
        /// The field's path.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A business field has a value that can't be used.
    #[error("field `{field}` is {found}; it must be {expected}")]
    Wrong {
        /// The field's path.
        field: String,
        /// What was there, shortened.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// Another type of event than this consumer handles.
    #[error("field `type` is {found:?}; this consumer handles {expected}")]
    UnexpectedType {
        /// The type that was found.
        found: String,
        /// The types that are handled.
        expected: &'static str,
    },
}

impl EventError {
    /// A stable code for dead letters and metrics.
    ///
    /// ```
    /// use makegood::event::Event;
    ///
    /// assert_eq!(Event::parse("{\"type\": ").unwrap_err().code(), "malformed_json");
    /// assert_eq!(Event::parse("{\"type\": \"COFFEE_BREWED\"}").unwrap_err().code(), "unexpected_event_type");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "malformed_json",
            Self::NotAnObject(_) => "not_an_object",
            Self::Empty => "empty_body",
            Self::Missing { .. } => "missing_field",
            Self::Wrong { .. } => "invalid_field",
            Self::UnexpectedType { .. } => "unexpected_event_type",
        }
    }
}

/// The fields of one event. Unknown ones are ignored.
///
/// ```
/// use makegood::event::{EventType, Fields};
///
/// let fields = Fields::parse("{\"type\": \"ORDER_CONFIRMED\", \"itemCount\": 2, \"new\": true}")?;
/// assert_eq!(fields.event_type()?, EventType::OrderConfirmed);
/// assert_eq!(fields.integer("itemCount", 1, "a whole number, 1 or more")?, 2);
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
}

impl Fields {
    /// Parses the body, out of the envelopes of SNS and EventBridge.
    ///
    /// ```
    /// use makegood::event::Fields;
    ///
    /// let event = r#"{"type": "PURCHASE_ENDED", "reason": "expired"}"#;
    /// let by_event_bridge = format!(r#"{{"detail-type": "ended", "source": "shop", "detail": {event}}}"#);
    /// assert_eq!(Fields::parse(&by_event_bridge)?.text("reason", "why it ended")?, "expired");
    /// assert_eq!(Fields::parse("7").unwrap_err().code(), "not_an_object");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn parse(payload: &str) -> Result<Self, EventError> {
        if payload.trim().is_empty() {
            return Err(EventError::Empty);
        }
        match serde_json::from_str(payload) {
            Ok(Value::Object(object)) => Ok(Self {
                object: unwrapped(object),
            }),
            Ok(Value::Null) => Err(EventError::Empty),
            Ok(Value::Array(_)) => Err(EventError::NotAnObject("array")),
            Ok(Value::String(_)) => Err(EventError::NotAnObject("text")),
            Ok(Value::Number(_)) => Err(EventError::NotAnObject("number")),
            Ok(Value::Bool(_)) => Err(EventError::NotAnObject("boolean")),
            Err(error) => Err(EventError::NotJson(error.to_string())),
        }
    }

    /// The fields of an object within an event.
    pub(super) fn of(object: &Map<String, Value>) -> Self {
        Self {
            object: object.clone(),
        }
    }

    /// The `type`, which must be one of SPEC's.
    ///
    /// ```
    /// use makegood::event::{EventType, Fields};
    ///
    /// assert_eq!(Fields::parse("{\"type\": \"PURCHASE_ENDED\"}")?.event_type()?, EventType::PurchaseEnded);
    /// assert_eq!(Fields::parse("{}")?.event_type().unwrap_err().code(), "missing_field");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When it is missing or unknown.
    pub fn event_type(&self) -> Result<EventType, EventError> {
        let name = self.text("type", "the event's type")?;
        EventType::from_wire_name(name).ok_or_else(|| EventError::UnexpectedType {
            found: shorten(name),
            expected: "PURCHASE_CONFIRMED, PURCHASE_CREATED, TRAINER_ALLOCATED, SESSIONS_GENERATED, ORDER_CONFIRMED, PURCHASE_ENDED, SESSIONS_RESCHEDULED",
        })
    }

    /// Accepts only one type.
    ///
    /// ```
    /// use makegood::event::{EventType, Fields};
    ///
    /// let fields = Fields::parse("{\"type\": \"PURCHASE_ENDED\"}")?;
    /// assert_eq!(fields.expect_type(EventType::PurchaseEnded), Ok(()));
    /// assert!(fields.expect_type(EventType::OrderConfirmed).is_err());
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When `type` is missing or another.
    pub fn expect_type(&self, expected: EventType) -> Result<(), EventError> {
        let name = self.text("type", "the event's type")?;
        if name == expected.wire_name() {
            return Ok(());
        }
        Err(EventError::UnexpectedType {
            found: shorten(name),
            expected: expected.wire_name(),
        })
    }

    /// The value at this name, if it is there and not null.
    ///
    /// ```
    /// use makegood::event::Fields;
    /// use serde_json::json;
    ///
    /// let fields = Fields::parse("{\"currency\": null, \"amountCents\": 0}")?;
    /// assert_eq!(fields.get("currency"), None);
    /// assert_eq!(fields.get("amountCents"), Some(&json!(0)));
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// A UUID.
    ///
    /// ```
    /// use makegood::event::Fields;
    ///
    /// let fields = Fields::parse("{\"paymentId\": \"0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301\", \"courseId\": \"7\"}")?;
    /// assert_eq!(fields.uuid("paymentId")?.to_string(), "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301");
    /// assert_eq!(fields.uuid("courseId").unwrap_err().to_string(), "field `courseId` is 7; it must be a UUID");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When it is missing or no UUID.
    pub fn uuid(&self, field: &str) -> Result<Uuid, EventError> {
        let text = self.text(field, "a UUID")?;
        Uuid::parse_str(text).map_err(|_| wrong(field, text, "a UUID"))
    }

    /// A whole number of at least `least`, in any spelling ([`whole_number`]).
    ///
    /// `expected` ends the sentence of a refusal.
    ///
    /// ```
    /// use makegood::event::Fields;
    ///
    /// const AMOUNT: &str = "a whole number of minor units, 0 or more";
    /// let fields = Fields::parse("{\"amountCents\": 4999e2, \"feeCents\": -1}")?;
    /// assert_eq!(fields.integer("amountCents", 0, AMOUNT)?, 499_900);
    /// let refusal = fields.integer("feeCents", 0, AMOUNT).unwrap_err();
    /// assert_eq!(refusal.to_string(), "field `feeCents` is -1; it must be a whole number of minor units, 0 or more");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When it is missing, a fraction, a text, smaller, or more than a JSON number carries.
    pub fn integer(&self, field: &str, least: i64, expected: &'static str) -> Result<i64, EventError> {
        let value = self.required(field, expected)?;
        whole_number(value)
            .filter(|number| *number >= least)
            .ok_or_else(|| wrong(field, &value.to_string(), expected))
    }

    /// A calendar day, `YYYY-MM-DD`.
    ///
    /// ```
    /// use makegood::event::Fields;
    ///
    /// let fields = Fields::parse("{\"startDate\": \"2026-02-28\", \"endDate\": \"2026-02-30\"}")?;
    /// assert_eq!(fields.date("startDate")?.to_string(), "2026-02-28");
    /// assert_eq!(fields.date("endDate").unwrap_err().code(), "invalid_field");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When it is missing or no such day.
    pub fn date(&self, field: &str) -> Result<NaiveDate, EventError> {
        const EXPECTED: &str = "a day as YYYY-MM-DD";
        let text = self.text(field, EXPECTED)?;
        // chrono alone also reads signs, blanks and years of more digits, which are no `YYYY-MM-DD`.
        let day = text
            .parse()
            .ok()
            .filter(|day: &NaiveDate| day.to_string() == text);
        day.ok_or_else(|| wrong(field, text, EXPECTED))
    }

    /// A text that is not empty.
    ///
    /// ```
    /// use makegood::event::Fields;
    ///
    /// let fields = Fields::parse("{\"reason\": \"refunded\", \"orderNumber\": \"\"}")?;
    /// assert_eq!(fields.text("reason", "why it ended")?, "refunded");
    /// assert!(fields.text("orderNumber", "an order number").is_err());
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When it is missing, empty or no text.
    pub fn text(&self, field: &str, expected: &'static str) -> Result<&str, EventError> {
        let value = self.required(field, expected)?;
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| wrong(field, &value.to_string(), expected))
    }

    /// A text without blanks around it; none when it is missing or empty.
    ///
    /// ```
    /// use makegood::event::Fields;
    ///
    /// let fields = Fields::parse("{\"currency\": \" INR \", \"note\": \" \", \"amount\": 7}")?;
    /// assert_eq!(fields.optional_text("currency", "an ISO 4217 code")?.as_deref(), Some("INR"));
    /// assert_eq!(fields.optional_text("note", "a text")?, None);
    /// assert!(fields.optional_text("amount", "a text").is_err());
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// When it is no text.
    pub fn optional_text(&self, field: &str, expected: &'static str) -> Result<Option<String>, EventError> {
        let Some(value) = self.get(field) else {
            return Ok(None);
        };
        let text = value
            .as_str()
            .ok_or_else(|| wrong(field, &value.to_string(), expected))?
            .trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn required(&self, field: &str, expected: &'static str) -> Result<&Value, EventError> {
        self.get(field).ok_or_else(|| EventError::Missing {
            field: field.to_owned(),
            expected,
        })
    }
}

/// The refusal of a value, which is quoted but never at length.
pub(super) fn wrong(field: &str, found: &str, expected: &'static str) -> EventError {
    EventError::Wrong {
        field: field.to_owned(),
        found: shorten(found),
        expected,
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain("…".chars()).collect()
}
