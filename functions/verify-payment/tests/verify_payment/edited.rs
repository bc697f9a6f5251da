//! Another hand edits the stock amid what buyers, gateways, workers and sweeps do in any order. A seed says what they do.

use crate::interleaved::{Dice, settled, step};
use crate::tabs::Tabs;
use futures::future::{join, join_all};
use makegood::gateway::Provider;
use std::sync::Mutex;

/// What the other hand writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// Into the counter of what is reserved alone.
    Counter,
    /// Into both columns of a table without its CHECKs: what was counted on the shelf, and any number as what is reserved.
    Shelf,
}

impl Hand {
    /// One edit of one variant; `dice` says which number.
    fn edit(self, [variant, available, reserved]: [u32; 3]) -> String {
        let row = format!("WHERE variant_id = md5('variant{}')::uuid", variant % 4 + 1);
        match self {
            Self::Counter => format!("UPDATE inventory SET quantity_reserved = {} {row}", reserved % 12),
            Self::Shelf => format!(
                "BEGIN; SELECT FROM inventory {row} FOR UPDATE;
                 INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
                 SELECT variant_id, 'adjustment', {available} - quantity_available, {available}, 'count' FROM inventory {row};
                 UPDATE inventory SET quantity_available = {available}, quantity_reserved = {} {row}; COMMIT",
                i64::from(reserved % 12) - 4,
                available = available % 12
            ),
        }
    }

    /// What holds at every moment, as queries that count what breaks it.
    fn steady(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Counter => &[OVERSOLD, ADDS_UP, SOLD_OF_NOTHING, STOCK_GONE],
            Self::Shelf => &[ADDS_UP, SOLD_OF_NOTHING],
        }
    }
}

const OVERSOLD: (&str, &str) = (
    "more is reserved than there is",
    "SELECT count(*) FROM inventory i WHERE quantity_available < (SELECT coalesce(sum(quantity), 0)
       FROM inventory_reservations r WHERE r.variant_id = i.variant_id AND r.status = 'active')",
);
const ADDS_UP: (&str, &str) = (
    "available is not what was stocked, sold and counted",
    "SELECT count(*) FROM inventory i WHERE quantity_available <>
       (SELECT sum(quantity_change) FROM inventory_movements m WHERE m.variant_id = i.variant_id)",
);
const SOLD_OF_NOTHING: (&str, &str) = (
    "a piece was sold that was not there",
    "SELECT count(*) FROM inventory_movements WHERE movement_type = 'sale' AND quantity_after < 0",
);
const STOCK_GONE: (&str, &str) = (
    "what a buyer had reserved and paid for went to another",
    "SELECT count(*) FROM payment_cases WHERE details ->> 'code' = 'stock_gone'",
);
const RESTOCKED: &str = "INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
    SELECT variant_id, 'adjustment', 20, quantity_available + 20, 'count' FROM inventory;
    UPDATE inventory SET quantity_available = quantity_available + 20";
const ORDERED_AS_SOLD: &str = "SELECT count(*) FROM (
    SELECT variant_id FROM (
      SELECT variant_id, -quantity_change AS pieces FROM inventory_movements WHERE movement_type = 'sale'
      UNION ALL SELECT variant_id, -quantity FROM order_items) both_sides
    GROUP BY variant_id HAVING sum(pieces) <> 0) differ";

/// Sixteen rounds of four parties and the hand; then time passes until nothing is under way, and every variant is bought once more.
async fn whatever_this_hand_writes(hand: Hand, seed: u64) {
    let tabs = Tabs::open().await;
    if hand == Hand::Shelf {
        let checks = "ALTER TABLE inventory DROP CONSTRAINT inventory_never_oversold, DROP CONSTRAINT inventory_reserved_not_negative";
        tabs.shop.database.run_sql(checks).await;
    }
    let opened = Mutex::default();
    let mut dice = Dice(seed);
    for round in 0..16 {
        let steps: Vec<_> = (0..4)
            .map(|_| step(&tabs, &opened, std::array::from_fn(|_| dice.below(1_000))))
            .collect();
        let edit = hand.edit(std::array::from_fn(|_| dice.below(1_000)));
        join(join_all(steps), tabs.shop.database.run_sql(&edit)).await;
        if round % 5 == 4 {
            tabs.time_passes("13 minutes").await;
        }
        for (what, query) in hand.steady() {
            assert_eq!(
                tabs.count(query).await,
                0,
                "{hand:?}, seed {seed}, round {round}: {what}"
            );
        }
    }
    settled(&tabs).await;
    // The next buyer of each variant that is there again meets the counters, and is refused nothing. A checkout that is short is rolled
    // back, with what it corrected.
    tabs.shop.database.run_sql(RESTOCKED).await;
    for variant in 1..=4 {
        tabs.fill(9, &[(variant, 1)]).await;
        let (status, answer) = tabs.ask_to_check_out(9, Provider::Khalti).await;
        assert_eq!(status, 200, "{hand:?}, seed {seed}, variant {variant}: {answer}");
    }
    settled(&tabs).await;
    tabs.assert_sound().await;
    assert_eq!(
        tabs.reserved().await,
        0,
        "{hand:?}, seed {seed}: nothing is left reserved"
    );
    assert_eq!(tabs.count(ORDERED_AS_SOLD).await, 0, "{hand:?}, seed {seed}");
    // A wrong counter is met as a CHECK that refuses it: the server's errors are part of this.
    tabs.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_is_delivered_whatever_another_hand_writes_into_the_counter_meanwhile() {
    for seed in 1..=5 {
        whatever_this_hand_writes(Hand::Counter, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_piece_is_sold_that_is_not_there_whatever_another_hand_counts_meanwhile() {
    for seed in 1..=5 {
        whatever_this_hand_writes(Hand::Shelf, seed).await;
    }
}
