//! The gateway's question before every request: who is this? Answered in the simple form of payload 2.0.

use super::token::{Denied, Verifier};
use super::{Seal, is_returning, token_of};
use crate::http::{CookieNames, Request};
use serde_json::{Value, json};

/// Whether the request may pass on to the function: an operator's, or that of a browser whose login has ended, which the function
/// sends to log in again with what was typed.
///
/// # Errors
/// When the issuer can't be asked, so that the gateway's own error rings the alarm rather than everybody seeming a stranger.
pub(crate) async fn authorize(verifier: &Verifier, seal: &Seal, request: &Request) -> Result<Value, Denied> {
    let names = CookieNames::of(&request.origin());
    match verifier.operator(token_of(request, &names)).await {
        Ok(operator) => Ok(json!({"isAuthorized": true, "context": {"operator": operator.actor}})),
        Err(Denied::Issuer(error)) => Err(Denied::Issuer(error)),
        Err(Denied::NoToken | Denied::Expired)
            if is_returning(seal, request.cookie(names.returning), verifier.clock.now()) =>
        {
            Ok(json!({"isAuthorized": true, "context": {"operator": "none, the login has ended"}}))
        }
        Err(denied) => {
            tracing::info!(%denied, "the gateway is told to refuse");
            Ok(json!({"isAuthorized": false, "context": {}}))
        }
    }
}
