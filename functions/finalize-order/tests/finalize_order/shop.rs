//! One shop for one test: four variants at 1000, 2000, 3000 and 4000 paisa, ten pieces of each, and buyers who paid.

use finalize_order::{FinalizeOrder, Finished};
use makegood::clock::Clock;
use makegood::delivery::Deadline;
use makegood::event::EventType;
use makegood::job::{self, Job};
use makegood::outbox::{Publisher, Transport};
use makegood::refund::PartialRefund;
use makegood::school_days::TeachingDays;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::{TestQueue, sqs_event, transport};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;
use sweep::{Pipelines, Sweep};
use uuid::Uuid;

pub const LEASE: Duration = Duration::from_secs(60);

pub struct Shop {
    pub database: TestDatabase,
    pub confirmed: TestQueue,
    pub transport: Transport,
}

/// A buyer who has paid, with an intent, its reservation, its verification and its job.
#[derive(Debug, Clone)]
pub struct Buyer {
    pub intent: String,
}

/// Runs jobs that this environment holds.
pub async fn run_all(function: &FinalizeOrder, jobs: Vec<Job>) -> Vec<Finished> {
    let mut finished = Vec::new();
    function.run(jobs, &mut finished).await.unwrap();
    finished
}

/// Runs one.
pub async fn run(function: &FinalizeOrder, job: &Job) -> Finished {
    run_all(function, vec![job.clone()])
        .await
        .pop()
        .expect("a job that was run is finished")
}

/// Claims the next job for this environment and runs it; none when nothing is runnable.
pub async fn run_next(function: &FinalizeOrder) -> Option<Finished> {
    let mut finished = Vec::new();
    function.run_next(1, &mut finished).await.unwrap();
    finished.pop()
}

impl Shop {
    pub async fn open() -> Self {
        let shop = Self::over(TestDatabase::create().await).await;
        shop.sql(
            "INSERT INTO vendor_profiles (user_id, business_name) VALUES (md5('vendor')::uuid, 'Vendor');
             INSERT INTO products (id, vendor_id, name, slug)
             SELECT md5('product' || n)::uuid, md5('vendor')::uuid, 'Product ' || n, 'product-' || n FROM generate_series(1, 4) n;
             INSERT INTO product_variants (id, product_id, sku, price_cents)
             SELECT md5('variant' || n)::uuid, md5('product' || n)::uuid, 'SKU-' || n, 1000 * n FROM generate_series(1, 4) n;
             INSERT INTO inventory (variant_id, quantity_available) SELECT id, 10 FROM product_variants;
             INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
             SELECT id, 'adjustment', 10, 10, 'stocking' FROM product_variants",
        )
        .await;
        shop
    }

    pub async fn over(database: TestDatabase) -> Self {
        let (transport, queues) = transport(&[EventType::OrderConfirmed]).await;
        Self {
            database,
            confirmed: queues["order-confirmed"].clone(),
            transport,
        }
    }

    pub async fn sql(&self, text: &str) {
        self.database.run_sql(text).await;
    }

    pub async fn count(&self, query: &str) -> i64 {
        self.database.count(query).await
    }

    /// The first column of the first row as text; empty when there is none.
    pub async fn text(&self, query: &str) -> String {
        let mut connection = PgConnection::connect(&self.database.direct_url()).await.unwrap();
        let text: Option<Option<String>> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_optional(&mut connection)
            .await
            .unwrap();
        text.flatten().unwrap_or_default()
    }

    /// A buyer whose cart holds these pieces of variants, checked out and paid, with a job that waits.
    pub async fn paid(&self, number: u32, lines: &[(u32, i32)]) -> Buyer {
        let intent = format!("pi_esewa_1759659959000_{number:08x}");
        let wanted: Vec<String> = lines
            .iter()
            .map(|(variant, quantity)| format!("({variant}, {quantity})"))
            .collect();
        let wanted = wanted.join(", ");
        self.sql(&format!(
            "CREATE TEMP TABLE line AS
               SELECT md5('variant' || v)::uuid AS variant_id, md5('product' || v)::uuid AS product_id, v, q
               FROM (VALUES {wanted}) AS l (v, q);
             INSERT INTO carts (id, user_id) VALUES (md5('cart{number}')::uuid, md5('buyer{number}')::uuid);
             INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
             SELECT md5('cart{number}')::uuid, variant_id, sum(q), max(1000 * v) FROM line GROUP BY variant_id;
             INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, external_transaction_id, amount_cents,
                                          status, items, shipping_address, expires_at)
             SELECT '{intent}', md5('buyer{number}')::uuid, md5('cart{number}')::uuid, 'esewa', 'txn-{number}', sum(1000 * v * q),
                    'processing',
                    jsonb_agg(jsonb_build_object('variant_id', variant_id, 'product_id', product_id,
                      'vendor_id', md5('vendor')::uuid, 'sku', 'SKU-' || v, 'name', 'Product ' || v, 'quantity', q,
                      'unit_price_cents', 1000 * v)), '{{\"city\": \"Kathmandu\"}}', now() + interval '30 minutes' FROM line;
             INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
             SELECT '{intent}', variant_id, q, now() + interval '30 minutes' FROM line;
             UPDATE inventory i SET quantity_reserved = quantity_reserved + w.q
             FROM (SELECT variant_id, sum(q)::int AS q FROM line GROUP BY variant_id) w WHERE w.variant_id = i.variant_id;
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status,
                                                        amount_verified, verified_at)
             SELECT provider, external_transaction_id, payment_intent_id, 'success', amount_cents, now() - interval '2 seconds'
             FROM payment_intents WHERE payment_intent_id = '{intent}';
             INSERT INTO job_queue (job_type, payload, priority, idempotency_key) VALUES ('finalize_order',
               '{{\"payment_intent_id\": \"{intent}\", \"provider\": \"esewa\"}}', 1, 'payment_esewa_txn-{number}')"
        ))
        .await;
        Buyer { intent }
    }

    /// The function as one execution environment has it.
    pub fn function(&self) -> FinalizeOrder {
        FinalizeOrder {
            publisher: Publisher {
                database: self.database.through_pooler(4),
                transport: self.transport.clone(),
            },
            waker: None,
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kathmandu,
            worker: format!("worker-{}", Uuid::new_v4()),
            lease: LEASE,
            new_id: Uuid::new_v4,
        }
    }

    /// Wakes a fresh environment, which works until nothing is runnable.
    pub async fn work(&self) {
        let event = sqs_event("jobs", &[json!({"jobId": Uuid::new_v4()}).to_string()]);
        let answer = self
            .function()
            .handle(event, Deadline::after(Duration::from_secs(60)))
            .await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }

    /// Claims the next job for this environment.
    pub async fn claim(&self, function: &FinalizeOrder) -> Job {
        let mut connection = function.publisher.database.acquire().await.unwrap();
        job::acquire_next_jobs(&mut connection, &function.worker, LEASE, 1)
            .await
            .unwrap()
            .pop()
            .expect("a job is runnable")
    }

    /// Runs the one job that is runnable.
    pub async fn run_one(&self) -> Finished {
        run_next(&self.function()).await.expect("a job is runnable")
    }

    /// Runs a sweep, and gives back what it did.
    pub async fn sweep(&self, name: &str) -> Value {
        let sweep = Sweep {
            publisher: Publisher {
                database: self.database.through_pooler(4),
                transport: self.transport.clone(),
            },
            pipelines: Pipelines::Both,
            gateways: None,
            refund_question_days: 45,
            retention: sweep::Retention::default(),
            razorpay: None,
            stripe: None,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            waker: None,
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kathmandu,
            teaching_days: TeachingDays::default(),
        };
        sweep
            .handle(&json!({"sweep": name}), Deadline::after(Duration::from_secs(60)))
            .await
            .unwrap()
    }

    /// From now on whoever writes an order's items comes to this statement of a trigger.
    pub async fn order_items_fail(&self, statement: &str) {
        self.sql(&format!(
            "CREATE OR REPLACE FUNCTION fail_items() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN {statement}; RETURN NEW; END $$;
             DROP TRIGGER IF EXISTS fail_items ON order_items;
             CREATE TRIGGER fail_items BEFORE INSERT ON order_items FOR EACH ROW EXECUTE FUNCTION fail_items()"
        ))
        .await;
    }

    /// No more.
    pub async fn order_items_succeed(&self) {
        self.sql("DROP TRIGGER fail_items ON order_items").await;
    }

    /// The lease of whoever holds a job is over.
    pub async fn leases_run_out(&self) {
        self.sql(
            "UPDATE job_queue SET locked_until = now() - interval '1 second' WHERE status = 'processing'",
        )
        .await;
    }

    /// Every retry is due.
    pub async fn backoffs_pass(&self) {
        self.sql("UPDATE job_queue SET scheduled_for = now() WHERE status = 'pending'")
            .await;
    }

    pub async fn orders(&self) -> i64 {
        self.count("SELECT count(*) FROM orders").await
    }

    /// The intents of the orders that were published, taken out of the queue.
    pub async fn published(&self) -> Vec<String> {
        let bodies = self.confirmed.drain().await;
        let events = bodies
            .iter()
            .map(|body| makegood::event::Event::parse(body).expect("what is published can be read"));
        let mut intents: Vec<String> = events
            .map(|event| event.envelope().correlation_id.clone())
            .collect();
        intents.sort();
        intents
    }

    /// So many statements in this database wait for a lock.
    pub async fn until_waiting(&self, statements: i64) {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let all_wait = async { while self.count(waiting).await != statements {} };
        tokio::time::timeout(Duration::from_secs(20), all_wait)
            .await
            .expect("they wait for a lock");
    }

    /// G5 and G6: every paid intent has one order with items or an open case, and the stock adds up to the last piece.
    pub async fn assert_sound(&self) {
        for (what, query) in SOUND {
            assert_eq!(self.count(query).await, 0, "{what}");
        }
    }

    pub async fn close(self) {
        assert_eq!(self.database.server_errors(), Vec::<String>::new());
        self.database.drop().await;
    }
}

const SOUND: [(&str, &str); 7] = [
    (
        "a paid intent has neither an order nor an open case, and its money is not back",
        "SELECT count(*) FROM payment_gateway_verifications v JOIN payment_intents p USING (payment_intent_id)
         WHERE v.status = 'success' AND p.given_back_at IS NULL
           AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = v.payment_intent_id)
           AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.payment_intent_id = v.payment_intent_id AND c.status = 'open')",
    ),
    (
        "an order has no items",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT FROM order_items i WHERE i.order_id = o.id)",
    ),
    (
        "an order's items do not come to its total",
        "SELECT count(*) FROM orders o WHERE total_cents <> (SELECT sum(total_price_cents) FROM order_items i WHERE i.order_id = o.id)
           OR total_cents <> (SELECT sum(quantity * unit_price_cents) FROM order_items i WHERE i.order_id = o.id)",
    ),
    (
        "what is reserved is not what the active reservations say",
        "SELECT count(*) FROM inventory i WHERE quantity_reserved <> (SELECT coalesce(sum(quantity), 0)
           FROM inventory_reservations r WHERE r.variant_id = i.variant_id AND r.status = 'active')",
    ),
    (
        "available and sold are not what was stocked",
        "SELECT count(*) FROM inventory i WHERE quantity_available <> (SELECT sum(quantity_change)
           FROM inventory_movements m WHERE m.variant_id = i.variant_id)",
    ),
    (
        "an order's movements are not its items",
        "SELECT count(*) FROM (SELECT order_id, variant_id, sum(quantity) FROM order_items GROUP BY 1, 2
           EXCEPT SELECT reference_id, variant_id, -sum(quantity_change) FROM inventory_movements
           WHERE movement_type = 'sale' GROUP BY 1, 2) different",
    ),
    (
        "an order was published never or twice",
        "SELECT count(*) FROM orders o WHERE o.order_number NOT LIKE 'ORD-20251005-%'
           AND 1 <> (SELECT count(*) FROM outbox e WHERE e.event_id = 'order-confirmed-' || o.id)",
    ),
];
