//! The order pipeline through its real binaries: checkouts, verifications and orders a second over a wide catalogue, and
//! the same with every buyer on one hot variant. Run with `make bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use futures::future::join_all;
use makegood_local::gateway::{self, GatewayStub, Side};
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::queues::sqs_event;
use makegood_tests::sink::QueueSink;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const BUYERS: usize = 2_000;
/// Buyers whose requests pay for connections and prepared statements; not measured.
const WARMING: usize = 20;
const ENVIRONMENTS: usize = 4;
/// Enough of each variant for all buyers.
const PIECES: usize = 1_000_000;

/// One way through the whole pipeline.
struct Shop {
    database: TestDatabase,
    gateways: GatewayStub,
    variables: Variables,
}

#[tokio::main]
async fn main() {
    println!(
        "{BUYERS} buyers, {ENVIRONMENTS} environments a function, Postgres behind PgBouncer on this machine"
    );
    println!(
        "{:<34} {:>8} {:>9} {:>9} {:>9}",
        "what", "a second", "p50 ms", "p95 ms", "p99 ms"
    );
    for (name, variants) in [("200 variants, two a cart", 200), ("one hot variant", 1)] {
        println!("{name}");
        let shop = Shop::open(variants).await;
        shop.check_out().await;
        shop.verify().await;
        shop.finalize().await;
        shop.close().await;
    }
}

impl Shop {
    async fn open(variants: usize) -> Self {
        let database = TestDatabase::create().await;
        database.run_sql(&catalogue(variants)).await;
        let gateways = gateway::spawn().await.expect("the gateways' stub starts");
        let sink = QueueSink::start().await;
        let variables = variables(&database, &gateways, &sink);
        Self {
            database,
            gateways,
            variables,
        }
    }

    async fn check_out(&self) {
        let events = (0..WARMING + BUYERS)
            .map(|buyer| http("/order-intents", Some(buyer), &checkout()))
            .collect();
        measure("checkout", "create-order-intent", &self.variables, events).await;
        let reserved = self.database.count("SELECT count(DISTINCT payment_intent_id) FROM inventory_reservations WHERE status = 'active'").await;
        assert_eq!(
            reserved,
            (WARMING + BUYERS) as i64,
            "every buyer has a reservation"
        );
    }

    /// Every buyer has paid at the gateway; the redirects arrive.
    async fn verify(&self) {
        let paid: Vec<(String, i64)> =
            sqlx::query_as("SELECT external_transaction_id, amount_cents FROM payment_intents ORDER BY 1")
                .fetch_all(&self.database.direct())
                .await
                .unwrap();
        for (transaction, amount_minor) in &paid {
            self.gateways.put(Side::Esewa, transaction, *amount_minor);
            self.gateways.pay(transaction).unwrap();
        }
        let events = paid
            .iter()
            .map(|(transaction, _)| {
                http(
                    "/payments/verify",
                    None,
                    &json!({"provider": "esewa", "transaction_uuid": transaction}),
                )
            })
            .collect();
        measure(
            "verification (gateway included)",
            "verify-payment",
            &self.variables,
            events,
        )
        .await;
        let jobs = self
            .database
            .count("SELECT count(*) FROM job_queue WHERE status = 'pending'")
            .await;
        assert_eq!(jobs, (WARMING + BUYERS) as i64, "every payment has its job");
    }

    /// All jobs are there; each environment works until nothing is runnable.
    async fn finalize(&self) {
        let environments = start("finalize-order", &self.variables).await;
        let started = Instant::now();
        let wake_up = || sqs_event("jobs", &[json!({"jobId": uuid::Uuid::nil()}).to_string()]);
        join_all(
            environments
                .iter()
                .map(|environment| environment.invoke_within(wake_up(), Duration::from_secs(300))),
        )
        .await;
        let elapsed = started.elapsed();
        let orders = self.database.count("SELECT count(*) FROM orders").await;
        assert_eq!(orders, (WARMING + BUYERS) as i64, "every payment has its order");
        println!("  {:<32} {:>8}", "orders", per_second(WARMING + BUYERS, elapsed));
    }

    async fn close(self) {
        let broken = "SELECT count(*) FROM inventory i WHERE quantity_reserved <> 0 OR quantity_available <>
                        (SELECT sum(quantity_change) FROM inventory_movements m WHERE m.variant_id = i.variant_id)";
        assert_eq!(self.database.count(broken).await, 0, "the stock adds up");
        self.database.drop().await;
    }
}

async fn start(function: &str, variables: &Variables) -> Vec<Environment> {
    join_all((0..ENVIRONMENTS).map(|_| Environment::start(function, variables))).await
}

/// Sends the events through the environments, each as fast as it answers, and prints what it took.
async fn measure(what: &str, function: &str, variables: &Variables, events: Vec<Value>) {
    let environments = start(function, variables).await;
    let (warming, measured) = events.split_at(WARMING);
    send(&environments, warming).await;
    let started = Instant::now();
    let mut waits = send(&environments, measured).await;
    let elapsed = started.elapsed();
    waits.sort_unstable();
    let at = |thousandths: usize| tenths(waits[(waits.len() * thousandths / 1_000).min(waits.len() - 1)]);
    println!(
        "  {what:<32} {:>8} {:>9} {:>9} {:>9}",
        per_second(measured.len(), elapsed),
        at(500),
        at(950),
        at(990)
    );
}

async fn send(environments: &[Environment], events: &[Value]) -> Vec<Duration> {
    let next = AtomicUsize::new(0);
    let workers = environments.iter().map(|environment| async {
        let mut waits = Vec::new();
        while let Some(event) = events.get(next.fetch_add(1, Ordering::SeqCst)) {
            let sent = Instant::now();
            let answer = environment.invoke(event.clone()).await.answer();
            waits.push(sent.elapsed());
            assert_eq!(answer["statusCode"], 200, "{answer}");
        }
        waits
    });
    join_all(workers).await.concat()
}

/// Variants in stock, and a cart for each buyer: one piece of each of two variants, or of the one that there is.
fn catalogue(variants: usize) -> String {
    let buyers = WARMING + BUYERS;
    format!(
        "INSERT INTO vendor_profiles (user_id, business_name) VALUES (md5('vendor')::uuid, 'Vendor');
         INSERT INTO products (id, vendor_id, name, slug) VALUES (md5('cup')::uuid, md5('vendor')::uuid, 'Cup', 'cup');
         INSERT INTO product_variants (id, product_id, sku, price_cents)
         SELECT md5('variant' || n)::uuid, md5('cup')::uuid, 'SKU-' || n, 10000 FROM generate_series(0, {variants} - 1) n;
         INSERT INTO inventory (variant_id, quantity_available) SELECT id, {PIECES} FROM product_variants;
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
         SELECT id, 'adjustment', {PIECES}, {PIECES}, 'stocking' FROM product_variants;
         INSERT INTO carts (id, user_id) SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid FROM generate_series(0, {buyers} - 1) n;
         INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
         SELECT DISTINCT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, md5('variant' || ((n * 7 + line * 31) % {variants}))::uuid, 1, 10000
         FROM generate_series(0, {buyers} - 1) n, generate_series(0, 1) line;
         ANALYZE"
    )
}

fn checkout() -> Value {
    json!({"payment_method": "esewa", "shipping_address": {"name": "Buyer", "phone": "9800000000",
           "address_line1": "Thamel", "city": "Kathmandu", "state": "Bagmati"}})
}

fn http(path: &str, buyer: Option<usize>, body: &Value) -> Value {
    let subject = buyer
        .map(|number| json!({"jwt": {"claims": {"sub": format!("00000000-0000-4000-8000-{number:012}")}}}));
    json!({"version": "2.0", "routeKey": format!("POST {path}"), "rawPath": path, "rawQueryString": "", "headers": {},
           "requestContext": {"http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.10"},
                              "requestId": "bench", "routeKey": format!("POST {path}"), "stage": "$default", "authorizer": subject},
           "body": body.to_string(), "isBase64Encoded": false})
}

fn variables(database: &TestDatabase, gateways: &GatewayStub, sink: &QueueSink) -> Variables {
    let url = database.pooler_url();
    let fixed = [
        ("DATABASE_URL", url.as_str()),
        // All buyers come from one address.
        ("CHECKOUT_ADDRESS_INTENTS", "0"),
        ("CHECKOUT_ADDRESS_PIECES", "0"),
        ("VERIFY_REQUESTS_PER_MINUTE", "0"),
        ("JOBS_QUEUE_URL", "http://sink/000000000000/jobs"),
        (
            "QUEUE_URL_ORDER_CONFIRMED",
            "http://sink/000000000000/order-confirmed",
        ),
        ("AWS_ENDPOINT_URL", sink.url()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_LAMBDA_LOG_LEVEL", "warn"),
    ];
    let mut variables: Variables = fixed
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    variables.extend(
        gateways
            .variables("https://shop.test/paid")
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    variables
}

fn per_second(count: usize, elapsed: Duration) -> u128 {
    count as u128 * 1_000_000 / elapsed.as_micros().max(1)
}

fn tenths(wait: Duration) -> String {
    format!("{}.{}", wait.as_micros() / 1_000, wait.as_micros() % 1_000 / 100)
}
