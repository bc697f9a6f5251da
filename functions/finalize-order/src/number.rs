//! Order numbers that people can read out: the day, and eight characters of the order's id.

use chrono::NaiveDate;
use uuid::Uuid;

/// Crockford's base 32: no dead letter that is taken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Forty bits: a collision among 10,000 orders a day once in 60 years, and then another id is drawn.
const CHARACTERS: u32 = 8;

/// `ORD-YYYYMMDD-XXXXXXXX` from the shop's day and the last forty bits of the id.
#[must_use]
pub fn order_number(day: NaiveDate, order: Uuid) -> String {
    let bits = order.as_u128();
    let characters: String = (0..CHARACTERS)
        .rev()
        .filter_map(|place| {
            let index = usize::try_from((bits >> (5 * place)) & 31).ok()?;
            ALPHABET.get(index).map(|character| char::from(*character))
        })
        .collect();
    format!("ORD-{}-{characters}", day.format("%Y%m%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_day_and_the_last_forty_bits() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        assert_eq!(order_number(day, Uuid::nil()), "ORD-20261121-00000000");
        assert_eq!(order_number(day, Uuid::max()), "ORD-20261121-ZZZZZZZZ");
        assert_eq!(
            order_number(day, Uuid::from_u128(0xab << 40 | 33)),
            "ORD-20261121-00000011"
        );
    }
}
