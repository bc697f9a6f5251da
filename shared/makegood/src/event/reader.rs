//! Reads the fields of an event one by one, so that a refusal names the field.

use super::EventType;
use super::number::whole_number;
use super::wrapping::unwrapped;
use chrono::NaiveDate;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Why an event is refused. Each is permanent: the same bytes will never be readable.
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
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
}

impl Fields {
    /// Parses the body, out of the envelopes of SNS and EventBridge.
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
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// A UUID.
    ///
    /// # Errors
    /// When it is missing or no UUID.
    pub fn uuid(&self, field: &str) -> Result<Uuid, EventError> {
        let text = self.text(field, "a UUID")?;
        Uuid::parse_str(text).map_err(|_| wrong(field, text, "a UUID"))
    }

    /// A whole number of at least `least`, in any spelling ([`whole_number`]).
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
