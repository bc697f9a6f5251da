//! Two tabs of one buyer: whichever intent is paid, in whatever order it is heard of, becomes the one order of the checkout, or a
//! refund that a person owes.

use crate::till::Till;
use create_order_intent::CreateOrderIntent;
use futures::future::join_all;
use makegood::clock::Clock;
use makegood::gateway::Provider;
use makegood_local::gateway::{PaymentState, Side};
use makegood_tests::shop::Checkout;
use serde_json::{Value, json};
use std::ops::Deref;
use std::time::Duration;

/// The till, with the function that opens its checkouts.
struct Tabs {
    till: Till,
    function: CreateOrderIntent,
}

impl Deref for Tabs {
    type Target = Till;

    fn deref(&self) -> &Till {
        &self.till
    }
}

impl Tabs {
    async fn open() -> Self {
        let till = Till::open().await;
        let function = CreateOrderIntent {
            database: till.shop.database.through_pooler(8),
            gateways: till.gateways.clone(),
            clock: Clock::System,
        };
        Self { till, function }
    }

    /// So many pieces of the first variant are left in the shop.
    async fn left_of_the_first(&self, pieces: i32) {
        self.shop
            .database
            .run_sql(&format!(
                "UPDATE inventory SET quantity_available = {pieces} WHERE variant_id = md5('variant1')::uuid;
                 UPDATE inventory_movements SET quantity_change = {pieces} WHERE variant_id = md5('variant1')::uuid"
            ))
            .await;
    }

    /// What the buyer's cart holds from now on.
    async fn fill(&self, buyer: u32, lines: &[(u32, i32)]) {
        let cart = format!("md5('cart{buyer}')::uuid");
        let mut sql = format!(
            "INSERT INTO carts (id, user_id) VALUES ({cart}, md5('buyer{buyer}')::uuid) ON CONFLICT DO NOTHING;
             DELETE FROM cart_items WHERE cart_id = {cart};"
        );
        for (variant, pieces) in lines {
            sql += &format!(
                "INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
                 VALUES ({cart}, md5('variant{variant}')::uuid, {pieces}, 1);"
            );
        }
        self.shop.database.run_sql(&sql).await;
    }

    async fn ask_to_check_out(&self, buyer: u32, provider: Provider) -> (u64, Value) {
        let subject = self.text(&format!("SELECT md5('buyer{buyer}')::uuid::text")).await;
        let body = json!({"payment_method": provider, "shipping_address": {"name": "Buyer", "phone": "9800000000",
                          "address_line1": "Thamel", "city": "Kathmandu", "state": "Bagmati"}});
        let request = json!({"version": "2.0", "rawPath": "/order-intents", "headers": {}, "body": body.to_string(),
                             "requestContext": {"stage": "$default", "http": {"method": "POST"},
                                                "authorizer": {"jwt": {"claims": {"sub": subject}}}},
                             "isBase64Encoded": false});
        crate::till::read(&self.function.handle(request).await.unwrap())
    }

    /// A tab that checks the cart out and opens the gateway's page.
    async fn tab(&self, buyer: u32, provider: Provider) -> Checkout {
        let (status, answer) = self.ask_to_check_out(buyer, provider).await;
        assert_eq!(status, 200, "{answer}");
        let intent = answer["payment_intent_id"].as_str().unwrap().to_owned();
        let amount_minor = answer["amount_cents"].as_i64().unwrap();
        let external = self
            .text(&format!(
                "SELECT external_transaction_id FROM payment_intents WHERE payment_intent_id = '{intent}'"
            ))
            .await;
        if provider == Provider::Esewa {
            self.gateway.put(Side::Esewa, &external, amount_minor);
        }
        Checkout {
            intent,
            provider,
            external,
            amount_minor,
        }
    }

    /// Two tabs: the second takes the first one's place, with one piece more of another variant.
    async fn two_tabs(&self) -> (Checkout, Checkout) {
        self.fill(1, &[(1, 1)]).await;
        let first = self.tab(1, Provider::Khalti).await;
        self.fill(1, &[(1, 1), (2, 1)]).await;
        let second = self.tab(1, Provider::Esewa).await;
        assert_eq!(self.status(&first).await, "cancelled");
        (first, second)
    }

    fn pay(&self, checkout: &Checkout) {
        self.gateway.pay(&checkout.external).unwrap();
    }

    async fn pay_and_verify(&self, checkout: &Checkout) {
        self.pay(checkout);
        let (status, answer) = self.verify(checkout).await;
        assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    }

    /// The intents that have their order.
    async fn ordered(&self) -> String {
        self.text("SELECT string_agg(payment_intent_id, ' ') FROM orders").await
    }

    /// The code of the open case of this intent; empty when there is none.
    async fn case(&self, checkout: &Checkout) -> String {
        self.text(&format!(
            "SELECT kind || ' ' || (details ->> 'code') FROM payment_cases
             WHERE status = 'open' AND payment_intent_id = '{}'",
            checkout.intent
        ))
        .await
    }

    /// This intent became the order, the other one is owed back, nothing is reserved, and the sweeps change nothing of it.
    async fn assert_one_order_and_one_refund(&self, order: &Checkout, refund: &Checkout) {
        assert_eq!(self.ordered().await, order.intent);
        assert_eq!(self.case(refund).await, "refund_due bought_already");
        assert_eq!(self.case(order).await, "");
        assert_eq!(self.reserved().await, 0);
        self.assert_sound().await;
        self.time_passes("10 minutes").await;
        let before = self.everything().await;
        self.reconcile().await;
        self.sweep("stale-jobs").await;
        self.sweep("reservations").await;
        self.work().await;
        assert_eq!(self.everything().await, before);
    }

    async fn close(self) {
        self.function.database.close();
        self.till.close().await;
    }
}

#[tokio::test]
async fn the_tab_that_was_replaced_is_paid_and_gets_the_last_piece_that_the_other_tab_holds() {
    // GIVEN one piece, which moved to the second tab
    let tabs = Tabs::open().await;
    tabs.left_of_the_first(1).await;
    let (first, second) = tabs.two_tabs().await;
    assert_eq!(tabs.reserved().await, 2);
    // WHEN the first tab is paid
    tabs.pay_and_verify(&first).await;
    tabs.work().await;
    // THEN it is the order: the buyer's own reservation does not count against them
    assert_eq!(tabs.ordered().await, first.intent);
    assert_eq!(tabs.status(&first).await, "succeeded");
    // AND the second tab is over, and holds nothing
    assert_eq!((tabs.status(&second).await.as_str(), tabs.reserved().await), ("cancelled", 0));
    // WHEN the second is paid as well THEN that money is owed back
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    tabs.assert_one_order_and_one_refund(&first, &second).await;
    tabs.close().await;
}

#[tokio::test]
async fn the_newer_tab_is_paid_first_and_the_replaced_one_late() {
    let tabs = Tabs::open().await;
    let (first, second) = tabs.two_tabs().await;
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    assert_eq!(tabs.ordered().await, second.intent);
    // WHEN nobody comes back from the first tab, and the sweep hears that it was paid
    tabs.pay(&first);
    tabs.time_passes("6 minutes").await;
    assert_eq!(tabs.reconcile().await["verified"], 1);
    tabs.work().await;
    tabs.assert_one_order_and_one_refund(&second, &first).await;
    tabs.close().await;
}

#[tokio::test]
async fn both_tabs_are_paid_before_any_order_is_made() {
    for first_comes_first in [true, false] {
        let tabs = Tabs::open().await;
        tabs.left_of_the_first(1).await;
        let (first, second) = tabs.two_tabs().await;
        // WHEN both are verified, in either order, and two workers make orders at once
        let order = if first_comes_first { [&first, &second] } else { [&second, &first] };
        for checkout in order {
            tabs.pay_and_verify(checkout).await;
        }
        tokio::join!(tabs.work(), tabs.work());
        // THEN one of them is the order, and the other is owed back, whichever worker was the first
        let is_first = tabs.ordered().await == first.intent;
        if tabs.case(&first).await == "refund_due stock_gone" {
            // The first came first, and its piece is the second one's, who paid for it too.
            assert_eq!(tabs.ordered().await, second.intent);
            assert_eq!(tabs.reserved().await, 0);
            tabs.assert_sound().await;
        } else if is_first {
            tabs.assert_one_order_and_one_refund(&first, &second).await;
        } else {
            tabs.assert_one_order_and_one_refund(&second, &first).await;
        }
        tabs.close().await;
    }
}

#[tokio::test]
async fn a_payment_that_was_verified_before_the_other_tab_checks_out_is_not_replaced() {
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Esewa).await;
    tabs.pay_and_verify(&first).await;
    // WHEN another tab checks out before the order is made THEN it is told to wait
    let (status, answer) = tabs.ask_to_check_out(1, Provider::Khalti).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("order_being_made")));
    tabs.work().await;
    assert_eq!(tabs.ordered().await, first.intent);
    // AND afterwards what was bought is not in the cart any more, and what comes next is a checkout of its own
    let (status, answer) = tabs.ask_to_check_out(1, Provider::Khalti).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("cart_empty")));
    tabs.fill(1, &[(1, 1)]).await;
    let next = tabs.tab(1, Provider::Khalti).await;
    tabs.pay_and_verify(&next).await;
    tabs.work().await;
    assert_eq!(tabs.rows("orders").await, 2);
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn a_payment_that_is_being_asked_about_while_it_is_replaced_is_fulfilled() {
    // GIVEN a gateway that takes its time with an answer
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Esewa).await;
    tabs.pay(&first);
    tabs.gateway.set_latency(Duration::from_millis(400));
    // WHEN the other tab replaces the first between the question and the answer
    let replace = async {
        while tabs.gateway.questions(&first.external) == 0 {
            tokio::task::yield_now().await;
        }
        tabs.fill(1, &[(1, 1), (3, 1)]).await;
        tabs.tab(1, Provider::Esewa).await
    };
    let ((status, answer), second) = tokio::join!(tabs.verify(&first), replace);
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    tabs.work().await;
    // THEN the payment counts
    assert_eq!(tabs.ordered().await, first.intent);
    assert_eq!((tabs.status(&second).await.as_str(), tabs.reserved().await), ("cancelled", 0));
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn who_pays_a_replaced_tab_whose_goods_are_gone_is_owed_a_refund_and_may_pay_the_other() {
    // GIVEN a buyer who put the last piece back, and somebody else who bought it
    let tabs = Tabs::open().await;
    tabs.left_of_the_first(1).await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Khalti).await;
    tabs.fill(1, &[(2, 1)]).await;
    let second = tabs.tab(1, Provider::Esewa).await;
    tabs.fill(2, &[(1, 1)]).await;
    let other = tabs.tab(2, Provider::Esewa).await;
    tabs.pay_and_verify(&other).await;
    tabs.work().await;
    // WHEN the first tab is paid all the same
    tabs.pay_and_verify(&first).await;
    tabs.work().await;
    // THEN that is owed back, and the second tab is as open as it was
    assert_eq!(tabs.case(&first).await, "refund_due stock_gone");
    assert_eq!((tabs.status(&second).await.as_str(), tabs.reserved().await), ("pending", 1));
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    assert_eq!(tabs.rows("orders").await, 2);
    assert_eq!(tabs.case(&second).await, "");
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn a_tab_that_eases_from_ambiguous_to_paid_after_it_was_replaced_is_fulfilled() {
    // GIVEN a payment of which eSewa does not know yet what became
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Esewa).await;
    tabs.gateway.set(&first.external, PaymentState::Ambiguous).unwrap();
    assert_eq!(tabs.verify(&first).await.0, 202);
    assert_eq!(tabs.status(&first).await, "processing");
    // WHEN the buyer pays another way meanwhile, and the first comes out as paid as well
    let second = tabs.tab(1, Provider::Khalti).await;
    assert_eq!((tabs.status(&first).await.as_str(), tabs.reserved().await), ("cancelled", 1));
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    tabs.pay(&first);
    tabs.time_passes("6 minutes").await;
    tabs.reconcile().await;
    tabs.work().await;
    tabs.assert_one_order_and_one_refund(&second, &first).await;
    tabs.close().await;
}

/// A generator of numbers that is the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % most
    }
}

/// One step of somebody: a buyer, a gateway's customer, a worker, a sweep.
async fn step(tabs: &Tabs, opened: &std::sync::Mutex<Vec<Checkout>>, dice: [u32; 4]) {
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
                let of = format!("SELECT external_transaction_id FROM payment_intents WHERE payment_intent_id = '{intent}'");
                let checkout = Checkout {
                    external: tabs.text(&of).await,
                    amount_minor: answer["amount_cents"].as_i64().unwrap(),
                    provider,
                    intent,
                };
                if provider == Provider::Esewa && tabs.gateway.payment(&checkout.external).is_none() {
                    tabs.gateway.put(Side::Esewa, &checkout.external, checkout.amount_minor);
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

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_adds_up_whatever_buyers_gateways_workers_and_sweeps_do_in_any_order() {
    for seed in 1..=6 {
        let tabs = Tabs::open().await;
        let opened = std::sync::Mutex::default();
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
        tabs.work().await;
        for _ in 0..3 {
            tabs.time_passes("45 minutes").await;
            tabs.reconcile().await;
            tabs.sweep("reservations").await;
            tabs.work().await;
        }
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
