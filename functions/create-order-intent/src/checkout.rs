//! What the buyer sent: how to pay, and where to send the goods. A refusal names the field and never quotes its value.

use crate::typed::{self, Control};
use makegood::gateway::Provider;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Why a checkout can't be read; the buyer's page can fix it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// The body as a whole.
    #[error("the body {0}")]
    Unreadable(&'static str),
    /// A field that must be there.
    #[error("{field} is missing, it must be {expected}")]
    Missing {
        /// Its path.
        field: String,
        /// What it must be.
        expected: String,
    },
    /// A field that is something else.
    #[error("{field} must be {expected}")]
    Wrong {
        /// Its path.
        field: String,
        /// What it must be.
        expected: String,
    },
    /// A text with a character that no writing needs.
    #[error("{field} holds the control character U+{:04X} at place {place}; leave it out", u32::from(*.character))]
    Control {
        /// Its path.
        field: String,
        /// The character.
        character: char,
        /// Its place in the text, from 1.
        place: usize,
    },
}

impl BadInput {
    /// The field to fix, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Unreadable(_) => None,
            Self::Missing { field, .. } | Self::Wrong { field, .. } | Self::Control { field, .. } => {
                Some(field)
            }
        }
    }
}

/// A checkout that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkout {
    /// The gateway.
    #[serde(rename = "payment_method")]
    pub provider: Provider,
    /// Where the goods go.
    pub shipping_address: ShippingAddress,
    /// The sum that the buyer was shown and agreed to, in paisa. It makes no other checkout: the cart does.
    #[serde(skip)]
    pub accepted_minor: Option<i64>,
}

/// Where the goods go. White space around a text is gone, a line ends with LF, and phone and postal code have ASCII digits; all
/// else is as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShippingAddress {
    /// The person.
    pub name: String,
    /// How to reach them.
    pub phone: String,
    /// Street and house.
    pub address_line1: String,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line2: Option<String>,
    /// The city.
    pub city: String,
    /// The state or province.
    pub state: String,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What the carrier should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl Checkout {
    /// Reads the body of a request. Fields that are not known are ignored.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, BadInput> {
        let body = match serde_json::from_slice(body) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return Err(BadInput::Unreadable("must be a JSON object")),
            Err(_) => return Err(BadInput::Unreadable("is not JSON, or cut off")),
        };
        Ok(Self {
            provider: read_provider(&body)?,
            shipping_address: read_address(&body)?,
            accepted_minor: read_accepted(&body)?,
        })
    }

    /// SHA-256, in hex, of what was asked for. White space, the order of the fields and fields that mean nothing make no
    /// difference.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let text = serde_json::json!(self).to_string();
        hex::encode(Sha256::digest(text.as_bytes()))
    }
}

fn read_provider(body: &Map<String, Value>) -> Result<Provider, BadInput> {
    const FIELD: &str = "payment_method";
    const EXPECTED: &str = "\"esewa\" or \"khalti\"";
    let value = present(body, FIELD).ok_or_else(|| missing(FIELD, EXPECTED))?;
    let provider = value.as_str().and_then(|name| name.parse().ok());
    provider.ok_or_else(|| wrong(FIELD, EXPECTED))
}

fn read_accepted(body: &Map<String, Value>) -> Result<Option<i64>, BadInput> {
    const FIELD: &str = "accepted_amount_cents";
    let Some(value) = present(body, FIELD) else {
        return Ok(None);
    };
    let amount = value.as_i64().filter(|amount| *amount >= 0);
    amount
        .map(Some)
        .ok_or_else(|| wrong(FIELD, "a whole number of paisa, 0 or more"))
}

fn read_address(body: &Map<String, Value>) -> Result<ShippingAddress, BadInput> {
    const FIELD: &str = "shipping_address";
    const EXPECTED: &str = "an object";
    const NAME: usize = 200;
    const CODE: usize = 40;
    const NOTES: usize = 1_000;
    let value = present(body, FIELD).ok_or_else(|| missing(FIELD, EXPECTED))?;
    let address = value.as_object().ok_or_else(|| wrong(FIELD, EXPECTED))?;
    Ok(ShippingAddress {
        name: required(address, "name", NAME)?,
        phone: filled(code(address, "phone", CODE)?, "phone", CODE)?,
        address_line1: required(address, "address_line1", NAME)?,
        address_line2: optional(address, "address_line2", NAME)?,
        city: required(address, "city", NAME)?,
        state: required(address, "state", NAME)?,
        postal_code: code(address, "postal_code", CODE)?,
        country: optional(address, "country", NAME)?,
        notes: optional(address, "notes", NOTES)?,
    })
}

fn required(address: &Map<String, Value>, field: &str, longest: usize) -> Result<String, BadInput> {
    filled(optional(address, field, longest)?, field, longest)
}

fn filled(text: Option<String>, field: &str, longest: usize) -> Result<String, BadInput> {
    text.ok_or_else(|| missing(&path_of(field), &text_of(longest)))
}

fn optional(address: &Map<String, Value>, field: &str, longest: usize) -> Result<Option<String>, BadInput> {
    read_text(address, field, longest, typed::lines)
}

fn code(address: &Map<String, Value>, field: &str, longest: usize) -> Result<Option<String>, BadInput> {
    read_text(address, field, longest, typed::code)
}

/// A text that is blank counts as absent: forms send their empty fields too. Its length is that of what is kept.
fn read_text(
    address: &Map<String, Value>,
    field: &str,
    longest: usize,
    tidy: fn(&str) -> Result<String, Control>,
) -> Result<Option<String>, BadInput> {
    let Some(value) = present(address, field) else {
        return Ok(None);
    };
    let text = value
        .as_str()
        .ok_or_else(|| wrong(&path_of(field), &text_of(longest)))?;
    let text = tidy(text).map_err(|control| BadInput::Control {
        field: path_of(field),
        character: control.character,
        place: control.place,
    })?;
    if text.chars().count() > longest {
        return Err(wrong(&path_of(field), &text_of(longest)));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn present<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|value| !value.is_null())
}

fn path_of(field: &str) -> String {
    format!("shipping_address.{field}")
}

fn text_of(longest: usize) -> String {
    format!("a text of 1 to {longest} characters")
}

fn missing(field: &str, expected: &str) -> BadInput {
    BadInput::Missing {
        field: field.to_owned(),
        expected: expected.to_owned(),
    }
}

fn wrong(field: &str, expected: &str) -> BadInput {
    BadInput::Wrong {
        field: field.to_owned(),
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body() -> Value {
        json!({"payment_method": "khalti", "shipping_address": {"name": "Buyer", "phone": "9800000000",
               "address_line1": "Thamel", "city": "Kathmandu", "state": "Bagmati"}})
    }

    fn read(body: &Value) -> Result<Checkout, BadInput> {
        Checkout::read(body.to_string().as_bytes())
    }

    #[test]
    fn every_refusal_names_its_field() {
        let cases = [
            ("/payment_method", json!(null), "payment_method"),
            ("/payment_method", json!("cash"), "payment_method"),
            ("/shipping_address", json!("Thamel"), "shipping_address"),
            ("/accepted_amount_cents", json!("100"), "accepted_amount_cents"),
            ("/accepted_amount_cents", json!(1.5), "accepted_amount_cents"),
            ("/accepted_amount_cents", json!(-1), "accepted_amount_cents"),
            ("/shipping_address/name", json!(" "), "shipping_address.name"),
            ("/shipping_address/phone", json!(98), "shipping_address.phone"),
            (
                "/shipping_address/address_line1",
                json!(null),
                "shipping_address.address_line1",
            ),
            (
                "/shipping_address/city",
                json!("a\u{0}b"),
                "shipping_address.city",
            ),
            (
                "/shipping_address/state",
                json!("x".repeat(201)),
                "shipping_address.state",
            ),
        ];
        for (pointer, value, field) in cases {
            let mut body = body();
            body["accepted_amount_cents"] = json!(null);
            *body.pointer_mut(pointer).unwrap() = value;
            assert_eq!(read(&body).unwrap_err().field(), Some(field), "{pointer}");
        }
        let mut with_bad_notes = body();
        with_bad_notes["shipping_address"]["notes"] = json!(["leave at the door"]);
        let refusal = read(&with_bad_notes).unwrap_err();
        assert_eq!(refusal.field(), Some("shipping_address.notes"));
        assert!(!refusal.to_string().contains("door"), "{refusal}");
    }

    /// The handed case 20, and its kind in every field.
    #[test]
    fn line_ends_tabs_and_digits_are_taken_as_people_type_them() {
        let fields = [
            "name",
            "address_line1",
            "address_line2",
            "city",
            "state",
            "country",
            "notes",
        ];
        for field in fields {
            let mut body = body();
            body["shipping_address"][field] = json!("Ring twice\r\nthen leave\tit at १२\r");
            let address = json!(read(&body).unwrap())["shipping_address"].clone();
            assert_eq!(
                address[field],
                json!("Ring twice\nthen leave it at १२"),
                "{field}"
            );
        }
        for field in ["phone", "postal_code"] {
            let mut body = body();
            body["shipping_address"][field] = json!("९८०\t००\r\n००\r\n");
            let address = json!(read(&body).unwrap())["shipping_address"].clone();
            assert_eq!(address[field], json!("980 00 00"), "{field}");
        }
    }

    #[test]
    fn a_control_character_has_a_sentence_of_its_own() {
        let refused = |field: &str, text: &str| {
            let mut body = body();
            body["shipping_address"][field] = json!(text);
            read(&body).unwrap_err().to_string()
        };
        let expected = "shipping_address.notes holds the control character U+0000 at place 2; leave it out";
        assert_eq!(refused("notes", "a\u{0}b"), expected);
        let expected = "shipping_address.phone holds the control character U+001B at place 3; leave it out";
        assert_eq!(refused("phone", "98\u{1b}[0m"), expected);
        let expected = "shipping_address.phone must be a text of 1 to 40 characters";
        assert_eq!(refused("phone", &"9".repeat(41)), expected);
    }

    #[test]
    fn the_length_is_that_of_what_is_kept() {
        let mut body = body();
        body["shipping_address"]["notes"] = json!("a\r\n".repeat(500));
        let notes = read(&body).unwrap().shipping_address.notes.unwrap();
        assert_eq!(notes.chars().count(), 999);
        body["shipping_address"]["notes"] = json!("ab\r\n".repeat(334));
        assert_eq!(read(&body).unwrap_err().field(), Some("shipping_address.notes"));
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for body in ["", "[]", "{\"payment_method\":", "7"] {
            assert!(
                matches!(Checkout::read(body.as_bytes()), Err(BadInput::Unreadable(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn the_same_requested_has_the_same_fingerprint_however_it_is_written() {
        let first = read(&body()).unwrap();
        let mut again = body();
        again["shipping_address"]["name"] = json!("  Buyer ");
        again["shipping_address"]["notes"] = json!("");
        again["tab"] = json!(2);
        again["accepted_amount_cents"] = json!(300);
        assert_eq!(read(&again).unwrap().fingerprint(), first.fingerprint());
        let mut other = body();
        other["shipping_address"]["city"] = json!("Pokhara");
        assert_ne!(read(&other).unwrap().fingerprint(), first.fingerprint());
        other = body();
        other["payment_method"] = json!("esewa");
        assert_ne!(read(&other).unwrap().fingerprint(), first.fingerprint());
    }
}
