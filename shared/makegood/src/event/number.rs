//! Whole numbers as producers write them, without a float in between.

use serde_json::Value;

/// The largest whole number that each JSON library carries unchanged, 2^53 - 1: ninety million million rupees in paisa.
pub const MOST: i64 = 9_007_199_254_740_991;

/// The whole number that this JSON number is, which JSON Schema calls an integer however it is written: `30`, `30.0`, `3e1`.
/// None for a fraction, for what is beyond [`MOST`] either way, and for what is no number.
///
/// ```
/// use makegood::event::whole_number;
/// use serde_json::json;
///
/// for text in ["499900", "499900.0", "4999e2"] {
///     assert_eq!(whole_number(&serde_json::from_str(text).unwrap()), Some(499_900));
/// }
/// assert_eq!(whole_number(&json!("499900")), None);
/// ```
#[must_use]
pub fn whole_number(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    let whole = number.as_i64().or_else(|| {
        // Within our bounds serde_json writes a number with a fraction or an exponent as digits, a point, and digits.
        number.to_string().strip_suffix(".0")?.parse().ok()
    });
    whole.filter(|whole| (-MOST..=MOST).contains(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        whole_number(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_whole_number_is_read_in_every_spelling_up_to_what_json_libraries_carry() {
        for (text, whole) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("30.00", Some(30)),
            ("3e1", Some(30)),
            ("-7.0", Some(-7)),
            ("9007199254740991", Some(MOST)),
            ("9007199254740991.0", Some(MOST)),
            ("1e15", Some(1_000_000_000_000_000)),
            ("9007199254740992", None),
            ("9007199254740992.0", None),
            ("9223372036854775808", None),
            ("1e16", None),
            ("1e300", None),
            ("30.5", None),
            ("1e-7", None),
            ("\"30\"", None),
            ("true", None),
        ] {
            assert_eq!(read(text), whole, "{text}");
        }
    }
}
