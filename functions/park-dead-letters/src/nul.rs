//! The one character that Postgres can keep neither as text nor in jsonb: U+0000.
//! Bodies are kept so that it comes back; everything else only shows where it was.

use serde_json::Value;

/// The encoding of a body that was kept as a JSON string (`"…\u0000…"`), since Postgres can't hold it plain.
pub const JSON_STRING: &str = "json-string";

/// What stands for it where it only has to be seen: the symbol for null.
const SHOWN: char = '\u{2400}';

/// The text as a column can hold it: itself, or, with NUL inside, a JSON string that reads back byte for byte, with the
/// name of that encoding.
#[must_use]
pub fn keep_losslessly(text: String) -> (String, Option<&'static str>) {
    if text.contains('\0') {
        (Value::String(text).to_string(), Some(JSON_STRING))
    } else {
        (text, None)
    }
}

/// The text with every NUL shown as its symbol.
#[must_use]
pub fn show_nul(text: &str) -> String {
    text.replace('\0', SHOWN.encode_utf8(&mut [0; 4]))
}

/// The value with every NUL in its texts and names shown as its symbol.
pub(crate) fn show_nul_within(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(show_nul(&text)),
        Value::Array(values) => values.into_iter().map(show_nul_within).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (show_nul(&name), show_nul_within(value)))
                .collect(),
        ),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_with_nul_reads_back_byte_for_byte() {
        let body = "a\0b\\u0000\"\\\n";
        let (kept, encoding) = keep_losslessly(body.to_owned());
        assert!(!kept.contains('\0'));
        assert_eq!(encoding, Some(JSON_STRING));
        assert_eq!(serde_json::from_str::<String>(&kept).unwrap(), body);
    }

    #[test]
    fn a_body_without_nul_stays_as_it_is() {
        assert_eq!(
            keep_losslessly("\\u0000".to_owned()),
            ("\\u0000".to_owned(), None)
        );
    }

    #[test]
    fn nul_is_shown_in_names_and_values_at_every_depth() {
        let shown = show_nul_within(json!({"a\0": [{"b": "c\0"}, 1, null]}));
        assert_eq!(shown, json!({"a␀": [{"b": "c␀"}, 1, null]}));
    }
}
