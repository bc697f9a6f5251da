//! The request, down to the raw bytes that were sent, with the buyer whom the authorizer let in.
//! Only the fields that are used are read, so that a gateway's novelties never fail a request.

use super::client;
use crate::ids::UserId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

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
    /// Whom the JWT's subject names ([`UserId::of_subject`]); none when there is no JWT, or it names no user.
    pub buyer: Option<UserId>,
    /// The subject as the JWT has it, where it is not the buyer's id itself.
    pub subject: Option<String>,
    /// The prefix of the address that the request came from, as API Gateway saw it; none when that is no address.
    pub client: Option<String>,
    /// The bytes as they were sent; none when they can't be told.
    pub body: Option<Vec<u8>>,
    headers: HashMap<String, String>,
    query: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpApiEvent {
    raw_path: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    query_string_parameters: Option<HashMap<String, String>>,
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
    #[serde(default, rename = "sourceIp")]
    source_ip: String,
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
        let (buyer, subject) = buyer(&context.authorizer).unzip();
        Ok(Self {
            method: context.http.method.to_ascii_uppercase(),
            path: without_stage(&event.raw_path, context.stage.as_deref()).to_owned(),
            buyer,
            subject: subject.flatten(),
            client: client::prefix(&context.http.source_ip),
            body: if event.is_base64_encoded {
                STANDARD.decode(&body).ok()
            } else {
                Some(body.into_bytes())
            },
            headers,
            query: event.query_string_parameters.unwrap_or_default(),
        })
    }

    /// The value of a header, named in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The value of a parameter in the address.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// What API Gateway's JWT authorizer verified; a header says nothing about who asks.
/// The buyer, and the subject where it is no UUID.
fn buyer(authorizer: &Value) -> Option<(UserId, Option<String>)> {
    let subject = authorizer.pointer("/jwt/claims/sub")?.as_str()?;
    let buyer = UserId::of_subject(subject)?;
    let own = Uuid::parse_str(subject).is_err().then(|| subject.to_owned());
    Some((buyer, own))
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

    fn event(authorizer: Value, body: &str, is_base64_encoded: bool) -> Value {
        json!({"version": "2.0", "rawPath": "/prod/order-intents", "headers": {"Idempotency-Key": "k"},
               "queryStringParameters": {"wait": "3"},
               "requestContext": {"stage": "prod", "http": {"method": "post"}, "authorizer": authorizer},
               "body": body, "isBase64Encoded": is_base64_encoded})
    }

    #[test]
    fn the_buyer_is_the_subject_that_the_authorizer_verified() {
        let buyer = Uuid::from_u128(7);
        let authorizer = json!({"jwt": {"claims": {"sub": buyer}}});
        let request = Request::decode(event(authorizer, "{}", false)).unwrap();
        assert_eq!((request.buyer, request.subject), (Some(UserId(buyer)), None));
    }

    #[test]
    fn a_subject_that_is_no_uuid_is_a_buyer_too_and_is_known_as_it_was() {
        for subject in ["admin", "auth0|6502c1d8e2", "00uid4BxXw6I6TV4m0g3", "7"] {
            let authorizer = json!({"jwt": {"claims": {"sub": subject}}});
            let request = Request::decode(event(authorizer, "", false)).unwrap();
            assert_eq!(request.buyer, UserId::of_subject(subject));
            assert_eq!(request.subject.as_deref(), Some(subject));
        }
    }

    #[test]
    fn without_a_subject_that_names_a_user_there_is_no_buyer() {
        for authorizer in [
            json!(null),
            json!({}),
            json!({"jwt": {"claims": {}}}),
            json!({"jwt": {"claims": {"sub": null}}}),
            json!({"jwt": {"claims": {"sub": ""}}}),
            json!({"jwt": {"claims": {"sub": " \n"}}}),
            json!({"jwt": {"claims": {"sub": "a\u{0}b"}}}),
        ] {
            let request = Request::decode(event(authorizer, "", false)).unwrap();
            assert_eq!((request.buyer, request.subject), (None, None));
        }
    }

    #[test]
    fn a_base64_body_gives_the_bytes_that_were_sent() {
        let body = |text: &str, encoded| Request::decode(event(json!(null), text, encoded)).unwrap().body;
        assert_eq!(body(&STANDARD.encode([0xff, 0x00]), true), Some(vec![0xff, 0x00]));
        assert_eq!(body("{}", false), Some(b"{}".to_vec()));
        assert_eq!(body("%%", true), None);
    }

    #[test]
    fn the_stage_is_no_part_of_the_path_and_headers_have_no_case() {
        let request = Request::decode(event(json!(null), "{}", false)).unwrap();
        assert_eq!(
            (
                request.method.as_str(),
                request.path.as_str(),
                request.header("idempotency-KEY"),
                request.parameter("wait")
            ),
            ("POST", "/order-intents", Some("k"), Some("3"))
        );
        assert_eq!(without_stage("/payments/x", Some("pay")), "/payments/x");
    }

    #[test]
    fn what_is_no_http_request_is_refused() {
        assert!(Request::decode(json!({"Records": []})).is_err());
    }
}
