//! A shop with its gateways and its functions: what a buyer who comes back meets.

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
use makegood::throttle::Throttle;
use makegood::verification::Verifier;
use makegood_local::gateway::{self, GatewayStub, Side};
use makegood_tests::openapi::assert_documented;
use makegood_tests::queues::{self, TestQueue, sqs_event, transport};
use makegood_tests::shop::{Checkout, Shop};
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use sweep::{Pipelines, Sweep};
use uuid::Uuid;
use verify_payment::VerifyPayment;

/// Time enough for anything.
const MINUTE: Duration = Duration::from_secs(60);

/// The shop's till.
pub struct Till {
    pub shop: Shop,
    pub gateway: GatewayStub,
    pub jobs: TestQueue,
    pub transport: Transport,
    pub function: Arc<VerifyPayment>,
    pub gateways: Gateways,
}

impl Deref for Till {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

impl Till {
    pub async fn open() -> Self {
        Self::with_patience(GatewaysConfig::PATIENCE).await
    }

    /// A till that waits no longer than this for a gateway.
    pub async fn with_patience(patience: Duration) -> Self {
        let shop = Shop::open().await;
        let gateway = gateway::spawn().await.unwrap();
        let jobs = TestQueue::create("jobs").await;
        let (transport, _) = transport(&[EventType::OrderConfirmed]).await;
        let gateways = gateways(&gateway, patience).await;
        let waker = Waker {
            client: jobs.client.clone(),
            queue_url: jobs.url.clone(),
        };
        let verifier = Verifier {
            database: shop.database.through_pooler(4),
            gateways: gateways.clone(),
            waker: Some(waker),
            clock: Clock::System,
        };
        Self {
            function: Arc::new(VerifyPayment {
                verifier,
                throttle: Throttle::of("verify-payment", 0),
            }),
            shop,
            gateway,
            jobs,
            transport,
            gateways,
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

    /// Asks for this checkout by its name at the gateway.
    pub async fn verify(&self, checkout: &Checkout) -> (u64, Value) {
        self.send(&question(checkout)).await
    }

    /// The status and the body of the answer to this body.
    pub async fn send(&self, body: &Value) -> (u64, Value) {
        send(&self.function, &body.to_string()).await
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
        let event = sqs_event("jobs", &[json!({"jobId": Uuid::new_v4()}).to_string()]);
        function.handle(event, Deadline::after(MINUTE)).await;
    }

    /// Runs a sweep, and gives back what it did.
    pub async fn sweep(&self, name: &str) -> Value {
        let sweep = Sweep {
            publisher: self.publisher(),
            pipelines: Pipelines::Both,
            gateways: Some(self.gateways.clone()),
            refund_question_days: 45,
            retention: sweep::Retention::default(),
            razorpay: None,
            stripe: None,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            waker: self.function.verifier.waker.clone(),
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kathmandu,
            teaching_days: TeachingDays::default(),
        };
        sweep
            .handle(&json!({"sweep": name}), Deadline::after(MINUTE))
            .await
            .unwrap()
    }

    /// Reconciles; what was done for orders.
    pub async fn reconcile(&self) -> Value {
        self.sweep("reconcile").await["order"].clone()
    }

    /// Nothing final is recorded about anything, and no worker is asked to make an order.
    pub async fn assert_nothing_recorded(&self, why: &str) {
        assert_eq!(self.rows("payment_gateway_verifications").await, 0, "{why}");
        assert_eq!(self.rows("job_queue").await, 0, "{why}");
        assert_eq!(self.rows("payment_cases").await, 0, "{why}");
    }

    pub async fn close(self) {
        self.function.verifier.database.close();
        self.shop.close().await;
    }

    fn publisher(&self) -> Publisher {
        Publisher {
            database: self.shop.database.through_pooler(4),
            transport: self.transport.clone(),
        }
    }
}

async fn gateways(stub: &GatewayStub, patience: Duration) -> Gateways {
    let variables = stub.variables("https://shop.test/paid");
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut environment = Environment::of(&variables);
    let mut config = GatewaysConfig::read(&mut environment);
    environment.finish().unwrap();
    config.patience = patience;
    config.open(&queues::aws().await).await.unwrap()
}

/// The body that asks for this checkout by its name at the gateway.
pub fn question(checkout: &Checkout) -> Value {
    match checkout.provider {
        Provider::Esewa => json!({"provider": "esewa", "transaction_uuid": checkout.external}),
        Provider::Khalti => json!({"provider": "khalti", "pidx": checkout.external}),
    }
}

/// The event of an HTTP API with this body.
pub fn request(body: &str) -> Value {
    json!({"version": "2.0", "rawPath": "/payments/verify", "headers": {},
           "requestContext": {"stage": "$default", "http": {"method": "POST"}}, "body": body, "isBase64Encoded": false})
}

/// The status and the body of the answer.
pub async fn send(function: &VerifyPayment, body: &str) -> (u64, Value) {
    let request = request(body);
    let answer = function
        .handle(request.clone(), Deadline::after(MINUTE))
        .await
        .unwrap();
    assert_documented(&request, &answer);
    read(&answer)
}

/// The status and the body of an HTTP response.
pub fn read(answer: &Value) -> (u64, Value) {
    let body = answer["body"].as_str().expect("a body");
    (
        answer["statusCode"].as_u64().expect("a status"),
        serde_json::from_str(body).expect("JSON"),
    )
}

/// What the answer says, apart from who was the first.
pub fn said(answer: &(u64, Value)) -> (u64, Value) {
    let (status, mut body) = answer.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("already_verified");
    }
    (status, body)
}
