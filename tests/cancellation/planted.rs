//! A shop that sells one article without end, and buyers who have checked out.

use crate::parts::{MINUTE, Parts, deadline};
use finalize_order::FinalizeOrder;
use makegood::clock::Clock;
use makegood::event::EventType;
use makegood::outbox::Publisher;
use makegood_tests::database::TestDatabase;
use makegood_tests::shop::{PRICE_MINOR, Shop};
use uuid::Uuid;

/// A checkout as planted.
#[derive(Debug, Clone)]
pub struct Intent {
    pub number: u32,
    pub id: String,
    /// What eSewa knows it by.
    pub external: String,
}

impl Intent {
    pub fn of(number: u32) -> Self {
        Self {
            number,
            id: format!("pi_esewa_1759659959000_{number:08x}"),
            external: format!("txn-{number}"),
        }
    }

    /// Who checked out.
    pub fn buyer(&self) -> Uuid {
        buyer(self.number)
    }
}

/// The buyer of this number.
pub fn buyer(number: u32) -> Uuid {
    Uuid::from_u128(u128::from(number) + 1)
}

/// The same in SQL, of `n`.
const BUYER: &str = "lpad(to_hex(n + 1), 32, '0')::uuid";

/// A database with the shop, and the way out for its event.
pub async fn open_shop() -> Parts {
    let shop = Shop::open().await;
    shop.database
        .run_sql(
            "UPDATE inventory SET quantity_available = 1000000 WHERE variant_id = md5('variant1')::uuid;
             UPDATE inventory_movements SET quantity_change = 1000000, quantity_after = 1000000
             WHERE variant_id = md5('variant1')::uuid",
        )
        .await;
    Parts::over(
        shop.database,
        &[EventType::PurchaseConfirmed, EventType::OrderConfirmed],
    )
    .await
}

/// SQL that gives the buyer of this number a cart with one piece, and checks nothing out.
pub fn cart(number: u32) -> String {
    format!(
        "CREATE TEMP TABLE buyer AS
           SELECT n, 'pi_esewa_1759659959000_' || lpad(to_hex(n), 8, '0') AS intent, 'txn-' || n AS external
           FROM (VALUES ({number})) AS b (n);
         INSERT INTO carts (id, user_id) SELECT md5('cart' || n)::uuid, {BUYER} FROM buyer;
         INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
         SELECT md5('cart' || n)::uuid, md5('variant1')::uuid, 1, {PRICE_MINOR} FROM buyer;"
    )
}

/// SQL of a checkout of this number with eSewa, begun so long ago (an SQL interval), whose reservation ends in so long; and then
/// this about `buyer`.
pub fn checkout(number: u32, begun: &str, ends: &str, then: &str) -> String {
    let cart = cart(number);
    format!(
        "{cart}
         INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, external_transaction_id, amount_cents,
                                      status, items, shipping_address, gateway_payment_url, metadata, expires_at, created_at)
         SELECT intent, {BUYER}, md5('cart' || n)::uuid, 'esewa', external, {PRICE_MINOR}, 'pending',
                jsonb_build_array(jsonb_build_object('variant_id', md5('variant1')::uuid, 'product_id', md5('product1')::uuid,
                  'vendor_id', md5('vendor')::uuid, 'sku', 'SKU-1', 'name', 'Product 1', 'quantity', 1,
                  'unit_price_cents', {PRICE_MINOR})),
                '{{\"city\": \"Kathmandu\"}}', 'http://gateway/', '{{\"fingerprint\": \"f\"}}', now() + interval '{ends}',
                now() - interval '{begun}'
         FROM buyer;
         INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
         SELECT intent, md5('variant1')::uuid, 1, now() + interval '{ends}' FROM buyer;
         UPDATE inventory SET quantity_reserved = quantity_reserved + 1 WHERE variant_id = md5('variant1')::uuid;
         {then}
         DROP TABLE buyer;"
    )
}

/// A checkout of a minute ago that can still be paid, and then this about `buyer`.
pub async fn check_out(database: &TestDatabase, number: u32, then: &str) -> Intent {
    database
        .run_sql(&checkout(number, "1 minute", "30 minutes", then))
        .await;
    Intent::of(number)
}

/// SQL that has the gateway call the planted checkouts paid, this long ago.
pub fn verified(ago: &str) -> String {
    format!(
        "INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status,
                                                    amount_verified, verified_at)
         SELECT 'esewa', external, intent, 'success', {PRICE_MINOR}, now() - interval '{ago}' FROM buyer;
         UPDATE payment_intents SET status = 'processing' WHERE payment_intent_id IN (SELECT intent FROM buyer);"
    )
}

/// SQL that asks for the orders of the planted checkouts.
pub const ENQUEUED: &str = "INSERT INTO job_queue (job_type, payload, priority, idempotency_key)
     SELECT 'finalize_order', jsonb_build_object('payment_intent_id', intent, 'provider', 'esewa'), 1, 'payment_esewa_' || external
     FROM buyer;";

/// A worker as one environment of `finalize-order` has it.
pub fn worker(publisher: Publisher) -> FinalizeOrder {
    FinalizeOrder {
        publisher,
        waker: None,
        clock: Clock::System,
        timezone: chrono_tz::Asia::Kathmandu,
        worker: format!("worker-{}", Uuid::new_v4()),
        lease: MINUTE,
        new_id: Uuid::new_v4,
    }
}

/// The leases of dead workers are over, and the jobs runnable again.
pub async fn rescue_jobs(parts: &Parts) {
    parts
        .database
        .run_sql(
            "UPDATE job_queue SET locked_until = now() - interval '1 second' WHERE status = 'processing'",
        )
        .await;
    parts.sweep("stale-jobs").await;
}

/// Orders are made until no job is runnable, and published.
pub async fn make_orders(parts: &Parts) {
    rescue_jobs(parts).await;
    let database = parts.database.through_pooler(2);
    worker(parts.publisher(database.clone())).work(deadline()).await;
    database.close();
    parts.sweep_outbox().await;
}
