//! A shop in a database of its own: four variants at 500, 1000, 1500 and 2000 rupees, ten pieces of each, and buyers who have
//! checked out and not paid yet.

use crate::database::TestDatabase;
use makegood::gateway::Provider;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Paisa a piece of the first variant; the others cost twice, three and four times that.
pub const PRICE_MINOR: i64 = 50_000;

/// A shop.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Its database.
    pub database: TestDatabase,
}

/// A checkout: an intent with its reservation, a payment that the gateway may know, no verification and no job.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The intent.
    pub intent: String,
    /// At which gateway.
    pub provider: Provider,
    /// What the gateway knows it by.
    pub external: String,
    /// What is to be paid.
    pub amount_minor: i64,
}

impl Shop {
    /// Opens one.
    pub async fn open() -> Self {
        let database = TestDatabase::create().await;
        database
            .run_sql(&format!(
                "INSERT INTO vendor_profiles (user_id, business_name) VALUES (md5('vendor')::uuid, 'Vendor');
                 INSERT INTO products (id, vendor_id, name, slug)
                 SELECT md5('product' || n)::uuid, md5('vendor')::uuid, 'Product ' || n, 'product-' || n FROM generate_series(1, 4) n;
                 INSERT INTO product_variants (id, product_id, sku, price_cents)
                 SELECT md5('variant' || n)::uuid, md5('product' || n)::uuid, 'SKU-' || n, {PRICE_MINOR} * n FROM generate_series(1, 4) n;
                 INSERT INTO inventory (variant_id, quantity_available) SELECT id, 10 FROM product_variants;
                 INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
                 SELECT id, 'adjustment', 10, 10, 'stocking' FROM product_variants"
            ))
            .await;
        Self { database }
    }

    /// A buyer who checks out these pieces of variants now, for the next 35 minutes. The number is the buyer's.
    pub async fn check_out(&self, number: u32, provider: Provider, lines: &[(u32, i32)]) -> Checkout {
        let intent = format!("pi_{provider}_1759659959000_{number:08x}");
        let external = format!("txn-{number}");
        let wanted: Vec<String> = lines
            .iter()
            .map(|(variant, quantity)| format!("({variant}, {quantity})"))
            .collect();
        let wanted = wanted.join(", ");
        self.database
            .run_sql(&format!(
                "CREATE TEMP TABLE line AS
                   SELECT md5('variant' || v)::uuid AS variant_id, md5('product' || v)::uuid AS product_id, v, q
                   FROM (VALUES {wanted}) AS l (v, q);
                 INSERT INTO carts (id, user_id) VALUES (md5('cart{number}')::uuid, md5('buyer{number}')::uuid);
                 INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
                 SELECT md5('cart{number}')::uuid, variant_id, q, {PRICE_MINOR} * v FROM line;
                 INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, external_transaction_id, amount_cents,
                                              status, items, shipping_address, gateway_payment_url, metadata, expires_at)
                 SELECT '{intent}', md5('buyer{number}')::uuid, md5('cart{number}')::uuid, '{provider}', '{external}',
                        sum({PRICE_MINOR} * v * q), 'pending',
                        jsonb_agg(jsonb_build_object('variant_id', variant_id, 'product_id', product_id,
                          'vendor_id', md5('vendor')::uuid, 'sku', 'SKU-' || v, 'name', 'Product ' || v, 'quantity', q,
                          'unit_price_cents', {PRICE_MINOR} * v)),
                        '{{\"name\": \"Secret Person\", \"city\": \"Kathmandu\"}}', 'http://gateway/', '{{\"fingerprint\": \"f\"}}',
                        now() + interval '35 minutes' FROM line;
                 INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
                 SELECT '{intent}', variant_id, q, now() + interval '35 minutes' FROM line;
                 UPDATE inventory i SET quantity_reserved = quantity_reserved + line.q FROM line WHERE line.variant_id = i.variant_id"
            ))
            .await;
        let amount = format!("SELECT amount_cents FROM payment_intents WHERE payment_intent_id = '{intent}'");
        Checkout {
            amount_minor: self.count(&amount).await,
            intent,
            provider,
            external,
        }
    }

    /// So much time (an SQL interval) passes for everything that the pipeline looks at.
    pub async fn time_passes(&self, interval: &str) {
        self.database
            .run_sql(&format!(
                "UPDATE payment_intents
                 SET created_at = created_at - interval '{interval}', expires_at = expires_at - interval '{interval}',
                     price_until = price_until - interval '{interval}',
                     metadata = CASE WHEN metadata ? 'gateway' THEN jsonb_set(metadata, '{{gateway}}', (metadata -> 'gateway')
                       || jsonb_strip_nulls(jsonb_build_object(
                            'asked_at', (metadata #>> '{{gateway,asked_at}}')::timestamptz - interval '{interval}',
                            'unpaid_at', (metadata #>> '{{gateway,unpaid_at}}')::timestamptz - interval '{interval}',
                            'answered_at', (metadata #>> '{{gateway,answered_at}}')::timestamptz - interval '{interval}')))
                       ELSE metadata END;
                 UPDATE inventory_reservations SET expires_at = expires_at - interval '{interval}';
                 UPDATE payment_gateway_verifications SET verified_at = verified_at - interval '{interval}',
                                                          refund_question_at = refund_question_at - interval '{interval}';
                 UPDATE job_queue SET created_at = created_at - interval '{interval}',
                                      scheduled_for = scheduled_for - interval '{interval}',
                                      locked_until = locked_until - interval '{interval}';
                 UPDATE outbox SET claimed_until = claimed_until - interval '{interval}'"
            ))
            .await;
    }

    /// The first column of the first row, a bigint.
    pub async fn count(&self, query: &str) -> i64 {
        self.database.count(query).await
    }

    /// How many rows (`FROM …`) there are.
    pub async fn rows(&self, from: &str) -> i64 {
        self.count(&format!("SELECT count(*) FROM {from}")).await
    }

    /// The first column of the first row as text; empty when there is none.
    pub async fn text(&self, query: &str) -> String {
        let mut connection = PgConnection::connect(&self.database.direct_url())
            .await
            .expect("the test's database answers");
        let text: Option<Option<String>> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_optional(&mut connection)
            .await
            .expect("the query runs");
        text.flatten().unwrap_or_default()
    }

    /// The intent's status.
    pub async fn status(&self, checkout: &Checkout) -> String {
        let intent = &checkout.intent;
        self.text(&format!(
            "SELECT status FROM payment_intents WHERE payment_intent_id = '{intent}'"
        ))
        .await
    }

    /// The final word that is recorded; empty when there is none.
    pub async fn verification(&self, checkout: &Checkout) -> String {
        let intent = &checkout.intent;
        self.text(&format!(
            "SELECT status FROM payment_gateway_verifications WHERE payment_intent_id = '{intent}'"
        ))
        .await
    }

    /// Pieces that are reserved, over all variants.
    pub async fn reserved(&self) -> i64 {
        self.count("SELECT sum(quantity_reserved) FROM inventory").await
    }

    /// One text over every row of every table of the pipeline: the same text, the same rows.
    pub async fn everything(&self) -> String {
        let mut all = String::new();
        for table in [
            "job_queue",
            "orders",
            "order_items",
            "inventory",
            "inventory_reservations",
            "inventory_movements",
            "cart_items",
            "payment_intents",
            "payment_gateway_verifications",
            "payment_cases",
            "outbox",
        ] {
            let digest = format!(
                "SELECT '{table} ' || md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) || ' ' FROM {table} t"
            );
            all += &self.text(&digest).await;
        }
        all
    }

    /// G5 and G6: every paid intent has one order with items or an open case, and the stock adds up to the last piece.
    pub async fn assert_sound(&self) {
        for (what, query) in SOUND {
            assert_eq!(self.count(query).await, 0, "{what}");
        }
    }

    /// The server saw no error; the database goes.
    pub async fn close(self) {
        assert_eq!(self.database.server_errors(), Vec::<String>::new());
        self.database.drop().await;
    }
}

const SOUND: [(&str, &str); 6] = [
    (
        "a paid intent has neither an order with items nor an open case",
        "SELECT count(*) FROM payment_gateway_verifications v WHERE v.status IN ('success', 'amount_mismatch')
           AND NOT EXISTS (SELECT FROM orders o JOIN order_items i ON i.order_id = o.id
                           WHERE o.payment_intent_id = v.payment_intent_id)
           AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.payment_intent_id = v.payment_intent_id AND c.status = 'open')",
    ),
    (
        "an intent without success has an order",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (
           SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = o.payment_intent_id AND v.status = 'success')",
    ),
    (
        "an order's items do not come to what was paid",
        "SELECT count(*) FROM orders o JOIN payment_gateway_verifications v USING (payment_intent_id)
         WHERE o.total_cents <> v.amount_verified
            OR o.total_cents <> (SELECT sum(quantity * unit_price_cents) FROM order_items i WHERE i.order_id = o.id)",
    ),
    (
        "what is reserved is not what the active reservations say",
        "SELECT count(*) FROM inventory i WHERE quantity_reserved <> (SELECT coalesce(sum(quantity), 0)
           FROM inventory_reservations r WHERE r.variant_id = i.variant_id AND r.status = 'active')",
    ),
    (
        "available and sold are not what was stocked",
        "SELECT count(*) FROM inventory i WHERE quantity_available < 0 OR quantity_available <> (SELECT sum(quantity_change)
           FROM inventory_movements m WHERE m.variant_id = i.variant_id)",
    ),
    (
        "an order was published never or twice",
        "SELECT count(*) FROM orders o WHERE 1 <> (SELECT count(*) FROM outbox e WHERE e.event_id = 'order-confirmed-' || o.id)",
    ),
];
