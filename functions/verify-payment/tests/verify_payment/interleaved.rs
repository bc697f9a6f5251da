//! Whatever buyers, gateways, workers and sweeps do in any order, the stock adds up. A seed says what they do.

use crate::tabs::Tabs;
use futures::future::join_all;
use makegood::gateway::Provider;
use makegood_local::gateway::Side;
use makegood_tests::shop::Checkout;
use std::sync::Mutex;

/// A generator of numbers that is the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % most
    }
}

/// One step of one party: a buyer, a gateway's customer, a worker, a sweep.
pub async fn step(tabs: &Tabs, opened: &Mutex<Vec<Checkout>>, dice: [u32; 4]) {
    let [what, buyer, variant, pieces] = dice;
    let buyer = buyer % 4;
    let chosen = {
        let opened = opened.lock().unwrap();
        let at = (variant * 7 + pieces) as usize;
        (!opened.is_empty()).then(|| opened[at % opened.len()].clone())
    };
    match (what % 10, chosen) {
        (0..=3, _) => {
            let provider = Provider::ALL[(pieces % 2) as usize];
            let piece = i32::try_from(pieces % 2).unwrap() + 1;
            tabs.fill(buyer, &[(variant % 3 + 1, piece), (4, 1)]).await;
            let (status, answer) = tabs.ask_to_check_out(buyer, provider).await;
            assert!([200, 400, 409].contains(&status), "{answer}");
            if status == 200 {
                let intent = answer["payment_intent_id"].as_str().unwrap().to_owned();
                let of = format!(
                    "SELECT external_transaction_id FROM payment_intents WHERE payment_intent_id = '{intent}'"
                );
                let checkout = Checkout {
                    external: tabs.text(&of).await,
                    amount_minor: answer["amount_cents"].as_i64().unwrap(),
                    provider,
                    intent,
                };
                if provider == Provider::Esewa && tabs.gateway.payment(&checkout.external).is_none() {
                    tabs.gateway
                        .put(Side::Esewa, &checkout.external, checkout.amount_minor);
                }
                opened.lock().unwrap().push(checkout);
            }
        }
        (4..=5, Some(checkout)) => {
            // Cancelled, or paid before: then the gateway refuses.
            let _ = tabs.gateway.pay(&checkout.external);
            tabs.verify(&checkout).await;
        }
        (6, Some(checkout)) => {
            let _ = tabs.gateway.cancel(&checkout.external);
            tabs.verify(&checkout).await;
        }
        (7, _) => tabs.work().await,
        (8, _) => {
            tabs.sweep("reservations").await;
        }
        _ => {
            tabs.reconcile().await;
        }
    }
}

/// Time passes until nothing is under way.
pub async fn settled(tabs: &Tabs) {
    tabs.work().await;
    for _ in 0..3 {
        tabs.time_passes("45 minutes").await;
        tabs.reconcile().await;
        tabs.sweep("reservations").await;
        tabs.work().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_adds_up_whatever_buyers_gateways_workers_and_sweeps_do_in_any_order() {
    for seed in 1..=6 {
        let tabs = Tabs::open().await;
        let opened = Mutex::default();
        let mut dice = Dice(seed);
        // WHEN four of them act at once, again and again, and time passes now and then
        for round in 0..16 {
            let steps = (0..4).map(|_| step(&tabs, &opened, std::array::from_fn(|_| dice.below(1_000))));
            let steps: Vec<_> = steps.collect();
            join_all(steps).await;
            if round % 5 == 4 {
                tabs.time_passes("13 minutes").await;
            }
            // THEN no piece is lost or counted twice, and no buyer has two open intents of a cart
            for (what, query) in STEADY {
                assert_eq!(tabs.count(query).await, 0, "seed {seed}, round {round}: {what}");
            }
        }
        // AND in the end everything that was paid is an order or a case, one order a checkout at most
        settled(&tabs).await;
        tabs.assert_sound().await;
        assert_eq!(tabs.reserved().await, 0, "seed {seed}: nothing is left reserved");
        tabs.close().await;
    }
}

const STEADY: [(&str, &str); 4] = [
    (
        "what is reserved is not what the active reservations say",
        "SELECT count(*) FROM inventory i WHERE quantity_reserved <> (SELECT coalesce(sum(quantity), 0)
           FROM inventory_reservations r WHERE r.variant_id = i.variant_id AND r.status = 'active')",
    ),
    (
        "available and sold are not what was stocked, or more is reserved than there is",
        "SELECT count(*) FROM inventory i WHERE quantity_available < quantity_reserved OR quantity_available <>
           (SELECT sum(quantity_change) FROM inventory_movements m WHERE m.variant_id = i.variant_id)",
    ),
    (
        "a buyer has two unpaid open intents of a cart",
        "SELECT count(*) FROM (
           SELECT FROM payment_intents i WHERE status IN ('pending', 'processing')
             AND NOT EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = i.payment_intent_id)
           GROUP BY user_id, cart_id HAVING count(*) > 1) two",
    ),
    (
        "two orders were made of one checkout",
        "SELECT count(*) FROM (
           SELECT FROM orders o JOIN payment_intents i USING (payment_intent_id)
           WHERE i.metadata ? 'checkout' GROUP BY i.user_id, i.metadata ->> 'checkout' HAVING count(*) > 1) two",
    ),
];
