//! Whether there is enough: lines summed per variant, against what is there and not reserved. Pure.

use std::collections::BTreeMap;
use uuid::Uuid;

/// One line that wants pieces of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The variant.
    pub variant_id: Uuid,
    /// Pieces, 1 or more.
    pub quantity: i32,
}

/// What a variant has, read under its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The variant.
    pub variant_id: Uuid,
    /// Its sku.
    pub sku: String,
    /// Pieces in stock, those reserved included.
    pub quantity_available: i32,
    /// Pieces that wait for a payment.
    pub quantity_reserved: i32,
}

impl Level {
    /// Pieces that no intent has a claim on. A count of reserved pieces below nothing, which was written by hand, adds none.
    #[must_use]
    pub fn free(&self) -> i64 {
        i64::from(self.quantity_available) - i64::from(self.quantity_reserved.max(0))
    }
}

/// A variant that has too little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The variant.
    pub variant_id: Uuid,
    /// Its sku; empty when there is no such variant.
    pub sku: String,
    /// Pieces wanted by all lines together.
    pub wanted: i64,
    /// Pieces that no intent has a claim on, 0 or more.
    pub available: i64,
}

/// The pieces that these lines want of each variant together, in variant order.
#[must_use]
pub fn wanted_by_variant(lines: &[Line]) -> BTreeMap<Uuid, i64> {
    let mut wanted = BTreeMap::new();
    for line in lines {
        *wanted.entry(line.variant_id).or_insert(0) += i64::from(line.quantity);
    }
    wanted
}

/// Every variant of which more is wanted than is free, in variant order; none means that there is enough of all. A
/// variant that has no level has nothing.
#[must_use]
pub fn shortages(wanted: &BTreeMap<Uuid, i64>, levels: &[Level]) -> Vec<Shortage> {
    let short = wanted.iter().filter_map(|(variant_id, wanted)| {
        let level = levels.iter().find(|level| level.variant_id == *variant_id);
        let available = level.map_or(0, Level::free).max(0);
        (*wanted > available).then(|| Shortage {
            variant_id: *variant_id,
            sku: level.map_or_else(String::new, |level| level.sku.clone()),
            wanted: *wanted,
            available,
        })
    });
    short.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUP: Uuid = Uuid::from_u128(1);
    const LAMP: Uuid = Uuid::from_u128(2);

    fn line(variant_id: Uuid, quantity: i32) -> Line {
        Line { variant_id, quantity }
    }

    fn level(variant_id: Uuid, sku: &str, quantity_available: i32, quantity_reserved: i32) -> Level {
        Level {
            variant_id,
            sku: sku.to_owned(),
            quantity_available,
            quantity_reserved,
        }
    }

    fn short(lines: &[Line], levels: &[Level]) -> Vec<(String, i64, i64)> {
        let short = shortages(&wanted_by_variant(lines), levels);
        short
            .into_iter()
            .map(|s| (s.sku, s.wanted, s.available))
            .collect()
    }

    #[test]
    fn what_is_reserved_is_not_available() {
        let levels = [level(CUP, "CUP", 5, 3)];
        assert_eq!(short(&[line(CUP, 2)], &levels), []);
        assert_eq!(short(&[line(CUP, 3)], &levels), [("CUP".to_owned(), 3, 2)]);
    }

    #[test]
    fn two_lines_of_one_variant_count_together() {
        let levels = [level(CUP, "CUP", 5, 0)];
        assert_eq!(short(&[line(CUP, 2), line(CUP, 3)], &levels), []);
        assert_eq!(
            short(&[line(CUP, 3), line(CUP, 3)], &levels),
            [("CUP".to_owned(), 6, 5)]
        );
    }

    #[test]
    fn every_short_variant_is_named_and_no_other() {
        let levels = [level(CUP, "CUP", 1, 0), level(LAMP, "LAMP", 1, 1)];
        let lines = [line(LAMP, 1), line(CUP, 1)];
        assert_eq!(short(&lines, &levels), [("LAMP".to_owned(), 1, 0)]);
        let lines = [line(LAMP, 1), line(CUP, 2)];
        assert_eq!(
            short(&lines, &levels),
            [("CUP".to_owned(), 2, 1), ("LAMP".to_owned(), 1, 0)]
        );
    }

    #[test]
    fn a_variant_without_stock_row_has_nothing() {
        assert_eq!(short(&[line(CUP, 1)], &[]), [(String::new(), 1, 0)]);
    }

    #[test]
    fn sums_beyond_what_a_column_holds_are_short_and_do_not_wrap() {
        let levels = [level(CUP, "CUP", i32::MAX, 0)];
        let wanted = i64::from(i32::MAX) * 2;
        let lines = [line(CUP, i32::MAX), line(CUP, i32::MAX)];
        assert_eq!(
            short(&lines, &levels),
            [("CUP".to_owned(), wanted, i64::from(i32::MAX))]
        );
    }
}
