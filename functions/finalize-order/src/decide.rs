//! What becomes of one intent of a set: the one place that says whether it may become an order. Pure.

use crate::facts::Facts;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use makegood::stock::{Level, Shortage, shortages};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What becomes of an intent that is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its order is there: the job only has to say so.
    HasOrder,
    /// It becomes an order of so many lines.
    Make {
        /// How many.
        lines: usize,
        /// It does not hold just what it wants, or others of its checkout end with it: what they hold is freed, and what it wants is
        /// taken from what is free then.
        takes_anew: bool,
    },
}

/// What the intents of a set which were decided before change for those behind them, by variant.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// Pieces that they leave free, more or less.
    free: BTreeMap<Uuid, i64>,
    /// Pieces that they take away.
    sold: BTreeMap<Uuid, i64>,
}

/// Whether this intent becomes an order. Every reason why one may not stands here, the first that holds counts: a further one is a
/// fact more (`facts.sql`), a [`Refusal`], and a line here.
pub(crate) fn decide(facts: &Facts, shelf: &mut Shelf) -> Result<Verdict, Refusal> {
    if facts.has_order {
        return Ok(Verdict::HasOrder);
    }
    if facts.verified_at.is_none() {
        return Err(Refusal::NotVerified);
    }
    if facts.refund_requested {
        return Err(Refusal::RefundRequested);
    }
    if let Some(order_number) = &facts.bought_as {
        let order_number = order_number.clone();
        return Err(Refusal::BoughtAlready { order_number });
    }
    let snapshot = Snapshot::read(&facts.items, facts.amount_cents, &facts.currency)?;
    snapshot.check(&facts.states)?;
    if facts.price_ended {
        return Err(Refusal::PriceEnded);
    }
    let wanted = snapshot.wanted();
    let takes_anew = !facts.open.is_empty() || facts.held != wanted;
    if takes_anew {
        shelf.take(facts, &snapshot, &wanted)?;
    }
    shelf.sell(facts, &snapshot, &wanted)?;
    Ok(Verdict::Make {
        lines: snapshot.items.len(),
        takes_anew,
    })
}

impl Shelf {
    /// Takes what is wanted, all or nothing. What the intent holds counts as free for it.
    fn take(
        &mut self,
        facts: &Facts,
        snapshot: &Snapshot,
        wanted: &BTreeMap<Uuid, i64>,
    ) -> Result<(), Refusal> {
        let free = |level: &Level| {
            let held = facts.held.get(&level.variant_id).copied().unwrap_or(0);
            let left = self.free.get(&level.variant_id).copied().unwrap_or(0);
            let reserved = i64::from(level.quantity_reserved) - held - left;
            Level {
                quantity_reserved: i32::try_from(reserved).unwrap_or(i32::MAX),
                ..level.clone()
            }
        };
        let levels: Vec<Level> = facts.levels.iter().map(free).collect();
        let short = shortages(wanted, &levels);
        if !short.is_empty() {
            return Err(Refusal::StockGone(with_skus(short, snapshot)));
        }
        for (variant_id, pieces) in &facts.held {
            *self.free.entry(*variant_id).or_default() += pieces;
        }
        for (variant_id, pieces) in wanted {
            *self.free.entry(*variant_id).or_default() -= pieces;
        }
        Ok(())
    }

    /// Takes away what is there, where that is known: a reservation is no piece. Who comes first gets it, whatever others hold.
    fn sell(
        &mut self,
        facts: &Facts,
        snapshot: &Snapshot,
        wanted: &BTreeMap<Uuid, i64>,
    ) -> Result<(), Refusal> {
        let there = |level: &Level| {
            let sold = self.sold.get(&level.variant_id).copied().unwrap_or(0);
            let left = i64::from(level.quantity_available) - sold;
            Level {
                quantity_available: i32::try_from(left).unwrap_or(i32::MAX),
                quantity_reserved: 0,
                ..level.clone()
            }
        };
        if facts.levels.is_empty() {
            return Ok(());
        }
        let levels: Vec<Level> = facts.levels.iter().map(there).collect();
        let short = shortages(wanted, &levels);
        if !short.is_empty() {
            return Err(Refusal::StockGone(with_skus(short, snapshot)));
        }
        for (variant_id, pieces) in wanted {
            *self.sold.entry(*variant_id).or_default() += pieces;
        }
        Ok(())
    }
}

/// Names the variants that have no stock row, which is where the others' skus come from.
fn with_skus(mut short: Vec<Shortage>, snapshot: &Snapshot) -> Vec<Shortage> {
    for shortage in short.iter_mut().filter(|shortage| shortage.sku.is_empty()) {
        let item = snapshot
            .items
            .iter()
            .find(|item| item.variant_id == shortage.variant_id);
        shortage.sku = item.map_or_else(String::new, |item| item.sku.clone());
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::VariantState;
    use chrono::DateTime;
    use serde_json::json;

    const CUP: Uuid = Uuid::from_u128(1);

    /// A paid intent of so many cups that holds this many of them; the shop has `available`, of which `reserved` are reserved.
    fn intent(wanted: i32, held: i64, available: i32, reserved: i32) -> Facts {
        Facts {
            payment_intent_id: "pi".to_owned(),
            user_id: Uuid::nil(),
            amount_cents: i64::from(wanted) * 100,
            currency: "NPR".to_owned(),
            items: json!([{"variant_id": CUP, "product_id": CUP, "vendor_id": CUP, "sku": "CUP", "name": "Cup",
                           "quantity": wanted, "unit_price_cents": 100}]),
            has_order: false,
            verified_at: Some(DateTime::UNIX_EPOCH),
            refund_requested: false,
            price_ended: false,
            bought_as: None,
            open: Vec::new(),
            states: vec![VariantState {
                has_variant: true,
                has_product: true,
                is_active: true,
                has_vendor: true,
            }],
            held: (held > 0).then_some((CUP, held)).into_iter().collect(),
            levels: vec![Level {
                variant_id: CUP,
                sku: "CUP".to_owned(),
                quantity_available: available,
                quantity_reserved: reserved,
            }],
        }
    }

    fn short(decided: &Result<Verdict, Refusal>) -> Option<(i64, i64)> {
        match decided {
            Err(Refusal::StockGone(short)) => short.first().map(|short| (short.wanted, short.available)),
            _ => None,
        }
    }

    #[test]
    fn who_holds_what_it_wants_needs_nothing_of_the_shelf() {
        let mut shelf = Shelf::default();
        let made = Ok(Verdict::Make {
            lines: 1,
            takes_anew: false,
        });
        // Also when the level was not read.
        let mut facts = intent(2, 2, 0, 0);
        facts.levels.clear();
        assert_eq!(decide(&facts, &mut shelf), made);
    }

    #[test]
    fn a_reservation_is_no_piece_where_the_shelf_was_counted() {
        // Two orders hold two pieces each, and three are there.
        let mut shelf = Shelf::default();
        assert!(decide(&intent(2, 2, 3, 4), &mut shelf).is_ok());
        assert_eq!(short(&decide(&intent(2, 2, 3, 4), &mut shelf)), Some((2, 1)));
        assert!(decide(&intent(1, 1, 3, 4), &mut shelf).is_ok());
    }

    #[test]
    fn those_in_front_leave_less_and_who_falls_out_takes_nothing() {
        // Five pieces, two of which others hold.
        let mut shelf = Shelf::default();
        let facts = |wanted| intent(wanted, 0, 5, 2);
        assert!(decide(&facts(2), &mut shelf).is_ok());
        assert_eq!(short(&decide(&facts(2), &mut shelf)), Some((2, 1)));
        assert!(decide(&facts(1), &mut shelf).is_ok());
        assert_eq!(short(&decide(&facts(1), &mut shelf)), Some((1, 0)));
    }

    #[test]
    fn what_it_holds_is_free_for_it_and_what_it_does_not_want_of_it_for_those_behind() {
        // Everything is reserved: three pieces by the first, which wants two of them.
        let mut shelf = Shelf::default();
        let mut first = intent(2, 0, 3, 3);
        first.held.insert(CUP, 3);
        assert!(decide(&first, &mut shelf).is_ok());
        assert!(decide(&intent(1, 0, 3, 3), &mut shelf).is_ok());
        assert_eq!(short(&decide(&intent(1, 0, 3, 3), &mut shelf)), Some((1, 0)));
    }

    #[test]
    fn the_first_reason_counts() {
        let mut facts = intent(1, 1, 1, 1);
        facts.bought_as = Some("ORD-1".to_owned());
        facts.refund_requested = true;
        let refused = |facts: &Facts| decide(facts, &mut Shelf::default()).unwrap_err().code();
        assert_eq!(refused(&facts), "refund_requested");
        facts.verified_at = None;
        assert_eq!(refused(&facts), "not_verified");
        facts.has_order = true;
        assert_eq!(decide(&facts, &mut Shelf::default()), Ok(Verdict::HasOrder));
    }
}
