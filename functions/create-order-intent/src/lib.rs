//! The `create-order-intent` function: reserves the buyer's cart, all of it or nothing, opens the payment at the gateway,
//! and says where to pay.

pub mod cart;
pub mod checkout;
mod columns;
pub mod limits;
mod name;
pub mod open;
mod plain;
pub mod price;
pub mod request;
mod respond;
pub mod stage;
mod store;
mod tries;
mod typed;

pub use columns::COLUMNS;
pub use name::NAME;

use checkout::Checkout;
use chrono::TimeDelta;
use limits::Limits;
use makegood::clock::Clock;
use makegood::db::{Database, classify, describe};
use makegood::gateway::Gateways;
use makegood::http::{Answer, Request, RequestError};
use makegood::ids::UserId;
use makegood::telemetry;
use request::CheckoutRequest;
use serde_json::Value;
use stage::{Outcome, Stage};
use std::time::Instant;

const PATH: &str = "/order-intents";
/// The longest body that is read, in bytes; an address has about five hundred.
const LONGEST_BODY: usize = 65_536;
const KEY_HEADER: &str = "Idempotency-Key";
const LONGEST_KEY: usize = 200;

/// [`CreateOrderIntent::price_grace`] where nothing else is configured.
pub const PRICE_GRACE: TimeDelta = TimeDelta::minutes(120);

/// The function with all that it needs.
#[derive(Debug)]
pub struct CreateOrderIntent {
    /// The database.
    pub database: Database,
    /// eSewa and Khalti.
    pub gateways: Gateways,
    /// How much one buyer and one address may hold.
    pub limits: Limits,
    /// For how long after its payment link a checkout's prices hold.
    pub price_grace: TimeDelta,
    /// The time.
    pub clock: Clock,
}

impl CreateOrderIntent {
    /// Handles one HTTP request, and gives back the HTTP response.
    ///
    /// # Errors
    /// When the event is no HTTP request at all.
    pub async fn handle(&self, event: Value) -> Result<Value, RequestError> {
        let started = Instant::now();
        let request = Request::decode(event)?;
        let answer = match read(&request) {
            Ok(requested) => self.check_out(&requested).await,
            Err(answer) => answer,
        };
        telemetry::stage_finished(started.elapsed());
        Ok(answer.to_http_api())
    }

    async fn check_out(&self, requested: &CheckoutRequest) -> Answer {
        let stage = Stage {
            database: &self.database,
            gateways: &self.gateways,
            limits: self.limits,
            price_grace: self.price_grace,
            now: self.clock.now(),
        };
        match stage.check_out(requested).await {
            Ok(outcome) => {
                note(&outcome);
                respond::outcome(&outcome)
            }
            Err(error) => {
                let code = classify(&error).code();
                tracing::error!(
                    function = NAME,
                    code,
                    error = describe(&error),
                    "checkout not made; the buyer is asked to try again"
                );
                respond::unavailable()
            }
        }
    }
}

fn read(request: &Request) -> Result<CheckoutRequest, Answer> {
    if request.path != PATH {
        return Err(Answer::not_found("POST /order-intents"));
    }
    if request.method != "POST" {
        return Err(Answer::method_not_allowed("POST"));
    }
    let buyer: UserId = request.buyer.ok_or_else(Answer::unknown_buyer)?;
    let body = request.body.as_deref().ok_or_else(Answer::undecodable)?;
    if body.len() > LONGEST_BODY {
        return Err(Answer::too_large(LONGEST_BODY));
    }
    let key = read_key(request)?;
    let checkout = Checkout::read(body).map_err(|bad| respond::bad_input(&bad))?;
    Ok(CheckoutRequest {
        buyer,
        subject: request.subject.clone(),
        key,
        client: request.client.clone(),
        checkout,
    })
}

fn read_key(request: &Request) -> Result<Option<String>, Answer> {
    let Some(key) = request.header(KEY_HEADER).map(str::trim) else {
        return Ok(None);
    };
    if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(respond::bad_key());
    }
    Ok(Some(key.to_owned()))
}

fn note(outcome: &Outcome) {
    match outcome {
        Outcome::Opened(intent) => tracing::info!(
            function = NAME,
            correlation_id = intent.id,
            provider = intent.provider,
            amount_cents = intent.amount_minor,
            "checkout reserved and opened"
        ),
        Outcome::GatewayFailed {
            intent_id,
            error: Some(error),
        } => tracing::error!(
            function = NAME,
            correlation_id = intent_id,
            code = error.code(),
            %error,
            "the gateway did not open the payment; its stock is free again"
        ),
        // Told by the request that met it.
        Outcome::GatewayFailed { error: None, .. } => {}
        Outcome::Short(short) => {
            tracing::info!(
                function = NAME,
                variants = short.len(),
                "checkout refused, not enough in stock"
            );
        }
        Outcome::Refused(refusal) => tracing::info!(function = NAME, reason = %refusal, "checkout refused"),
        Outcome::PriceChanged(changed) => tracing::info!(
            function = NAME,
            seen_cents = changed.seen_minor,
            amount_cents = changed.amount_minor,
            "checkout refused, the cart costs more than its buyer was shown"
        ),
        Outcome::TooMuch(too_much) => {
            metrics::counter!("CheckoutsRefused").increment(1);
            tracing::info!(
                function = NAME,
                ?too_much,
                "checkout refused, the buyer or the address holds too much"
            );
        }
        Outcome::KeyReused => tracing::info!(function = NAME, "idempotency key used for another checkout"),
        Outcome::BeingMade(intent) => tracing::info!(
            function = NAME,
            correlation_id = intent.id,
            "checkout refused, the cart is paid and its order is being made"
        ),
        Outcome::Ended(intent) => tracing::info!(
            function = NAME,
            correlation_id = intent.id,
            status = intent.status,
            "checkout asked for again after its end"
        ),
    }
}
