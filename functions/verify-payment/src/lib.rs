//! The `verify-payment` function: asks the gateway itself what became of a payment, and hands a paid one on. It needs no login,
//! since the buyer comes back from another site, and so it tells everybody the same, and nothing personal.

mod columns;
mod question;
mod respond;

pub use columns::COLUMNS;
pub use question::{BadQuestion, LONGEST_BODY};

use makegood::db::{classify, describe};
use makegood::delivery::Deadline;
use makegood::http::{Answer, Request, RequestError};
use makegood::telemetry;
use makegood::throttle::{self, Throttle};
use makegood::verification::{Payment, Verifier};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The function's name, the dimension of its metrics.
pub const NAME: &str = "verify-payment";
/// How often one address may ask unless `VERIFY_REQUESTS_PER_MINUTE` says otherwise: a page asks every two seconds, and a whole
/// district of a mobile network can have one address.
pub const REQUESTS_PER_MINUTE: u32 = 240;
const PATH: &str = "/payments/verify";
/// How long a caller waits for the answer that another caller is getting: a little longer than a gateway may take.
const PATIENCE: Duration = Duration::from_secs(11);
/// Kept back of the invocation's time for the answer.
const RESERVE: Duration = Duration::from_secs(1);

/// The function with all that it needs.
#[derive(Debug)]
pub struct VerifyPayment {
    /// The stage that asks and records.
    pub verifier: Verifier,
    /// How often one address may ask.
    pub throttle: Throttle,
}

impl VerifyPayment {
    /// Handles one HTTP request, and gives back the HTTP response.
    ///
    /// # Errors
    /// When the event is no HTTP request at all.
    pub async fn handle(&self, event: Value, deadline: Deadline) -> Result<Value, RequestError> {
        let started = Instant::now();
        let request = Request::decode(event)?;
        let answer = match self.read(&request).await {
            Ok(payment) => self.verify_unless_too_often(&request, &payment, deadline).await,
            Err(answer) => answer,
        };
        telemetry::stage_finished(started.elapsed());
        Ok(answer.to_http_api())
    }

    async fn read(&self, request: &Request) -> Result<Payment, Answer> {
        if request.path != PATH {
            return Err(Answer::not_found("POST /payments/verify"));
        }
        if request.method != "POST" {
            return Err(Answer::method_not_allowed("POST"));
        }
        let body = request.body.as_deref().ok_or_else(Answer::undecodable)?;
        if body.len() > LONGEST_BODY {
            return Err(Answer::too_large(LONGEST_BODY));
        }
        let read = question::read(body, &self.verifier.gateways.esewa).await;
        read.map_err(|bad| {
            tracing::warn!(code = bad.code(), reason = %bad, "nothing to verify");
            respond::refused(&bad)
        })
    }

    async fn verify_unless_too_often(
        &self,
        request: &Request,
        payment: &Payment,
        deadline: Deadline,
    ) -> Answer {
        let client = request.client.as_deref();
        match self.throttle.refuse(&self.verifier.database, client).await {
            Some(left) => throttle::too_often(left),
            None => self.verify(payment, deadline).await,
        }
    }

    async fn verify(&self, payment: &Payment, deadline: Deadline) -> Answer {
        let patience = PATIENCE.min(deadline.remaining().saturating_sub(RESERVE));
        match self.verifier.verify(payment, patience).await {
            Ok(outcome) => respond::outcome(&outcome, payment.provider),
            Err(error) => {
                let code = classify(&error).code();
                tracing::error!(
                    code,
                    error = describe(&error),
                    "payment not verified; the caller is asked to come again, the sweep asks too"
                );
                Answer::unavailable("the payment can't be verified now; ask again")
            }
        }
    }
}
