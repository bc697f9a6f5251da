//! A deployed shop without a deployment: the order functions themselves behind one small server, with what API Gateway and
//! the jobs queue would do between them. It can be told to do one thing wrong.

use aws_config::SdkConfig;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use create_order_intent::CreateOrderIntent;
use create_order_intent::limits::{Limit, Limits};
use finalize_order::FinalizeOrder;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::delivery::Deadline;
use makegood::event::EventType;
use makegood::gateway::{Gateways, GatewaysConfig};
use makegood::outbox::Publisher;
use makegood::refund::PartialRefund;
use makegood::school_days::TeachingDays;
use makegood::throttle::Throttle;
use makegood::verification::Verifier;
use makegood_local::settings::Outside;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::transport;
use order_status::OrderStatus;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use sweep::{Pipelines, Sweep};
use tokio::net::TcpListener;
use uuid::Uuid;
use verify_payment::VerifyPayment;

/// What a shop does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    None,
    /// This is done to its database once the day is nearly over.
    Damage(&'static str),
    /// It lets everybody in, with whatever token.
    BelievesEverybody,
    /// Reconcile says that all is well, and looks at nothing.
    NeverReconciles,
    /// Its orders are published, and not to the mailer.
    ForgetsMailer,
}

pub struct Bazaar {
    checkout: CreateOrderIntent,
    verify: VerifyPayment,
    finalize: FinalizeOrder,
    status: OrderStatus,
    sweep: Sweep,
    database: TestDatabase,
    flaw: Flaw,
}

/// Opens it on a free port, with its gateways where the outside will be; gives back the base URL, and
/// where its mailer reads.
pub async fn open(database: &TestDatabase, outside: &Outside, flaw: Flaw) -> (String, String) {
    let gateways = gateways(outside).await;
    let (transport, queues) = transport(&EventType::ALL).await;
    let mailbox = match flaw {
        Flaw::ForgetsMailer => "purchase-confirmed",
        _ => "order-confirmed",
    };
    let mailbox = queues[mailbox].url.clone();
    let publisher = Publisher {
        database: database.through_pooler(4),
        transport,
    };
    let timezone = chrono_tz::Asia::Kathmandu;
    let bazaar = Bazaar {
        checkout: CreateOrderIntent {
            database: database.through_pooler(4),
            gateways: gateways.clone(),
            price_grace: create_order_intent::PRICE_GRACE,
            // As deploy.sh has it: who wants too much is to be short of it.
            limits: Limits {
                buyer: Limit {
                    pieces: 0,
                    ..Limits::DEFAULT.buyer
                },
                ..Limits::DEFAULT
            },
            clock: Clock::System,
        },
        verify: VerifyPayment {
            verifier: Verifier {
                database: database.through_pooler(4),
                gateways: gateways.clone(),
                waker: None,
                clock: Clock::System,
            },
            throttle: Throttle::of("verify-payment", 0),
        },
        finalize: FinalizeOrder {
            publisher: publisher.clone(),
            waker: None,
            clock: Clock::System,
            timezone,
            worker: "the bazaar's worker".to_owned(),
            lease: Duration::from_secs(60),
            new_id: Uuid::new_v4,
        },
        status: OrderStatus::of(database.through_pooler(4)),
        sweep: Sweep {
            publisher,
            pipelines: Pipelines::Both,
            gateways: Some(gateways),
            refund_question_days: 45,
            retention: sweep::Retention::default(),
            razorpay: None,
            stripe: None,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            waker: None,
            clock: Clock::System,
            timezone,
            teaching_days: TeachingDays::default(),
        },
        database: database.clone(),
        flaw,
    };
    (serve(bazaar).await, mailbox)
}

async fn serve(bazaar: Bazaar) -> String {
    let router = Router::new()
        .route("/order-intents", post(check_out))
        .route("/payments/verify", post(verify))
        .route("/orders/status", get(status))
        .route("/sweep", post(sweep))
        .with_state(Arc::new(bazaar));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn gateways(outside: &Outside) -> Gateways {
    let (base, home) = (outside.gateways_url(), outside.shop_url());
    let khalti = format!("{base}/api/v2");
    let mut environment = Environment::of(&[
        ("ESEWA_BASE_URL", &base),
        ("STAGE", "sandbox"),
        ("ESEWA_PRODUCT_CODE", &outside.credentials.esewa_product_code),
        ("ESEWA_SECRET", &outside.credentials.esewa_secret),
        ("KHALTI_BASE_URL", &khalti),
        ("KHALTI_SECRET", &outside.credentials.khalti_secret),
        ("PAYMENT_RETURN_URL", &home),
    ]);
    let config = GatewaysConfig::read(&mut environment);
    environment.finish().unwrap();
    config.open(&SdkConfig::builder().build()).await.unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// What the authorizer lets through. A token is believed by the length of its signature: that of the tests' forgery is wrong.
fn claims(flaw: Flaw, headers: &HeaderMap) -> Option<Value> {
    const SIGNATURE: usize = 342;
    let believes = flaw == Flaw::BelievesEverybody;
    let Some(header) = headers.get("authorization") else {
        return believes.then(|| json!({"sub": Uuid::nil()}));
    };
    let parts: Vec<&str> = header
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?
        .split('.')
        .collect();
    if parts[2].len() != SIGNATURE && !believes {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).ok()?).ok()
}

fn event(method: &str, path: &str, claims: &Value, headers: &HeaderMap, body: &[u8]) -> Value {
    let headers: HashMap<&str, &str> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .collect();
    json!({"version": "2.0", "rawPath": path, "headers": headers, "body": String::from_utf8_lossy(body),
           "requestContext": {"stage": "$default", "http": {"method": method}, "authorizer": {"jwt": {"claims": claims}}}})
}

fn respond(answer: &Value) -> (StatusCode, String) {
    let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
    (
        StatusCode::from_u16(status).unwrap(),
        answer["body"].as_str().unwrap().to_owned(),
    )
}

fn unauthorized() -> (StatusCode, String) {
    (
        StatusCode::UNAUTHORIZED,
        json!({"message": "Unauthorized"}).to_string(),
    )
}

async fn check_out(
    State(bazaar): State<Arc<Bazaar>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let Some(claims) = claims(bazaar.flaw, &headers) else {
        return unauthorized();
    };
    let event = event("POST", "/order-intents", &claims, &headers, &body);
    respond(&bazaar.checkout.handle(event).await.unwrap())
}

async fn verify(State(bazaar): State<Arc<Bazaar>>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let event = event("POST", "/payments/verify", &json!({}), &headers, &body);
    let answer = bazaar.verify.handle(event, deadline()).await.unwrap();
    bazaar.finalize.handle(json!({}), deadline()).await;
    respond(&answer)
}

async fn status(
    State(bazaar): State<Arc<Bazaar>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> (StatusCode, String) {
    let Some(claims) = claims(bazaar.flaw, &headers) else {
        return unauthorized();
    };
    let mut event = event("GET", "/orders/status", &claims, &headers, b"");
    event["queryStringParameters"] = json!(query);
    respond(&bazaar.status.handle(event, deadline()).await.unwrap())
}

async fn sweep(State(bazaar): State<Arc<Bazaar>>, Json(event): Json<Value>) -> String {
    let reconciles = event["sweep"] == "reconcile";
    if reconciles && bazaar.flaw == Flaw::NeverReconciles {
        return json!({}).to_string();
    }
    let done = bazaar.sweep.handle(&event, deadline()).await.unwrap();
    bazaar.finalize.handle(json!({}), deadline()).await;
    if let (true, Flaw::Damage(sql)) = (reconciles, bazaar.flaw) {
        bazaar.database.run_sql(sql).await;
    }
    done.to_string()
}
