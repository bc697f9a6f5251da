//! The `verify-payment` function: asks the gateway itself what became of a payment, and hands a paid one on.

use makegood::delivery::Deadline;
use makegood::http::{Answer, Request, RequestError};
use makegood::verification::Verifier;
use serde_json::Value;

/// The function's name, the dimension of its metrics.
pub const NAME: &str = "verify-payment";

/// The function with all that it needs.
#[derive(Debug)]
pub struct VerifyPayment {
    /// The stage that asks and records.
    pub verifier: Verifier,
}

impl VerifyPayment {
    /// Handles one HTTP request, and gives back the HTTP response.
    ///
    /// # Errors
    /// When the event is no HTTP request at all.
    pub async fn handle(&self, event: Value, _deadline: Deadline) -> Result<Value, RequestError> {
        let _request = Request::decode(event)?;
        let message = "payments can't be verified now; come again";
        Ok(Answer::unavailable(message).to_http_api())
    }
}
