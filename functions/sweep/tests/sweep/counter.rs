//! A shop, the gateways' stub, a worker, and the sweeps over them.

use finalize_order::FinalizeOrder;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::delivery::Deadline;
use makegood::event::EventType;
use makegood::gateway::{Gateways, GatewaysConfig, Provider};
use makegood::job::Waker;
use makegood::outbox::{Publisher, Transport};
use makegood::refund::PartialRefund;
use makegood::school_days::TeachingDays;
use makegood_local::gateway::{self, GatewayStub, Side};
use makegood_tests::queues::{self, TestQueue, transport};
use makegood_tests::shop::{Checkout, Shop};
use serde_json::{Value, json};
use std::ops::Deref;
use std::time::Duration;
use sweep::{Pipelines, Sweep};
use uuid::Uuid;

/// Time enough for anything.
const MINUTE: Duration = Duration::from_secs(60);

/// The shop's counter.
pub struct Counter {
    pub shop: Shop,
    pub gateway: GatewayStub,
    pub jobs: TestQueue,
    pub transport: Transport,
    gateways: Gateways,
}

impl Deref for Counter {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

impl Counter {
    pub async fn open() -> Self {
        let (transport, _) = transport(&[EventType::OrderConfirmed]).await;
        let gateway = gateway::spawn().await.unwrap();
        Self {
            shop: Shop::open().await,
            gateways: gateways(&gateway).await,
            gateway,
            jobs: TestQueue::create("jobs").await,
            transport,
        }
    }

    /// A buyer who has checked out and opened the gateway's page.
    pub async fn buyer(&self, number: u32, provider: Provider, lines: &[(u32, i32)]) -> Checkout {
        let checkout = self.shop.check_out(number, provider, lines).await;
        let side = match provider {
            Provider::Esewa => Side::Esewa,
            Provider::Khalti => Side::Khalti,
        };
        self.gateway.put(side, &checkout.external, checkout.amount_minor);
        checkout
    }

    /// A buyer who paid, was verified this long ago, and has no order; with a job in this status, if any.
    pub async fn verified(&self, number: u32, ago: &str, job: Option<&str>) -> Checkout {
        let checkout = self.buyer(number, Provider::Esewa, &[(1, 1)]).await;
        let (intent, external) = (&checkout.intent, &checkout.external);
        self.database
            .run_sql(&format!(
                "INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status,
                                                            amount_verified, verified_at)
                 SELECT provider, external_transaction_id, payment_intent_id, 'success', amount_cents, now() - interval '{ago}'
                 FROM payment_intents WHERE payment_intent_id = '{intent}';
                 UPDATE payment_intents SET status = 'processing' WHERE payment_intent_id = '{intent}'"
            ))
            .await;
        if let Some(status) = job {
            self.database
                .run_sql(&format!(
                    "INSERT INTO job_queue (job_type, payload, priority, idempotency_key, status, attempts, last_error, failed_at)
                     VALUES ('finalize_order', '{{\"payment_intent_id\": \"{intent}\", \"provider\": \"esewa\"}}', 1,
                             'payment_esewa_{external}', '{status}', 1, 'not_verified: early', now())"
                ))
                .await;
        }
        checkout
    }

    /// The sweeps as one execution environment has them.
    pub fn sweeps(&self) -> Sweep {
        Sweep {
            publisher: self.publisher(),
            pipelines: Pipelines::Both,
            gateways: Some(self.gateways.clone()),
            refund_question_days: 45,
            retention: sweep::Retention::default(),
            razorpay: None,
            stripe: None,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            waker: Some(Waker {
                client: self.jobs.client.clone(),
                queue_url: self.jobs.url.clone(),
            }),
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kathmandu,
            teaching_days: TeachingDays::default(),
        }
    }

    /// Reconciles; what was done for orders.
    pub async fn reconcile(&self) -> Value {
        reconcile(&self.sweeps()).await
    }

    /// Wakes a fresh environment of `finalize-order`, which works until nothing is runnable.
    pub async fn work(&self) {
        let function = FinalizeOrder {
            publisher: self.publisher(),
            waker: None,
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kathmandu,
            worker: format!("worker-{}", Uuid::new_v4()),
            lease: MINUTE,
            new_id: Uuid::new_v4,
        };
        function.work(Deadline::after(MINUTE)).await;
    }

    fn publisher(&self) -> Publisher {
        Publisher {
            database: self.shop.database.through_pooler(4),
            transport: self.transport.clone(),
        }
    }
}

/// What these sweeps do for orders.
pub async fn reconcile(sweeps: &Sweep) -> Value {
    let done = sweeps
        .handle(&json!({"sweep": "reconcile"}), Deadline::after(MINUTE))
        .await;
    done.unwrap()["order"].clone()
}

/// These numbers of an answer, in this order.
pub fn numbers<const N: usize>(done: &Value, names: [&str; N]) -> [i64; N] {
    names.map(|name| done[name].as_i64().unwrap_or_else(|| panic!("{name} in {done}")))
}

async fn gateways(stub: &GatewayStub) -> Gateways {
    let variables = stub.variables("https://shop.test/paid");
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut environment = Environment::of(&variables);
    let config = GatewaysConfig::read(&mut environment);
    environment.finish().unwrap();
    config.open(&queues::aws().await).await.unwrap()
}
