//! A shop for one test: its database behind the pooler, its goods and carts, the function, and its gateways.

use crate::khalti::Khalti;
use chrono::{DateTime, TimeDelta, Utc};
use create_order_intent::CreateOrderIntent;
use create_order_intent::limits::Limits;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::gateway::{Gateways, GatewaysConfig};
use makegood_tests::database::TestDatabase;
use makegood_tests::openapi::assert_documented;
use makegood_tests::queues;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use uuid::Uuid;

pub struct Shop {
    pub database: TestDatabase,
    pub khalti: Arc<Khalti>,
    pub function: Arc<CreateOrderIntent>,
}

/// The instant at which all tests take place.
pub fn noon() -> DateTime<Utc> {
    "2026-01-09T12:00:00Z".parse().unwrap()
}

/// A variant by the last character of its SKU: `A` is `SKU-A`.
pub fn variant(article: char) -> Uuid {
    Uuid::from_u128(0xaaaa_0000 + u128::from(u32::from(article)))
}

impl Shop {
    /// With these articles and as many pieces in stock; each costs 100 rupees.
    pub async fn open(articles: &[(char, i32)]) -> Self {
        Self::open_with_connections(articles, 8).await
    }

    pub async fn open_with_connections(articles: &[(char, i32)], connections: u32) -> Self {
        let database = TestDatabase::create().await;
        let khalti = Khalti::start(noon() + TimeDelta::minutes(45)).await;
        let function = Arc::new(CreateOrderIntent {
            database: database.through_pooler(connections),
            gateways: gateways(&khalti.url).await,
            limits: Limits::DEFAULT,
            price_grace: create_order_intent::PRICE_GRACE,
            clock: Clock::Fixed(noon()),
        });
        let shop = Self {
            database,
            khalti,
            function,
        };
        shop.stock(articles).await;
        shop
    }

    async fn stock(&self, articles: &[(char, i32)]) {
        let mut sql = "INSERT INTO vendor_profiles (user_id, business_name) VALUES (md5('vendor')::uuid, 'Vendor');
                       INSERT INTO products (id, vendor_id, name, slug) VALUES (md5('cup')::uuid, md5('vendor')::uuid, 'Cup', 'cup');"
            .to_owned();
        for (article, pieces) in articles {
            let id = variant(*article);
            sql += &format!(
                "INSERT INTO product_variants (id, product_id, sku, price_cents)
                 VALUES ('{id}', md5('cup')::uuid, 'SKU-{article}', 10000);
                 INSERT INTO inventory (variant_id, quantity_available, reserved_written) VALUES ('{id}', {pieces}, 0);
                 INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
                 VALUES ('{id}', 'adjustment', {pieces}, {pieces}, 'stocking');"
            );
        }
        self.database.run_sql(&sql).await;
    }

    /// A buyer with these pieces in the cart, put in in this order.
    pub async fn buyer(&self, cart: &[(char, i32)]) -> Uuid {
        self.buyers(&[cart.to_vec()]).await.remove(0)
    }

    /// A buyer a cart.
    pub async fn buyers(&self, carts: &[Vec<(char, i32)>]) -> Vec<Uuid> {
        let buyers: Vec<Uuid> = carts.iter().map(|_| Uuid::new_v4()).collect();
        let mut sql = String::new();
        for (buyer, cart) in buyers.iter().zip(carts) {
            sql += &format!("INSERT INTO carts (id, user_id) VALUES ('{buyer}', '{buyer}');");
            for (position, (article, pieces)) in cart.iter().enumerate() {
                sql += &format!(
                    "INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents, added_at)
                     VALUES ('{buyer}', '{}', {pieces}, 10000, timestamptz '2026-01-09' + interval '{position} s');",
                    variant(*article)
                );
            }
        }
        self.database.run_sql(&sql).await;
        buyers
    }

    /// The status and the body of the answer.
    pub async fn send(&self, request: Value) -> (u64, Value) {
        send(&self.function, request).await
    }

    /// Checks out with eSewa, without a key.
    pub async fn check_out(&self, buyer: Uuid) -> (u64, Value) {
        self.send(request(buyer, None, &body("esewa"))).await
    }

    /// The intent of a checkout that must succeed.
    pub async fn intent_of(&self, buyer: Uuid) -> String {
        let (status, answer) = self.check_out(buyer).await;
        assert_eq!(status, 200, "{answer}");
        answer["payment_intent_id"].as_str().expect("an id").to_owned()
    }

    /// Takes away the call that makes plain checkouts, so that each takes the transaction.
    pub async fn drop_call(&self) {
        let drop_all = "DO $$ DECLARE call text; BEGIN
              FOR call IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'makegood_check_out%' LOOP
                EXECUTE 'DROP FUNCTION ' || call;
              END LOOP;
            END $$";
        self.database.run_sql(drop_all).await;
    }

    pub async fn count(&self, query: &str) -> i64 {
        self.database.count(query).await
    }

    /// Pieces in stock and pieces reserved, over all variants.
    pub async fn levels(&self) -> (i64, i64) {
        (
            self.count("SELECT sum(quantity_available)::bigint FROM inventory")
                .await,
            self.count("SELECT sum(quantity_reserved)::bigint FROM inventory")
                .await,
        )
    }

    /// The first column of the one row, a jsonb.
    pub async fn json(&self, query: &str) -> Value {
        let pool = self.database.direct();
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_one(&pool)
            .await
            .expect("one row")
    }

    /// G6, for each row of the stock.
    pub async fn assert_stock_adds_up(&self) {
        let broken = "
            SELECT count(*) FROM inventory i
            WHERE quantity_reserved <> (SELECT coalesce(sum(quantity), 0) FROM inventory_reservations r
                                        WHERE r.variant_id = i.variant_id AND r.status = 'active')
               OR quantity_available <> (SELECT coalesce(sum(quantity_change), 0) FROM inventory_movements m
                                         WHERE m.variant_id = i.variant_id)
               OR quantity_available < quantity_reserved";
        assert_eq!(self.count(broken).await, 0, "the stock does not add up");
    }

    /// The server saw no error that the test did not expect.
    pub async fn close(self) {
        assert_eq!(self.database.server_errors(), Vec::<String>::new());
        self.function.database.close();
        self.database.drop().await;
    }
}

pub async fn send(function: &CreateOrderIntent, request: Value) -> (u64, Value) {
    let answer = function.handle(request.clone()).await.expect("an HTTP request");
    assert_documented(&request, &answer);
    let body = answer["body"].as_str().expect("a body");
    (
        answer["statusCode"].as_u64().expect("a status"),
        serde_json::from_str(body).expect("JSON"),
    )
}

async fn gateways(khalti_url: &str) -> Gateways {
    let mut environment = Environment::of(&[
        ("ESEWA_BASE_URL", "https://esewa.test"),
        ("ESEWA_PRODUCT_CODE", "EPAYTEST"),
        ("STAGE", "sandbox"),
        ("ESEWA_SECRET", "8gBm/:&EnhH.1/q"),
        ("KHALTI_BASE_URL", khalti_url),
        ("KHALTI_SECRET", "khalti secret of the tests"),
        ("PAYMENT_RETURN_URL", "https://shop.test/paid"),
    ]);
    let config = GatewaysConfig::read(&mut environment);
    environment.finish().expect("all variables");
    config.open(&queues::aws().await).await.expect("gateways")
}

/// A body that can be used.
pub fn body(payment_method: &str) -> Value {
    json!({"payment_method": payment_method, "shipping_address": {"name": "Buyer", "phone": "9800000000",
           "address_line1": "Thamel", "city": "Kathmandu", "state": "Bagmati"}})
}

pub fn request(buyer: Uuid, key: Option<&str>, body: &Value) -> Value {
    let headers = key.map_or(json!({}), |key| json!({"idempotency-key": key}));
    json!({"version": "2.0", "rawPath": "/order-intents", "headers": headers, "body": body.to_string(),
           "requestContext": {"stage": "$default", "http": {"method": "POST"},
                              "authorizer": {"jwt": {"claims": {"sub": buyer}}}},
           "isBase64Encoded": false})
}
