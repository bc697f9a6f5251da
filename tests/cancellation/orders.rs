//! The shop's functions: `create-order-intent`, `verify-payment`, `finalize-order`, `order-status`.

use crate::driver::{Scene, cut_everywhere};
use crate::parts::{Parts, acknowledged, deadline, gateways, has_status};
use crate::planted::{
    ENQUEUED, Intent, buyer, cart, check_out, make_orders, open_shop, rescue_jobs, verified, worker,
};
use create_order_intent::CreateOrderIntent;
use create_order_intent::limits::Limits;
use finalize_order::FinalizeOrder;
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::gateway::Gateways;
use makegood::job::Waker;
use makegood::throttle::Throttle;
use makegood::verification::Verifier;
use makegood_local::gateway::{self, GatewayStub, Side};
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::{TestQueue, sqs_event};
use makegood_tests::shop::PRICE_MINOR;
use order_status::OrderStatus;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;
use verify_payment::VerifyPayment;

/// `finalize-order`: one paid intent with its job a delivery.
struct Orders(Parts);

impl Scene for Orders {
    type Environment = FinalizeOrder;
    type Delivery = Intent;

    fn name(&self) -> String {
        "finalize-order".to_owned()
    }

    fn database(&self) -> &TestDatabase {
        &self.0.database
    }

    async fn plant(&self, number: u32) -> Intent {
        let paid = format!("{} {ENQUEUED}", verified("2 seconds"));
        check_out(self.database(), number, &paid).await
    }

    async fn open(&self, database: Database) -> FinalizeOrder {
        worker(self.0.publisher(database))
    }

    async fn deliver(&self, environment: &FinalizeOrder, _: &Intent) -> Result<(), String> {
        let wake_up = json!({"jobId": Uuid::new_v4()}).to_string();
        acknowledged(
            &environment
                .handle(sqs_event("jobs", &[wake_up]), deadline())
                .await,
        )
    }

    fn key(&self, intent: &Intent) -> String {
        intent.id.clone()
    }

    async fn done(&self) -> BTreeSet<String> {
        self.0
            .texts(
                "SELECT payment_intent_id FROM orders r WHERE EXISTS (SELECT FROM order_items i WHERE i.order_id = r.id)
                   AND EXISTS (SELECT FROM job_queue j WHERE j.payload ->> 'payment_intent_id' = r.payment_intent_id
                                                         AND j.status = 'completed')",
            )
            .await
    }

    async fn leases_run_out(&self) {
        rescue_jobs(&self.0).await;
    }

    async fn settle(&self) {
        make_orders(&self.0).await;
    }
}

#[tokio::test]
async fn an_order_cut_anywhere_loses_no_later_one() {
    cut_everywhere(&Orders(open_shop().await), 1).await;
}

/// `verify-payment`: one buyer who paid a delivery.
struct Till {
    parts: Parts,
    gateway: GatewayStub,
    gateways: Gateways,
    jobs: TestQueue,
}

impl Till {
    async fn open() -> Self {
        let gateway = gateway::spawn().await.expect("the gateways listen");
        Self {
            parts: open_shop().await,
            gateways: gateways(&gateway).await,
            gateway,
            jobs: TestQueue::create("jobs").await,
        }
    }
}

impl Scene for Till {
    type Environment = VerifyPayment;
    type Delivery = Intent;

    fn name(&self) -> String {
        "verify-payment".to_owned()
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    async fn plant(&self, number: u32) -> Intent {
        let intent = check_out(self.database(), number, "").await;
        self.gateway.put(Side::Esewa, &intent.external, PRICE_MINOR);
        self.gateway.pay(&intent.external).expect("the gateway knows it");
        intent
    }

    async fn open(&self, database: Database) -> VerifyPayment {
        let verifier = Verifier {
            database,
            gateways: self.gateways.clone(),
            waker: Some(Waker {
                client: self.jobs.client.clone(),
                queue_url: self.jobs.url.clone(),
            }),
            clock: Clock::System,
        };
        VerifyPayment {
            verifier,
            throttle: Throttle::of("verify-payment", 0),
        }
    }

    async fn deliver(&self, environment: &VerifyPayment, intent: &Intent) -> Result<(), String> {
        let body = json!({"provider": "esewa", "transaction_uuid": intent.external});
        let request = json!({"version": "2.0", "rawPath": "/payments/verify", "headers": {}, "body": body.to_string(),
            "requestContext": {"stage": "$default", "http": {"method": "POST"}}, "isBase64Encoded": false});
        let answer = environment.handle(request, deadline()).await;
        has_status(&answer.map_err(|error| error.to_string())?, 200)
    }

    fn key(&self, intent: &Intent) -> String {
        intent.id.clone()
    }

    /// A verification counts with its job, since both are one transaction.
    async fn done(&self) -> BTreeSet<String> {
        self.parts
            .texts(
                "SELECT payment_intent_id FROM payment_gateway_verifications v WHERE v.status = 'success'
                   AND EXISTS (SELECT FROM job_queue j WHERE j.payload ->> 'payment_intent_id' = v.payment_intent_id)",
            )
            .await
    }

    /// Whoever was asking the gateway is not asking any more.
    async fn leases_run_out(&self) {
        let shop = makegood_tests::shop::Shop {
            database: self.parts.database.clone(),
        };
        shop.time_passes("6 minutes").await;
    }

    async fn settle(&self) {
        make_orders(&self.parts).await;
    }
}

#[tokio::test]
async fn a_verification_cut_anywhere_loses_no_later_one() {
    cut_everywhere(&Till::open().await, 1).await;
}

/// `create-order-intent`: one buyer with a cart a delivery, who pays with Khalti.
struct Checkouts {
    parts: Parts,
    gateways: Gateways,
    _gateway: GatewayStub,
}

impl Scene for Checkouts {
    type Environment = CreateOrderIntent;
    /// The buyer's number.
    type Delivery = u32;

    fn name(&self) -> String {
        "create-order-intent".to_owned()
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    async fn plant(&self, number: u32) -> u32 {
        self.database().run_sql(&cart(number)).await;
        number
    }

    async fn open(&self, database: Database) -> CreateOrderIntent {
        CreateOrderIntent {
            database,
            gateways: self.gateways.clone(),
            limits: Limits::DEFAULT,
            price_grace: create_order_intent::PRICE_GRACE,
            clock: Clock::System,
        }
    }

    async fn deliver(&self, environment: &CreateOrderIntent, number: &u32) -> Result<(), String> {
        let body = json!({"payment_method": "khalti", "shipping_address": {"name": "Buyer", "phone": "9800000000",
                          "address_line1": "Thamel", "city": "Kathmandu", "state": "Bagmati"}});
        let request = json!({"rawPath": "/order-intents", "headers": {"idempotency-key": format!("key-{number}")},
                             "body": body.to_string(), "isBase64Encoded": false,
                             "requestContext": {"stage": "$default", "http": {"method": "POST"}}});
        let answer = environment.handle(of_buyer(buyer(*number), request)).await;
        has_status(&answer.map_err(|error| error.to_string())?, 200)
    }

    fn key(&self, number: &u32) -> String {
        format!("key-{number}")
    }

    /// An intent counts with its reservation and the gateway's answer.
    async fn done(&self) -> BTreeSet<String> {
        self.parts
            .texts(
                "SELECT idempotency_key FROM payment_intents i WHERE gateway_payment_url IS NOT NULL
                   AND EXISTS (SELECT FROM inventory_reservations r WHERE r.payment_intent_id = i.payment_intent_id
                                                                      AND r.status = 'active')",
            )
            .await
    }
}

/// The request as the gateway's authorizer lets it through for this buyer.
fn of_buyer(buyer: Uuid, mut request: Value) -> Value {
    request["version"] = json!("2.0");
    request["requestContext"]["authorizer"] = json!({"jwt": {"claims": {"sub": buyer}}});
    request
}

#[tokio::test]
async fn a_checkout_cut_anywhere_loses_no_later_one() {
    let gateway = gateway::spawn().await.expect("the gateways listen");
    let scene = Checkouts {
        parts: open_shop().await,
        gateways: gateways(&gateway).await,
        _gateway: gateway,
    };
    cut_everywhere(&scene, 1).await;
}

/// `order-status`: it writes nothing, and must leave nothing behind for the next borrower.
struct Questions(Parts);

impl Scene for Questions {
    type Environment = OrderStatus;
    type Delivery = Intent;

    fn name(&self) -> String {
        "order-status".to_owned()
    }

    // A connection and one statement.
    fn least_cut_points(&self) -> usize {
        3
    }

    fn database(&self) -> &TestDatabase {
        &self.0.database
    }

    async fn plant(&self, number: u32) -> Intent {
        check_out(self.database(), number, "").await
    }

    async fn open(&self, database: Database) -> OrderStatus {
        OrderStatus::of(database)
    }

    async fn deliver(&self, environment: &OrderStatus, intent: &Intent) -> Result<(), String> {
        let request = json!({"rawPath": "/orders/status", "queryStringParameters": {"payment_intent_id": intent.id},
                             "requestContext": {"stage": "$default", "http": {"method": "GET"}}});
        let answer = environment
            .handle(of_buyer(intent.buyer(), request), deadline())
            .await
            .map_err(|error| error.to_string())?;
        has_status(&answer, 200)?;
        let body = answer["body"].as_str().unwrap_or_default();
        if body.contains("\"awaiting_payment\"") {
            Ok(())
        } else {
            Err(format!("another buyer's answer: {body}"))
        }
    }

    fn key(&self, intent: &Intent) -> String {
        intent.id.clone()
    }

    async fn done(&self) -> BTreeSet<String> {
        self.0
            .texts("SELECT payment_intent_id FROM payment_intents")
            .await
    }
}

#[tokio::test]
async fn a_question_cut_anywhere_leaves_nothing_to_the_next() {
    cut_everywhere(&Questions(open_shop().await), 1).await;
}
