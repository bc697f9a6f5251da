//! A gateway's JSON object with every value as it was written: signatures and amounts are about the literal text.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A flat JSON object, values unread.
#[derive(Debug)]
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    /// Reads an object. A bare `1,000.0`, which is no JSON, is read as the text that it is: eSewa has sent the like.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|_| "it is no text".to_owned())?;
        match serde_json::from_str(text) {
            Ok(fields) => Ok(Self(fields)),
            Err(error) => serde_json::from_str(&quote_separated_numbers(text))
                .map(Self)
                .map_err(|_| format!("it is no JSON object: {error}")),
        }
    }

    /// The value's text: a string's content, a number's literal. Absent and null are none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let literal = self.0.get(name)?.get();
        match serde_json::from_str::<String>(literal) {
            Ok(content) => Some(content),
            Err(_) if literal == "null" => None,
            Err(_) => Some(literal.to_owned()),
        }
    }

    /// These fields as texts, those that are there.
    pub(super) fn record(&self, names: &[&str]) -> Value {
        let texts = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), Value::String(self.text(name)?))));
        Value::Object(texts.collect::<Map<_, _>>())
    }
}

/// Puts quotes around numbers with thousands separators. In a flat object no other comma stands between two digits.
fn quote_separated_numbers(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    let mut rest = text;
    let mut in_string = false;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '"' => {
                in_string = !in_string;
                1
            }
            '\\' if in_string => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            _ if !in_string && character.is_ascii_digit() => number_length(rest),
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let separated = !in_string && character.is_ascii_digit() && token.contains(',');
        quoted.push_str(&if separated {
            format!("\"{token}\"")
        } else {
            token.to_owned()
        });
        rest = after;
    }
    quoted
}

/// How many bytes of digits, points and separators stand here; a comma counts only with a digit after it.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let belongs = |position: usize| match bytes.get(position) {
        Some(b',') => bytes.get(position + 1).is_some_and(u8::is_ascii_digit),
        Some(byte) => byte.is_ascii_digit() || *byte == b'.',
        None => false,
    };
    (0..bytes.len()).take_while(|position| belongs(*position)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_its_literal_text() {
        let body = br#"{"number":1000.0,"bare":1,000.0,"text":"1,000.0","escaped":"a\/b\"1,2","nothing":null,"last":1,234}"#;
        let fields = Fields::parse(body).unwrap();
        for (name, text) in [
            ("number", Some("1000.0")),
            ("bare", Some("1,000.0")),
            ("text", Some("1,000.0")),
            ("escaped", Some("a/b\"1,2")),
            ("nothing", None),
            ("absent", None),
            ("last", Some("1,234")),
        ] {
            assert_eq!(fields.text(name).as_deref(), text, "{name}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in [
            &b"<html>1,000</html>"[..],
            b"[1,2]",
            b"\"text\"",
            b"",
            b"{\"a\":",
            b"{\"a\":1,\\",
            b"\xff",
        ] {
            assert!(Fields::parse(body).is_err(), "{body:?}");
        }
    }
}
