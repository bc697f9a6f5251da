//! Stripe's amounts as minor units of ISO 4217, which all else here counts in. Stripe's own unit is another one for some currencies
//! (docs.stripe.com/currencies).

use crate::money::minor_digits;
use crate::payment::Refusal;
use crate::payment::fields::Object;

/// Stripe takes these in whole units.
const ZERO_DECIMAL: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
];
/// Stripe takes these in thousandths, of which the last digit is 0.
const THREE_DECIMAL: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];
/// ISO 4217 gives them no minor unit; Stripe takes them in hundredths all the same, of which the last two digits are 00.
const TWO_DECIMAL_ALL_THE_SAME: [&str; 2] = ["ISK", "UGX"];

/// How many digits Stripe's unit of this currency has behind the point; none where Stripe documents no unit that can be told.
fn stripe_digits(currency: &str) -> Option<u32> {
    if ZERO_DECIMAL.contains(&currency) {
        Some(0)
    } else if THREE_DECIMAL.contains(&currency) {
        Some(3)
    } else if TWO_DECIMAL_ALL_THE_SAME.contains(&currency) || minor_digits(currency) == Some(2) {
        Some(2)
    } else {
        None
    }
}

/// An amount of Stripe's in minor units of ISO 4217. None where the currency is none that Stripe documents, or what is left over is less
/// than the smallest unit.
fn minor(amount: i64, currency: &str) -> Option<i64> {
    let (theirs, ours) = (stripe_digits(currency)?, u32::from(minor_digits(currency)?));
    let unit = 10_i64.pow(theirs.abs_diff(ours));
    if ours >= theirs {
        amount.checked_mul(unit)
    } else {
        (amount % unit == 0).then(|| amount / unit)
    }
}

/// The amount in this field, in minor units of ISO 4217, and its currency in capitals.
///
/// # Errors
/// When one is missing or can't be used; a Stripe object with an amount always names its currency.
pub(crate) fn money(object: &Object<'_>, field: &str) -> Result<(i64, String), Refusal> {
    object.required("currency", "an ISO 4217 code such as inr")?;
    let currency = object.currency()?;
    let amount = object.amount_minor(field)?;
    let minor = minor(amount, &currency).ok_or_else(|| {
        Refusal::wrong(
            &object.path_of(field),
            "whole minor units of a currency that Stripe documents",
        )
    })?;
    Ok((minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency;

    #[test]
    fn every_currency_of_iso_4217_has_stripes_unit_or_is_refused() {
        let capitals = || 'A'..='Z';
        let codes = capitals()
            .flat_map(|a| capitals().flat_map(move |b| capitals().map(move |c| format!("{a}{b}{c}"))));
        let mut told = [0; 3];
        for currency in codes.filter_map(|code| Currency::from_code(&code)) {
            let (code, iso) = (currency.code(), currency.exponent());
            // What 100 of Stripe's smallest unit are in ISO's.
            let expected = match (code, iso) {
                ("MGA", _) => Some(10_000),
                ("ISK" | "UGX", _) => Some(1),
                (code, Some(0)) if ZERO_DECIMAL.contains(&code) => Some(100),
                (code, Some(3)) if THREE_DECIMAL.contains(&code) => Some(100),
                (_, Some(2)) => Some(100),
                _ => None,
            };
            assert_eq!(minor(100, code), expected, "{code} has {iso:?} digits");
            told[usize::from(expected.is_none())] += 1;
            told[2] += usize::from(ZERO_DECIMAL.contains(&code) || THREE_DECIMAL.contains(&code));
        }
        assert!(told[0] > 140, "{told:?}");
        assert_eq!(told[2], 20, "each currency of the tables is one of ISO 4217");
    }

    #[test]
    fn an_amount_is_the_same_money_in_either_unit() {
        for (amount, currency, expected) in [
            (499_900, "INR", Some(499_900)),
            (5_000, "JPY", Some(5_000)),
            (5_120, "KWD", Some(5_120)),
            // Stripe counts ariary, ISO 4217 hundredths of one.
            (5_000, "MGA", Some(500_000)),
            (50_000, "ISK", Some(500)),
            (50_050, "ISK", None),
            (500, "UGX", Some(5)),
            // Whole units only when they are paid out.
            (1_045, "HUF", Some(1_045)),
            (1_045, "TWD", Some(1_045)),
            // Three digits in ISO 4217, and none of Stripe's.
            (1_000, "IQD", None),
            (1_000, "XAU", None),
            (1_000, "ZZZ", None),
            (i64::MAX, "MGA", None),
        ] {
            assert_eq!(minor(amount, currency), expected, "{amount} {currency}");
        }
    }
}
