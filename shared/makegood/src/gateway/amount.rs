//! Amounts between text and paisa, exactly: never through a floating-point number.
//! eSewa writes rupees (`1000.0`, `1,000.0`), Khalti whole paisa.

const PAISA_PER_RUPEE: i64 = 100;

/// Why a text is no amount.
///
/// ```
/// use makegood::gateway::amount::{AmountError, paisa_of_rupees};
///
/// assert_eq!(paisa_of_rupees("12.345"), Err(AmountError::Malformed("12.345".to_owned())));
/// assert!(matches!(paisa_of_rupees("99999999999999999999"), Err(AmountError::TooLarge(_))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with separators in their places and at most two decimals.
    #[error("{0:?} is no amount; expected rupees with at most two decimals, such as 1000.0 or 1,000.50")]
    Malformed(String),
    /// More than can be counted.
    #[error("{0:?} is more paisa than fit in 64 bits")]
    TooLarge(String),
}

/// Rupees as text to paisa. Takes `1000`, `1000.0`, `1000.50`, `1,000.0`, `1,00,000.0` (both ways to group thousands).
///
/// ```
/// use makegood::gateway::amount::paisa_of_rupees;
///
/// assert_eq!(paisa_of_rupees("1000.5"), Ok(100_050));
/// assert_eq!(paisa_of_rupees("1,00,000.0"), Ok(10_000_000));
/// assert!(paisa_of_rupees("1e3").is_err());
/// assert!(paisa_of_rupees("-1").is_err());
/// ```
///
/// # Errors
/// When it is anything else: a sign, an exponent, three decimals, a separator out of place, too many digits.
pub fn paisa_of_rupees(text: &str) -> Result<i64, AmountError> {
    let malformed = || AmountError::Malformed(text.to_owned());
    let (whole, decimals) = text
        .split_once('.')
        .map_or((text, "0"), |(whole, decimals)| (whole, decimals));
    if !is_grouped(whole) || !matches!(decimals.len(), 1..=2) || !is_digits(decimals) {
        return Err(malformed());
    }
    let too_large = || AmountError::TooLarge(text.to_owned());
    let digits: String = whole.chars().filter(|character| *character != ',').collect();
    let rupees: i64 = digits.parse().map_err(|_| too_large())?;
    let paisa: i64 = format!("{decimals:0<2}").parse().map_err(|_| malformed())?;
    rupees
        .checked_mul(PAISA_PER_RUPEE)
        .and_then(|whole| whole.checked_add(paisa))
        .ok_or_else(too_large)
}

/// Whole paisa as text to a number.
///
/// ```
/// use makegood::gateway::amount::paisa_of_paisa;
///
/// assert_eq!(paisa_of_paisa("100050"), Ok(100_050)); // Rs. 1,000.50
/// assert!(paisa_of_paisa("1,000").is_err());
/// ```
///
/// # Errors
/// When it is not digits alone, or too many.
pub fn paisa_of_paisa(text: &str) -> Result<i64, AmountError> {
    if !is_digits(text) {
        return Err(AmountError::Malformed(text.to_owned()));
    }
    text.parse().map_err(|_| AmountError::TooLarge(text.to_owned()))
}

/// Paisa as rupees, without separators: `1000`, or `1000.05` where there are paisa. The same amount is always the same text.
///
/// ```
/// use makegood::gateway::amount::rupees_of_paisa;
///
/// assert_eq!(rupees_of_paisa(100_000), "1000");
/// assert_eq!(rupees_of_paisa(100_005), "1000.05");
/// ```
#[must_use]
pub fn rupees_of_paisa(amount_minor: i64) -> String {
    let sign = if amount_minor < 0 { "-" } else { "" };
    let minor = amount_minor.unsigned_abs();
    let per_rupee = PAISA_PER_RUPEE.unsigned_abs();
    match (minor / per_rupee, minor % per_rupee) {
        (rupees, 0) => format!("{sign}{rupees}"),
        (rupees, paisa) => format!("{sign}{rupees}.{paisa:02}"),
    }
}

/// Digits, or groups of them: one to three, then twos or threes, and three at the end.
fn is_grouped(whole: &str) -> bool {
    let groups: Vec<&str> = whole.split(',').collect();
    if !groups.iter().all(|group| is_digits(group)) {
        return false;
    }
    match groups.as_slice() {
        [_] => true,
        [first, middle @ .., last] => {
            first.len() <= 3 && last.len() == 3 && middle.iter().all(|group| matches!(group.len(), 2..=3))
        }
        [] => false,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_way_to_write_an_amount_is_the_same_paisa() {
        for (text, paisa) in [
            ("1000", 100_000),
            ("1000.0", 100_000),
            ("1000.00", 100_000),
            ("1,000.0", 100_000),
            ("1000.5", 100_050),
            ("1000.05", 100_005),
            ("1,234,567.89", 123_456_789),
            ("12,34,567.89", 123_456_789),
            ("0", 0),
            ("0.01", 1),
            ("92233720368547758.07", i64::MAX),
        ] {
            assert_eq!(paisa_of_rupees(text), Ok(paisa), "{text}");
        }
    }

    #[test]
    fn nothing_has_no_sign_and_what_went_back_has_one() {
        for (paisa, text) in [
            (0, "0"),
            (1, "0.01"),
            (-1, "-0.01"),
            (-100_000, "-1000"),
            (-100_005, "-1000.05"),
        ] {
            assert_eq!(rupees_of_paisa(paisa), text);
        }
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1.000",
            "1.0.0",
            "-1",
            "+1",
            "1e3",
            "1.0E7",
            " 1",
            "1 ",
            "1,00",
            "1,0000",
            "1,,000",
            ",000",
            "1000,",
            "1000,000",
            "1,0,000",
            "1.5,0",
            "NaN",
            "१०००",
            "0x10",
            "1_000",
        ] {
            assert!(
                matches!(paisa_of_rupees(text), Err(AmountError::Malformed(_))),
                "{text:?}"
            );
        }
        for text in ["", "1.0", "1,000", "-1", "1e3", " 1"] {
            assert!(
                matches!(paisa_of_paisa(text), Err(AmountError::Malformed(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_can_not_be_counted_is_refused_and_does_not_wrap() {
        for text in [
            "92233720368547758.08",
            "92233720368547759",
            "99999999999999999999",
        ] {
            assert!(
                matches!(paisa_of_rupees(text), Err(AmountError::TooLarge(_))),
                "{text}"
            );
        }
        assert!(matches!(
            paisa_of_paisa("9223372036854775808"),
            Err(AmountError::TooLarge(_))
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9,.eE+ -]{0,24}") {
            let _ = paisa_of_rupees(&text);
            let _ = paisa_of_paisa(&text);
        }

        #[test]
        fn there_and_back_is_the_same_amount(minor in 0..=i64::MAX) {
            prop_assert_eq!(paisa_of_rupees(&rupees_of_paisa(minor)), Ok(minor));
            prop_assert_eq!(paisa_of_paisa(&minor.to_string()), Ok(minor));
        }
    }
}
