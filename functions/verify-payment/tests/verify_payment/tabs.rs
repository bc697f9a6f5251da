//! Tabs of one buyer: carts that are checked out by the function itself, at the gateways' stub.

use crate::till::Till;
use create_order_intent::CreateOrderIntent;
use create_order_intent::limits::Limits;
use makegood::clock::Clock;
use makegood::gateway::Provider;
use makegood_local::gateway::Side;
use makegood_tests::shop::Checkout;
use serde_json::{Value, json};
use std::ops::Deref;

/// The till, with the function that opens its checkouts.
pub struct Tabs {
    pub till: Till,
    function: CreateOrderIntent,
}

impl Deref for Tabs {
    type Target = Till;

    fn deref(&self) -> &Till {
        &self.till
    }
}

impl Tabs {
    pub async fn open() -> Self {
        let till = Till::open().await;
        let function = CreateOrderIntent {
            database: till.shop.database.through_pooler(8),
            gateways: till.gateways.clone(),
            limits: Limits::DEFAULT,
            price_grace: create_order_intent::PRICE_GRACE,
            clock: Clock::System,
        };
        Self { till, function }
    }

    /// So many pieces of the first variant are left in the shop.
    pub async fn left_of_the_first(&self, pieces: i32) {
        self.shop
            .database
            .run_sql(&format!(
                "UPDATE inventory SET quantity_available = {pieces} WHERE variant_id = md5('variant1')::uuid;
                 UPDATE inventory_movements SET quantity_change = {pieces} WHERE variant_id = md5('variant1')::uuid"
            ))
            .await;
    }

    /// What the buyer's cart holds from now on.
    pub async fn fill(&self, buyer: u32, lines: &[(u32, i32)]) {
        let cart = format!("md5('cart{buyer}')::uuid");
        let mut sql = format!(
            "INSERT INTO carts (id, user_id) VALUES ({cart}, md5('buyer{buyer}')::uuid) ON CONFLICT DO NOTHING;
             -- In the order in which `finalize-order` takes them.
             SELECT FROM cart_items WHERE cart_id = {cart} ORDER BY id FOR UPDATE;
             DELETE FROM cart_items WHERE cart_id = {cart};"
        );
        for (variant, pieces) in lines {
            sql += &format!(
                "INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
                 SELECT {cart}, id, {pieces}, price_cents FROM product_variants WHERE id = md5('variant{variant}')::uuid
                 ON CONFLICT (cart_id, variant_id) DO UPDATE SET quantity = EXCLUDED.quantity;"
            );
        }
        self.shop.database.run_sql(&sql).await;
    }

    pub async fn ask_to_check_out(&self, buyer: u32, provider: Provider) -> (u64, Value) {
        let subject = self
            .text(&format!("SELECT md5('buyer{buyer}')::uuid::text"))
            .await;
        let body = json!({"payment_method": provider, "shipping_address": {"name": "Buyer", "phone": "9800000000",
                          "address_line1": "Thamel", "city": "Kathmandu", "state": "Bagmati"}});
        let request = json!({"version": "2.0", "rawPath": "/order-intents", "headers": {}, "body": body.to_string(),
                             "requestContext": {"stage": "$default", "http": {"method": "POST"},
                                                "authorizer": {"jwt": {"claims": {"sub": subject}}}},
                             "isBase64Encoded": false});
        crate::till::read(&self.function.handle(request).await.unwrap())
    }

    /// A tab that checks the cart out and opens the gateway's page.
    pub async fn tab(&self, buyer: u32, provider: Provider) -> Checkout {
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
    pub async fn two_tabs(&self) -> (Checkout, Checkout) {
        self.fill(1, &[(1, 1)]).await;
        let first = self.tab(1, Provider::Khalti).await;
        self.fill(1, &[(1, 1), (2, 1)]).await;
        let second = self.tab(1, Provider::Esewa).await;
        assert_eq!(self.status(&first).await, "cancelled");
        (first, second)
    }

    pub fn pay(&self, checkout: &Checkout) {
        self.gateway.pay(&checkout.external).unwrap();
    }

    pub async fn pay_and_verify(&self, checkout: &Checkout) {
        self.pay(checkout);
        let (status, answer) = self.verify(checkout).await;
        assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    }

    /// The intents that have their order.
    pub async fn ordered(&self) -> String {
        self.text("SELECT string_agg(payment_intent_id, ' ') FROM orders")
            .await
    }

    /// The code of the open case of this intent; empty when there is none.
    pub async fn case(&self, checkout: &Checkout) -> String {
        self.text(&format!(
            "SELECT kind || ' ' || (details ->> 'code') FROM payment_cases
             WHERE status = 'open' AND payment_intent_id = '{}'",
            checkout.intent
        ))
        .await
    }

    /// This intent became the order, the other one is owed back, nothing is reserved, and the sweeps change nothing of it.
    pub async fn assert_one_order_and_one_refund(&self, order: &Checkout, refund: &Checkout) {
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

    /// As [`Self::close`], whatever the server refused.
    pub async fn drop(self) {
        self.function.database.close();
        self.till.function.verifier.database.close();
        self.till.shop.database.drop().await;
    }

    pub async fn close(self) {
        self.function.database.close();
        self.till.close().await;
    }
}
