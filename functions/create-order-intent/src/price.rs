//! Whether a cart costs more than its buyer was shown. Pure.

use crate::cart::{CartLine, Snapshot};
use uuid::Uuid;

/// A cart that costs more than its buyer was shown, and what it costs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChanged {
    /// The lines that cost more than the cart shows; none where there are only more pieces than the buyer knew of.
    pub dearer: Vec<Dearer>,
    /// What the buyer accepted, else the sum at the prices that the cart shows; in paisa.
    pub seen_minor: i64,
    /// The sum now, in paisa.
    pub amount_minor: i64,
}

/// A line that costs more than the cart shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dearer {
    /// The variant.
    pub variant_id: Uuid,
    /// Its sku.
    pub sku: String,
    /// Pieces.
    pub quantity: i32,
    /// The price that the cart shows, in paisa a piece.
    pub seen_minor: i64,
    /// The price now, in paisa a piece.
    pub price_minor: i64,
}

/// A sum that the buyer accepted (in paisa) decides: the cart must cost no more. Without one, each line must cost no more than
/// the cart shows. What became cheaper is no change that needs a word.
#[must_use]
pub fn changed(lines: &[CartLine], now: &Snapshot, accepted_minor: Option<i64>) -> Option<PriceChanged> {
    let dearer: Vec<Dearer> = lines.iter().filter_map(dearer).collect();
    let is_changed = match accepted_minor {
        Some(accepted) => now.amount_minor > accepted,
        None => !dearer.is_empty(),
    };
    is_changed.then(|| PriceChanged {
        dearer,
        seen_minor: accepted_minor.unwrap_or_else(|| seen(lines)),
        amount_minor: now.amount_minor,
    })
}

fn dearer(line: &CartLine) -> Option<Dearer> {
    let article = line.article.as_ref()?;
    (article.price_minor > line.seen_minor).then(|| Dearer {
        variant_id: line.variant_id,
        sku: article.sku.clone(),
        quantity: line.quantity,
        seen_minor: line.seen_minor,
        price_minor: article.price_minor,
    })
}

/// Prices that the cart shows may be anything; a sum that can't be counted is the most that can.
fn seen(lines: &[CartLine]) -> i64 {
    lines.iter().fold(0, |sum: i64, line| {
        sum.saturating_add(line.seen_minor.saturating_mul(line.quantity.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cart::Article;

    fn line(quantity: i32, seen_minor: i64, price_minor: i64) -> CartLine {
        let article = Article {
            product_id: Uuid::from_u128(100),
            vendor_id: Uuid::from_u128(200),
            sku: "SKU-A".to_owned(),
            name: "Cup".to_owned(),
            price_minor,
            is_active: true,
        };
        CartLine {
            variant_id: Uuid::from_u128(1),
            quantity,
            seen_minor,
            article: Some(article),
        }
    }

    fn told(lines: &[CartLine], accepted_minor: Option<i64>) -> Option<(usize, i64, i64)> {
        let now = Snapshot::take(lines, 0).unwrap();
        let changed = changed(lines, &now, accepted_minor)?;
        Some((changed.dearer.len(), changed.seen_minor, changed.amount_minor))
    }

    #[test]
    fn without_a_word_of_the_buyer_no_line_may_cost_more_than_the_cart_shows() {
        assert_eq!(told(&[line(2, 100, 100)], None), None);
        assert_eq!(told(&[line(2, 100, 99)], None), None);
        assert_eq!(told(&[line(2, 100, 101)], None), Some((1, 200, 202)));
        assert_eq!(told(&[line(1, 0, 1)], None), Some((1, 0, 1)));
        // What another line became cheaper by does not hide it.
        let both = [line(1, 100, 101), line(1, 100, 50)];
        assert_eq!(told(&both, None), Some((1, 200, 151)));
    }

    #[test]
    fn a_sum_that_the_buyer_accepted_decides_instead() {
        let dearer = [line(2, 100, 150)];
        for (accepted, expected) in [
            (300, None),
            (301, None),
            (299, Some((1, 299, 300))),
            (200, Some((1, 200, 300))),
        ] {
            assert_eq!(told(&dearer, Some(accepted)), expected, "{accepted}");
        }
        // More pieces than the buyer knew of, at the prices that they know.
        assert_eq!(told(&[line(3, 100, 100)], Some(200)), Some((0, 200, 300)));
    }

    #[test]
    fn prices_that_a_cart_shows_never_overflow() {
        let lines = [line(i32::MAX, i64::MAX, 1), line(1, 0, 1)];
        assert_eq!(told(&lines, None), Some((1, i64::MAX, i64::from(i32::MAX) + 1)));
    }
}
