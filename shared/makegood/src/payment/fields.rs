//! Reads the fields of a signed body one by one, so that a refusal names the field as its sender knows it.
//! It never quotes the value, which may be personal.

use crate::event::{EventError, Metadata, is_absent, whole_number};
use crate::payment::Refusal;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The most bytes of metadata: the event that carries it must stay well below what a message may hold.
const LONGEST_METADATA: usize = 65_536;
const CURRENCY_EXPECTED: &str = "an ISO 4217 code such as INR";

/// One level of a JSON object, with the path that a refusal names.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    path: &'a str,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// These fields, which refusals name under `path` (empty at the top).
    #[must_use]
    pub fn new(path: &'a str, fields: &'a Map<String, Value>) -> Self {
        Self { path, fields }
    }

    /// Its fields, as they were sent.
    #[must_use]
    pub const fn fields(&self) -> &'a Map<String, Value> {
        self.fields
    }

    /// The field's full path.
    #[must_use]
    pub fn path_of(&self, field: &str) -> String {
        if self.path.is_empty() {
            field.to_owned()
        } else {
            format!("{}.{field}", self.path)
        }
    }

    /// The value, unless it is missing, null or an empty text, which forms send for a field that was left empty.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !is_absent(value))
    }

    /// All fields but these.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Metadata {
        let rest = self
            .fields
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()));
        Metadata(rest.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn required(&self, field: &str, expected: &'static str) -> Result<&'a Value, Refusal> {
        self.get(field).ok_or_else(|| Refusal::Missing {
            field: self.path_of(field),
            expected,
        })
    }

    /// A UUID that must be there.
    ///
    /// # Errors
    /// When it is missing or none.
    pub fn uuid(&self, field: &str) -> Result<Uuid, Refusal> {
        const EXPECTED: &str = "a UUID";
        let value = self.required(field, EXPECTED)?;
        let id = value.as_str().and_then(|text| Uuid::parse_str(text.trim()).ok());
        id.ok_or_else(|| Refusal::wrong(&self.path_of(field), EXPECTED))
    }

    /// An amount in minor units: a whole number, 0 or more, in any spelling that JSON has for it. It is never a float here.
    ///
    /// # Errors
    /// When it is missing or no such number.
    pub fn amount_minor(&self, field: &str) -> Result<i64, Refusal> {
        const EXPECTED: &str = "a whole number of minor units, 0 or more";
        let value = self.required(field, EXPECTED)?;
        whole_number(value)
            .filter(|amount| *amount >= 0)
            .ok_or_else(|| Refusal::wrong(&self.path_of(field), EXPECTED))
    }

    /// A currency in capitals; `INR` when there is none.
    ///
    /// # Errors
    /// When it is there and no ISO 4217 code.
    pub fn currency(&self) -> Result<String, Refusal> {
        let Some(value) = self.get("currency") else {
            return Ok("INR".to_owned());
        };
        let code = value
            .as_str()
            .filter(|text| text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()));
        code.map(str::to_ascii_uppercase)
            .ok_or_else(|| Refusal::wrong(&self.path_of("currency"), CURRENCY_EXPECTED))
    }

    /// A text that may be absent: printable, and no longer than an id can be.
    ///
    /// # Errors
    /// When it is there and no such text.
    pub fn optional_text(&self, field: &str) -> Result<Option<String>, Refusal> {
        const LONGEST: usize = 200;
        let Some(value) = self.get(field) else {
            return Ok(None);
        };
        let usable =
            |text: &&str| !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
        let text = value.as_str().map(str::trim).filter(usable).map(str::to_owned);
        text.map(Some)
            .ok_or_else(|| Refusal::wrong(&self.path_of(field), "a text of 1 to 200 characters"))
    }
}

/// Checks what the next stage will want of the metadata, so that the sender hears of it and not a dead letter, and
/// leaves out what is personal.
///
/// # Errors
/// When tier or expiry can't be used, it is too long, or it holds a character that the database can't store.
pub fn checked_metadata(path: &str, mut metadata: Metadata) -> Result<Metadata, Refusal> {
    const UNSTORABLE: &str = "an object of at most 64 KiB without NUL characters";
    metadata
        .0
        .retain(|name, value| !is_personal(name) && !is_absent(value));
    let text = metadata.to_json().to_string();
    if text.len() > LONGEST_METADATA || text.contains("\\u0000") {
        return Err(Refusal::wrong(path, UNSTORABLE));
    }
    metadata.purchase_tier().map_err(|error| under(path, error))?;
    metadata
        .expiry(chrono_tz::UTC)
        .map_err(|error| under(path, error))?;
    Ok(metadata)
}

/// Names that payment pages put a person's contact under.
fn is_personal(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "contact"
        || ["email", "phone", "mobile"]
            .iter()
            .any(|word| name.contains(word))
}

/// The refusal of a field of `metadata`, under the name that the sender knows it by, without its value.
fn under(path: &str, error: EventError) -> Refusal {
    match error {
        EventError::Missing { field, expected } | EventError::Wrong { field, expected, .. } => {
            Refusal::Wrong {
                field: field.replacen("metadata", path, 1),
                expected,
            }
        }
        EventError::NotJson(_)
        | EventError::NotAnObject(_)
        | EventError::Empty
        | EventError::UnexpectedType { .. } => Refusal::wrong(path, "an object"),
    }
}

/// The top level of a body whose signature was verified.
///
/// # Errors
/// When it is no UTF-8, no JSON, or no object.
pub fn read_object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::Unreadable("is no JSON object")),
        Err(_) => Err(Refusal::Unreadable("is not JSON, or cut off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_that_no_row_should_hold_is_refused() {
        let frame = json!({"remark": ""}).to_string().len();
        for (length, is_kept) in [
            (LONGEST_METADATA - frame, true),
            (LONGEST_METADATA - frame + 1, false),
        ] {
            let remark = json!("x".repeat(length));
            let metadata = Metadata([("remark".to_owned(), remark)].into_iter().collect());
            let checked = checked_metadata("notes", metadata);
            assert_eq!(checked.is_ok(), is_kept, "{length}");
        }
    }
}
