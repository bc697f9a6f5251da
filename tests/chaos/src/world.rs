//! Everything of a run that stands or moves: servers, links, queues, environments, and the world outside.

use crate::broker::Broker;
use crate::environments::Environments;
use crate::environments::function::{DEAD_LETTER_QUEUES, Function, QUEUES};
use crate::faults::set_password_in;
use crate::ledger::Ledger;
use crate::plan::{Plan, Transport, Wanted};
use crate::proxy::Proxy;
use crate::secrets::RunSecrets;
use crate::servers::Servers;
use crate::topics::Topics;
use crate::traffic::{CONSOLE_SECRET, Outside, PRICE_MINOR, Surroundings};
use anyhow::{Context, Result};
use makegood_local::admin::{self, AdminService};
use makegood_local::gateway::{self, GatewayStub};
use makegood_local::identity::{CONSOLE_CLIENT_ID, Issuer};
use makegood_tests::environment::Variables;
use makegood_tests::setting;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

const TRAINERS: usize = 25;

/// A run's world.
#[derive(Debug)]
pub struct World {
    /// Postgres and its poolers.
    pub servers: Servers,
    /// From the functions to PgBouncer.
    pub database: Proxy,
    /// From the functions to the gateways.
    pub gateways_proxy: Proxy,
    /// From the functions to the admin service.
    pub admin_proxy: Proxy,
    /// From the functions to Redis.
    pub redis: Proxy,
    /// The queues.
    pub broker: Arc<Broker>,
    /// The topics, in a run over Kafka.
    pub topics: Option<Arc<Topics>>,
    /// The environments.
    pub environments: Arc<Environments>,
    /// The gateways.
    pub gateways: Arc<GatewayStub>,
    /// The admin service.
    pub admin: Arc<AdminService>,
    /// Passwords and signing secrets.
    pub secrets: Arc<RunSecrets>,
    /// Who issues the operator's tokens.
    pub issuer: Issuer,
    /// Those who pay, buy and look.
    pub outside: Arc<Outside>,
    /// The driver's record.
    pub ledger: Arc<Ledger>,
    /// Access keys of environments that are to be killed as they send.
    pub to_kill: tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>,
    /// Says when the run is over.
    pub over: watch::Sender<bool>,
}

impl World {
    /// Builds it on running servers. What environments write is kept in `logs`.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn build(servers: Servers, plan: Plan, wanted: &Wanted, logs: Option<&Path>) -> Result<Self> {
        let seed = wanted.seed;
        let topics = match wanted.transport {
            Transport::Sqs => None,
            Transport::Kafka => Some(Arc::new(Topics::start()?)),
        };
        let (broker, to_kill) = Broker::start(seed).await?;
        create_queues(&broker);
        let admin = Arc::new(AdminService::with_trainer_count(TRAINERS));
        // It gives another trainer to every new key, so that asking twice under two keys shows.
        admin.forget_pairs();
        let (admin_url, _) = admin::spawn(Arc::clone(&admin)).await?;
        let gateways = Arc::new(gateway::spawn().await?);
        let issuer = Issuer::spawn().await?;
        let secrets = Arc::new(RunSecrets::start(&servers.authority()?).await);
        set_password_in(&servers, &secrets.password()).await?;
        let pooler = format!("127.0.0.1:{}", servers.pgbouncer);
        let database = Proxy::with_tls(&pooler, seed, &servers.certificate()?).await?;
        let gateways_proxy = Proxy::to(authority(&gateways.base_url), seed).await?;
        let admin_proxy = Proxy::to(authority(&admin_url), seed).await?;
        let redis = Proxy::to(authority(&setting("MAKEGOOD_TEST_REDIS_URL")), seed).await?;

        let mut common = common(&broker, &issuer);
        let told = gateways.variables("https://shop.example/back").into_iter();
        let told = told
            .chain(services(&gateways_proxy, &admin_proxy, &redis))
            .chain(secrets.variables(&database.address));
        common.extend(told.map(|(name, value)| (name.to_owned(), value)));
        secrets.keep(&mut common);
        if let Some(topics) = &topics {
            go_over_kafka(&mut common, topics);
        }
        let environments = Arc::new(Environments::of(
            |function| variables(function, &common, &broker),
            seed,
            logs,
        ));
        let ledger = Arc::new(Ledger::of(plan.payments.len(), plan.checkouts.len()));
        let broker = Arc::new(broker);
        let (over, is_over) = watch::channel(false);
        let outside = Outside::of(
            &environments,
            Surroundings {
                plan,
                ledger: Arc::clone(&ledger),
                gateways: Arc::clone(&gateways),
                broker: Arc::clone(&broker),
                topics: topics.clone(),
                secrets: Arc::clone(&secrets),
                payments_url: servers.url("makegood"),
                is_over,
            },
        );
        Ok(Self {
            servers,
            database,
            gateways_proxy,
            admin_proxy,
            redis,
            broker,
            topics,
            environments,
            gateways,
            admin,
            secrets,
            issuer,
            outside: Arc::new(outside),
            ledger,
            to_kill: tokio::sync::Mutex::new(to_kill),
            over,
        })
    }

    /// Messages in queues, and records that some function has yet to do.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.broker.messages() + self.topics.as_ref().map_or(0, |topics| topics.behind())
    }

    /// Messages and records that were taken so far, and how often they were delivered.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let (taken, delivered) = self.broker.totals();
        let (written, read) = self.topics.as_ref().map_or((0, 0), |topics| topics.totals());
        (taken + written, delivered + read)
    }

    /// Every event that left the functions, once each.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let mut events = self.broker.events();
        events.extend(self.topics.iter().flat_map(|topics| topics.events()));
        events
    }

    /// The shop's shelves and the buyers' carts, as its other services would have left them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stock(&self) -> Result<()> {
        let plan = &self.outside.plan;
        let mut text = String::new();
        for payment in &plan.payments {
            text += &format!(
                "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
                 VALUES ('{}', {}, 'INR', {PRICE_MINOR}, 'epoch') ON CONFLICT DO NOTHING;",
                payment.course, payment.tier
            );
        }
        for article in &plan.articles {
            let (variant, product, vendor) = (article.variant, article.product, article.vendor);
            let (sku, price, stock) = (&article.sku, article.price_minor, article.stock);
            text += &format!(
                "INSERT INTO vendor_profiles (user_id, business_name) VALUES ('{vendor}', 'Vendor');
                 INSERT INTO products (id, vendor_id, name, slug) VALUES ('{product}', '{vendor}', 'Article {sku}', '{sku}');
                 INSERT INTO product_variants (id, product_id, sku, price_cents) VALUES ('{variant}', '{product}', '{sku}', {price});
                 INSERT INTO inventory (variant_id, quantity_available) VALUES ('{variant}', {stock});
                 INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
                 VALUES ('{variant}', 'adjustment', {stock}, {stock}, 'stocking');"
            );
        }
        for checkout in &plan.checkouts {
            let user = checkout.user;
            text += &format!("INSERT INTO carts (id, user_id) VALUES ('{user}', '{user}');");
            for (place, quantity) in &checkout.basket {
                let Some(article) = plan.articles.get(*place) else {
                    continue;
                };
                text += &format!(
                    "INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
                     VALUES ('{user}', '{}', {quantity}, {});",
                    article.variant, article.price_minor
                );
            }
        }
        self.servers
            .run_sql(&text)
            .await
            .context("the shop can't be stocked")
    }
}

fn create_queues(broker: &Broker) {
    for ((queue, receives), dead) in QUEUES.iter().zip(DEAD_LETTER_QUEUES) {
        broker.create(dead, None);
        broker.create(queue, Some((*receives, dead)));
    }
}

/// Where the services are.
fn services(gateways: &Proxy, admin: &Proxy, redis: &Proxy) -> [(&'static str, String); 4] {
    let (gateways, admin, redis) = (&gateways.address, &admin.address, &redis.address);
    [
        ("REDIS_URL", format!("redis://{redis}")),
        ("ADMIN_SERVICE_URL", format!("http://{admin}")),
        ("ESEWA_BASE_URL", format!("http://{gateways}")),
        ("KHALTI_BASE_URL", format!("http://{gateways}/api/v2")),
    ]
}

/// What every function is told, and each reads its part of.
fn common(broker: &Broker, issuer: &Issuer) -> Variables {
    let urls = |queues: &[&str]| {
        let urls: Vec<String> = queues.iter().map(|queue| broker.url(queue)).collect();
        urls.join(",")
    };
    let variables = [
        ("DATABASE_POOL_SIZE", "2".to_owned()),
        ("QUEUE_URL_PURCHASE_CONFIRMED", urls(&["purchase-confirmed"])),
        (
            "QUEUE_URL_PURCHASE_CREATED",
            urls(&["purchase-created-allocation", "purchase-created-cache"]),
        ),
        (
            "QUEUE_URL_TRAINER_ALLOCATED",
            urls(&["trainer-allocated-sessions", "trainer-allocated-cache"]),
        ),
        (
            "QUEUE_URL_SESSIONS_GENERATED",
            urls(&["sessions-generated-cache"]),
        ),
        (
            "QUEUE_URL_SESSIONS_RESCHEDULED",
            urls(&["sessions-generated-cache"]),
        ),
        ("QUEUE_URL_PURCHASE_ENDED", urls(&["purchase-created-cache"])),
        ("QUEUE_URL_ORDER_CONFIRMED", urls(&["order-confirmed"])),
        ("QUEUE_URL_ORDER_REFUNDED", urls(&["order-confirmed"])),
        ("JOBS_QUEUE_URL", urls(&["jobs"])),
        // A lease outlives the longest invocation of a run.
        ("JOB_LEASE_SECONDS", "20".to_owned()),
        ("BUSINESS_TIMEZONE", "Asia/Kolkata".to_owned()),
        // The run's school has no prices of its own.
        ("TRUST_WEBHOOK_NOTES", "yes".to_owned()),
        // All of the run's buyers come from one address.
        ("CHECKOUT_ADDRESS_INTENTS", "0".to_owned()),
        ("CHECKOUT_ADDRESS_PIECES", "0".to_owned()),
        ("VERIFY_REQUESTS_PER_MINUTE", "0".to_owned()),
        ("OIDC_ISSUER", issuer.url.clone()),
        ("OIDC_CLIENT_ID", CONSOLE_CLIENT_ID.to_owned()),
        ("CONSOLE_SECRET", CONSOLE_SECRET.to_owned()),
        ("AWS_ENDPOINT_URL", broker.endpoint.clone()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "chaos".to_owned()),
    ];
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Topics in place of the queues of events.
fn go_over_kafka(variables: &mut Variables, topics: &Topics) {
    variables.retain(|name, _| !name.starts_with("QUEUE_URL_"));
    for (name, value) in [
        ("TRANSPORT", "kafka".to_owned()),
        ("KAFKA_BROKERS", topics.address()),
        ("KAFKA_AUTH", "none".to_owned()),
    ] {
        variables.insert(name.to_owned(), value);
    }
}

fn variables(function: &Function, common: &Variables, broker: &Broker) -> Variables {
    let mut variables = common.clone();
    if let Some(queue) = function.reads.first() {
        variables.insert(
            "DEAD_LETTER_QUEUE_URL".to_owned(),
            broker.url(&format!("{queue}-dlq")),
        );
    }
    variables
}

/// `host:port` of a URL that ends with it.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
