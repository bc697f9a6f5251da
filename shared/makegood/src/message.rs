//! What a message can carry. SQS takes the characters of XML 1.0 and 1 MiB, attributes included; whatever this system sends is written
//! here, so that nothing is refused for its characters and nothing is lost (docs/decisions/0042).

use serde::Serialize;

/// The largest SQS message, in bytes, attributes included.
pub const LARGEST: usize = 1_048_576;

/// Why no queue takes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// Nothing in it.
    #[error("the message is empty")]
    Empty,
    /// Too many bytes.
    #[error("the message has {0} bytes with its attributes; a queue takes {LARGEST} at most")]
    TooLarge(usize),
}

/// Whether a message may hold the character as it is: the characters of XML 1.0.
#[must_use]
pub const fn is_sendable(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}'
    )
}

/// A JSON text in which every character that a message can't hold stands as its JSON escape. Readers see the same value: such
/// characters occur inside JSON strings only.
#[must_use]
pub fn escaped(json: String) -> String {
    if json.chars().all(is_sendable) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_sendable(character) {
            escaped.push(character);
        } else {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
    }
    escaped
}

/// The value as the JSON text of a message.
///
/// # Errors
/// When it can't be written as JSON.
pub fn json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(escaped)
}

/// Whether a queue takes a body of this size beside attributes of that.
///
/// # Errors
/// [`Unsendable`], and then no queue ever does.
pub const fn check_size(body: &str, attribute_bytes: usize) -> Result<(), Unsendable> {
    let bytes = body.len() + attribute_bytes;
    if body.is_empty() {
        Err(Unsendable::Empty)
    } else if bytes > LARGEST {
        Err(Unsendable::TooLarge(bytes))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_character_there_is_can_be_sent_and_read_back() {
        // As a member's value and as its name.
        for character in '\0'..=char::MAX {
            let value = json!({ character.to_string(): character.to_string() });
            let body = super::json(&value).unwrap();
            assert!(body.chars().all(is_sendable), "U+{:04X}", u32::from(character));
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), value);
        }
    }

    #[test]
    fn what_can_be_sent_stays_as_it_is() {
        let body = "{\"name\":\"Åsa \u{1F600}\",\"odd\":\"\\ufffe\"}";
        assert_eq!(escaped(body.to_owned()), body);
    }

    #[test]
    fn a_message_has_something_in_it_and_fits_with_its_attributes() {
        assert_eq!(check_size("", 0), Err(Unsendable::Empty));
        let body = "x".repeat(LARGEST - 10);
        assert_eq!(check_size(&body, 10), Ok(()));
        assert_eq!(check_size(&body, 11), Err(Unsendable::TooLarge(LARGEST + 1)));
    }
}
