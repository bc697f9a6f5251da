//! Money as people read it.

use iso_currency::Currency;

/// How many digits the minor unit has where the currency is not known, or ISO 4217 gives it none.
const USUAL_DIGITS: u16 = 2;

/// An amount of minor units as people write it, with the digits of ISO 4217: `INR 4,999.00`, `JPY 5,000`, `KWD 12.345`. Without a
/// currency the amount alone, with two digits.
///
/// ```
/// use makegood::money::money;
///
/// assert_eq!(money(499_900, "INR"), "INR 4,999.00");
/// assert_eq!(money(5_000, "JPY"), "JPY 5,000");
/// assert_eq!(money(12_345, "KWD"), "KWD 12.345");
/// ```
#[must_use]
pub fn money(minor: i64, currency: &str) -> String {
    let currency = currency.trim();
    let digits = digits(currency);
    let unit = 10_u64.pow(digits.into());
    let sign = if minor < 0 { "−" } else { "" };
    let (major, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let fraction = match digits {
        0 => String::new(),
        digits => format!(".{rest:0width$}", width = usize::from(digits)),
    };
    format!("{currency} {sign}{}{fraction}", in_thousands(major))
        .trim_start()
        .to_owned()
}

/// The minor units of an amount as people type it, without a mark for thousands: `1500.5` rupees are 150,050 paisa. None for anything
/// else, such as more digits than the currency has.
#[must_use]
pub fn minor(text: &str, currency: &str) -> Option<i64> {
    let (major, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let digits = usize::from(digits(currency.trim()));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(major) || !is_number(fraction) || fraction.len() > digits.max(1) {
        return None;
    }
    let fraction = format!("{fraction:0<digits$}");
    let unit = 10_i64.checked_pow(u32::try_from(digits).ok()?)?;
    let rest: i64 = fraction.parse().ok().filter(|rest| *rest < unit)?;
    major.parse::<i64>().ok()?.checked_mul(unit)?.checked_add(rest)
}

fn digits(currency: &str) -> u16 {
    minor_digits(currency).unwrap_or(USUAL_DIGITS)
}

/// How many digits the minor unit of this currency has; none where the currency is not known, or ISO 4217 gives it none.
///
/// ```
/// use makegood::money::minor_digits;
///
/// assert_eq!((minor_digits("INR"), minor_digits("JPY"), minor_digits("XAU")), (Some(2), Some(0), None));
/// ```
#[must_use]
pub fn minor_digits(currency: &str) -> Option<u16> {
    Currency::from_code(currency).and_then(Currency::exponent)
}

fn in_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every currency of ISO 4217.
    fn currencies() -> Vec<Currency> {
        let capitals = || 'A'..='Z';
        let codes = capitals()
            .flat_map(|a| capitals().flat_map(move |b| capitals().map(move |c| format!("{a}{b}{c}"))));
        let known: Vec<Currency> = codes.filter_map(|code| Currency::from_code(&code)).collect();
        assert!(known.len() > 150, "{}", known.len());
        known
    }

    #[test]
    fn an_amount_is_typed_with_the_digits_of_its_currency_or_fewer() {
        for (text, currency, read) in [
            ("1500", "NPR", Some(150_000)),
            ("1500.5", "NPR", Some(150_050)),
            (" 1500.05 ", "INR ", Some(150_005)),
            ("0.01", "INR", Some(1)),
            ("5000", "JPY", Some(5_000)),
            ("12.345", "KWD", Some(12_345)),
            ("5000.0", "JPY", Some(5_000)),
            ("5000.1", "JPY", None),
            ("5000.5", "JPY", None),
            ("1.505", "NPR", None),
            ("1,500.00", "NPR", None),
            ("-5", "NPR", None),
            ("1e3", "NPR", None),
            ("", "NPR", None),
            (".5", "NPR", None),
            ("5.", "NPR", None),
            ("92233720368547758.08", "NPR", None),
        ] {
            assert_eq!(minor(text, currency), read, "{text:?} {currency}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back_as_the_same_amount_in_every_currency(
            amount in 0_i64..=i64::MAX, small in 0_i64..200_000, currency in prop::sample::select(currencies())
        ) {
            for amount in [amount, small] {
                let code = currency.code();
                let shown = money(amount, code);
                let typed = shown.trim_start_matches(code).trim().replace(',', "");
                prop_assert_eq!(minor(&typed, code), Some(amount), "{}", shown);
                let fraction = typed.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                prop_assert_eq!(fraction, usize::from(currency.exponent().unwrap_or(USUAL_DIGITS)), "{}", shown);
            }
        }
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (minor, currency, told) in [
            (499_900, "INR", "INR 4,999.00"),
            (12_345_678_905, "NPR ", "NPR 123,456,789.05"),
            (5_000, "JPY", "JPY 5,000"),
            (0, "KRW", "KRW 0"),
            (12_345, "KWD", "KWD 12.345"),
            (-5, "BHD", "BHD −0.005"),
            (12_345, "CLF", "CLF 1.2345"),
            (499_900, "IDR", "IDR 4,999.00"),
            (1_250, "IQD", "IQD 1.250"),
            (-5, "", "−0.05"),
            (500, "???", "??? 5.00"),
        ] {
            assert_eq!(money(minor, currency), told, "{minor} {currency}");
        }
        assert_eq!(money(i64::MIN, "").len(), 28);
    }
}
