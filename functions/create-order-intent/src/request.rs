//! The HTTP request as an HTTP API hands it over (payload 2.0), with the buyer whom the authorizer let in.
//! Only the fields that are used are read, so that a gateway's novelties never fail a checkout.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood::ids::UserId;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// The longest body that is read, in bytes; an address has about five hundred.
pub const LONGEST_BODY: usize = 65_536;

/// Why an invocation is no HTTP request. It fails as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not the payload of an HTTP API.
    #[error("the event is no HTTP API request, payload format 2.0 (see events/ for a sample): {0}")]
    Shape(#[from] serde_json::Error),
}

/// One HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Without the stage.
    pub path: String,
    /// The JWT's subject; none when there is no JWT, or its subject is no UUID.
    pub buyer: Option<UserId>,
    /// The bytes as they were sent; none when they can't be told.
    pub body: Option<Vec<u8>>,
    headers: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpApiEvent {
    raw_path: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    request_context: Context,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Context {
    http: Http,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    authorizer: Value,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

impl Request {
    /// Reads the event of an HTTP API.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(event: Value) -> Result<Self, RequestError> {
        let event: HttpApiEvent = serde_json::from_value(event)?;
        let headers = event
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let body = event.body.unwrap_or_default();
        let context = event.request_context;
        Ok(Self {
            method: context.http.method.to_ascii_uppercase(),
            path: without_stage(&event.raw_path, context.stage.as_deref()).to_owned(),
            buyer: subject(&context.authorizer),
            body: if event.is_base64_encoded {
                STANDARD.decode(&body).ok()
            } else {
                Some(body.into_bytes())
            },
            headers,
        })
    }

    /// The value of a header, named in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }
}

/// What API Gateway's JWT authorizer verified; a header says nothing about who somebody is.
fn subject(authorizer: &Value) -> Option<UserId> {
    let subject = authorizer.pointer("/jwt/claims/sub")?.as_str()?;
    Uuid::parse_str(subject).ok().map(UserId)
}

/// A named stage is part of the raw path; `$default` is not.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let Some(stage) = stage.filter(|stage| *stage != "$default") else {
        return path;
    };
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(authorizer: Value) -> Value {
        json!({"version": "2.0", "rawPath": "/prod/order-intents", "headers": {"Idempotency-Key": "k"},
               "requestContext": {"stage": "prod", "http": {"method": "post"}, "authorizer": authorizer},
               "body": "e30=", "isBase64Encoded": true})
    }

    #[test]
    fn the_buyer_is_the_subject_that_the_authorizer_verified() {
        let buyer = Uuid::from_u128(7);
        let request = Request::decode(event(json!({"jwt": {"claims": {"sub": buyer}}}))).unwrap();
        assert_eq!(request.buyer, Some(UserId(buyer)));
        assert_eq!(
            (
                request.method.as_str(),
                request.path.as_str(),
                request.header("idempotency-key")
            ),
            ("POST", "/order-intents", Some("k"))
        );
        assert_eq!(request.body, Some(b"{}".to_vec()));
    }

    #[test]
    fn without_a_subject_that_is_a_uuid_there_is_no_buyer() {
        for authorizer in [
            json!(null),
            json!({}),
            json!({"jwt": {"claims": {"sub": "admin"}}}),
        ] {
            assert_eq!(Request::decode(event(authorizer)).unwrap().buyer, None);
        }
    }
}
