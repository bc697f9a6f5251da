//! What was bought, as the intent recorded it at checkout: the only source of an order's items and prices. Pure.

use crate::refusal::Refusal;
use makegood::money::money;
use makegood::stock::{Line, wanted_by_variant};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One line of the intent's `items`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Item {
    /// The variant.
    pub(crate) variant_id: Uuid,
    /// Its product.
    pub(crate) product_id: Uuid,
    /// Who sells it.
    pub(crate) vendor_id: Uuid,
    /// Its sku at checkout.
    pub(crate) sku: String,
    /// The product's name at checkout.
    pub(crate) name: String,
    /// Pieces.
    pub(crate) quantity: i32,
    /// The price of one piece at checkout, in minor units.
    pub(crate) unit_price_cents: i64,
}

/// What is known today about an item, in the order of the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VariantState {
    /// The variant is there.
    pub(crate) has_variant: bool,
    /// The product is there.
    pub(crate) has_product: bool,
    /// Variant and product are both active.
    pub(crate) is_active: bool,
    /// The vendor has a profile.
    pub(crate) has_vendor: bool,
}

/// The items of an intent: at least one, each of one piece or more, their sum the amount that was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The lines, as they were recorded.
    pub(crate) items: Vec<Item>,
}

impl Item {
    /// The price of the line; none beyond what an amount can hold.
    pub(crate) fn total_minor(&self) -> Option<i64> {
        self.unit_price_cents.checked_mul(i64::from(self.quantity))
    }
}

impl Snapshot {
    /// Reads the items and compares their sum with the amount paid, in the intent's currency.
    pub(crate) fn read(items: &Value, paid_minor: i64, currency: &str) -> Result<Self, Refusal> {
        let items: Vec<Item> = serde_json::from_value(items.clone())
            .map_err(|error| Refusal::UnreadableItems(error.to_string()))?;
        if items.is_empty() {
            return Err(Refusal::NoItems);
        }
        if let Some(item) = items
            .iter()
            .find(|item| item.quantity < 1 || item.unit_price_cents < 0)
        {
            let price = money(item.unit_price_cents, currency);
            let reason = format!("sku {} has {} pieces at {price}", item.sku, item.quantity);
            return Err(Refusal::UnreadableItems(reason));
        }
        let items_minor = items
            .iter()
            .try_fold(0_i64, |sum, item| sum.checked_add(item.total_minor()?))
            .ok_or_else(|| Refusal::UnreadableItems("their sum is beyond any amount".to_owned()))?;
        if items_minor != paid_minor {
            return Err(Refusal::AmountDiffers {
                items_minor,
                paid_minor,
                currency: currency.to_owned(),
            });
        }
        Ok(Self { items })
    }

    /// Whether everything that the items refer to is there and on sale; the first that is not is named.
    pub(crate) fn check(&self, states: &[VariantState]) -> Result<(), Refusal> {
        for (item, state) in self.items.iter().zip(states) {
            let sku = item.sku.clone();
            let (variant_id, product_id, vendor_id) = (item.variant_id, item.product_id, item.vendor_id);
            if !state.has_variant {
                return Err(Refusal::UnknownVariant { variant_id, sku });
            }
            if !state.has_product {
                return Err(Refusal::UnknownProduct { product_id, sku });
            }
            if !state.is_active {
                return Err(Refusal::InactiveProduct { product_id, sku });
            }
            if !state.has_vendor {
                return Err(Refusal::MissingVendor { vendor_id, sku });
            }
        }
        Ok(())
    }

    /// As the stock wants them.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let lines = self.items.iter().map(|item| Line {
            variant_id: item.variant_id,
            quantity: item.quantity,
        });
        lines.collect()
    }

    /// Pieces of each variant, in variant order.
    pub(crate) fn wanted(&self) -> BTreeMap<Uuid, i64> {
        wanted_by_variant(&self.lines())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(quantity: i64, unit_price_cents: i64) -> Value {
        json!({"variant_id": Uuid::from_u128(1), "product_id": Uuid::from_u128(2), "vendor_id": Uuid::from_u128(3),
               "sku": "CUP", "name": "Cup", "quantity": quantity, "unit_price_cents": unit_price_cents})
    }

    fn code(items: &Value, paid_minor: i64) -> &'static str {
        Snapshot::read(items, paid_minor, "NPR").map_or_else(|refusal| refusal.code(), |_| "read")
    }

    #[test]
    fn the_sum_is_compared_to_the_last_paisa_and_never_wraps() {
        assert_eq!(code(&json!([item(2, 150), item(1, 1)]), 301), "read");
        assert_eq!(code(&json!([item(2, 150), item(1, 1)]), 300), "amount_differs");
        assert_eq!(
            code(&json!([item(2, i64::MAX), item(1, 2)]), 0),
            "unreadable_items"
        );
    }

    #[test]
    fn items_that_are_none_or_no_items_are_refused_by_name() {
        assert_eq!(code(&json!([]), 0), "no_items");
        for broken in [
            json!({}),
            json!([{"sku": "CUP"}]),
            json!([item(0, 100)]),
            json!([item(1, -1)]),
        ] {
            assert_eq!(code(&broken, 0), "unreadable_items", "{broken}");
        }
    }
}
