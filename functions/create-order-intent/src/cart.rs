//! The buyer's cart as it is now, turned into what the intent keeps: items at today's prices, and their sum. Pure.

use makegood::stock::Line;
use serde::Serialize;
use uuid::Uuid;

/// One line of a cart, with what is known of its variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    /// The variant.
    pub variant_id: Uuid,
    /// Pieces.
    pub quantity: i32,
    /// The price that the cart shows, in paisa a piece.
    pub seen_minor: i64,
    /// The variant's row; none when there is no such variant, product or vendor any more.
    pub article: Option<Article>,
}

/// A variant with its product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// The product.
    pub product_id: Uuid,
    /// Who sells it.
    pub vendor_id: Uuid,
    /// The variant's sku.
    pub sku: String,
    /// The product's name.
    pub name: String,
    /// The variant's price now, in paisa a piece.
    pub price_minor: i64,
    /// Whether variant and product are both for sale.
    pub is_active: bool,
}

/// One item of the intent, as its `items` column has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The variant.
    pub variant_id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// Who sells it.
    pub vendor_id: Uuid,
    /// Its sku.
    pub sku: String,
    /// The product's name.
    pub name: String,
    /// Pieces.
    pub quantity: i32,
    /// Paisa a piece.
    #[serde(rename = "unit_price_cents")]
    pub unit_price_minor: i64,
}

/// What the buyer is to pay for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The items, in the cart's order.
    pub items: Vec<Item>,
    /// Their sum in paisa.
    pub amount_minor: i64,
}

/// Why a cart can't be checked out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartRefusal {
    /// Nothing in it, or no cart at all.
    #[error("the cart is empty")]
    Empty,
    /// These lines can't be bought any more: variant and, where it is known, sku.
    #[error("the cart holds what is not for sale any more")]
    NotForSale(Vec<(Uuid, Option<String>)>),
    /// The sum is less than the gateway takes, or more than can be counted.
    #[error("the cart's total can't be paid with this payment method")]
    Amount,
}

impl Snapshot {
    /// Takes the cart as it is.
    ///
    /// # Errors
    /// When it is empty or holds something that is not for sale, or when its sum overflows or is between 0 and `least_minor` (paisa).
    pub fn take(lines: &[CartLine], least_minor: i64) -> Result<Self, CartRefusal> {
        if lines.is_empty() {
            return Err(CartRefusal::Empty);
        }
        let gone: Vec<_> = lines.iter().filter_map(not_for_sale).collect();
        if !gone.is_empty() {
            return Err(CartRefusal::NotForSale(gone));
        }
        let items: Vec<Item> = lines.iter().filter_map(item).collect();
        let amount_minor = match total(&items) {
            // No gateway takes part in an order of nothing to pay.
            Some(0) => 0,
            Some(amount) if amount >= least_minor => amount,
            _ => return Err(CartRefusal::Amount),
        };
        Ok(Self { items, amount_minor })
    }

    /// What is to be reserved.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let lines = self.items.iter().map(|item| Line {
            variant_id: item.variant_id,
            quantity: item.quantity,
        });
        lines.collect()
    }
}

fn not_for_sale(line: &CartLine) -> Option<(Uuid, Option<String>)> {
    match &line.article {
        Some(article) if article.is_active => None,
        Some(article) => Some((line.variant_id, Some(article.sku.clone()))),
        None => Some((line.variant_id, None)),
    }
}

fn item(line: &CartLine) -> Option<Item> {
    let article = line.article.as_ref()?;
    Some(Item {
        variant_id: line.variant_id,
        product_id: article.product_id,
        vendor_id: article.vendor_id,
        sku: article.sku.clone(),
        name: article.name.clone(),
        quantity: line.quantity,
        unit_price_minor: article.price_minor,
    })
}

fn total(items: &[Item]) -> Option<i64> {
    items.iter().try_fold(0_i64, |sum, item| {
        sum.checked_add(item.unit_price_minor.checked_mul(i64::from(item.quantity))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(variant: u128, quantity: i32, price_minor: i64, is_active: bool) -> CartLine {
        let article = Article {
            product_id: Uuid::from_u128(100 + variant),
            vendor_id: Uuid::from_u128(200),
            sku: format!("SKU-{variant}"),
            name: "Cup".to_owned(),
            price_minor,
            is_active,
        };
        CartLine {
            variant_id: Uuid::from_u128(variant),
            quantity,
            seen_minor: price_minor,
            article: Some(article),
        }
    }

    #[test]
    fn the_sum_is_of_all_pieces_in_paisa() {
        let snapshot = Snapshot::take(&[line(1, 3, 10_001, true), line(2, 1, 5, true)], 1).unwrap();
        assert_eq!(snapshot.amount_minor, 30_008);
        assert_eq!(snapshot.items.len(), 2);
    }

    #[test]
    fn what_is_not_for_sale_is_named_all_of_it() {
        let mut unknown = line(3, 1, 1, true);
        unknown.article = None;
        let lines = [line(1, 1, 1, false), line(2, 1, 1, true), unknown];
        let expected = vec![
            (Uuid::from_u128(1), Some("SKU-1".to_owned())),
            (Uuid::from_u128(3), None),
        ];
        assert_eq!(Snapshot::take(&lines, 1), Err(CartRefusal::NotForSale(expected)));
    }

    #[test]
    fn an_empty_cart_too_little_and_too_much_are_refused_and_a_free_cart_is_not() {
        assert_eq!(Snapshot::take(&[], 1), Err(CartRefusal::Empty));
        let free = Snapshot::take(&[line(1, 1, 0, true), line(2, 3, 0, true)], 1_000).unwrap();
        assert_eq!((free.amount_minor, free.items.len()), (0, 2));
        assert_eq!(
            Snapshot::take(&[line(1, 1, 0, true), line(2, 1, 1, true)], 1_000),
            Err(CartRefusal::Amount)
        );
        assert_eq!(
            Snapshot::take(&[line(1, 1, 999, true)], 1_000),
            Err(CartRefusal::Amount)
        );
        let lines = [line(1, i32::MAX, i64::MAX, true)];
        assert_eq!(Snapshot::take(&lines, 1), Err(CartRefusal::Amount));
        let lines = [line(1, 1, i64::MAX, true), line(2, 1, 1, true)];
        assert_eq!(Snapshot::take(&lines, 1), Err(CartRefusal::Amount));
    }
}
