//! The HTTP request as an HTTP API hands it over (payload 2.0), down to the raw bytes that were signed.
//! Only the five fields that are used are read, so that a gateway's novelties never fail a payment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// The longest body that is read, in bytes; a payment has about two thousand.
pub const LONGEST_BODY: usize = 262_144;

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
        Ok(Self {
            method: event.request_context.http.method.to_ascii_uppercase(),
            path: without_stage(&event.raw_path, event.request_context.stage.as_deref()).to_owned(),
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

    fn event(body: &str, is_base64_encoded: bool) -> Value {
        json!({"version": "2.0", "rawPath": "/prod/payments/confirmations", "headers": {"X-Makegood-Signature": "ab"},
               "requestContext": {"stage": "prod", "http": {"method": "post"}}, "body": body,
               "isBase64Encoded": is_base64_encoded})
    }

    #[test]
    fn a_base64_body_gives_the_bytes_that_were_signed() {
        let request = Request::decode(event(&STANDARD.encode([0xff, 0x00]), true)).unwrap();
        assert_eq!(request.body, Some(vec![0xff, 0x00]));
        assert_eq!(
            Request::decode(event("{}", false)).unwrap().body,
            Some(b"{}".to_vec())
        );
        assert_eq!(Request::decode(event("%%", true)).unwrap().body, None);
    }

    #[test]
    fn the_stage_is_no_part_of_the_path_and_headers_have_no_case() {
        let request = Request::decode(event("{}", false)).unwrap();
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/payments/confirmations")
        );
        assert_eq!(request.header("x-makegood-SIGNATURE"), Some("ab"));
        assert_eq!(without_stage("/payments/x", Some("pay")), "/payments/x");
    }

    #[test]
    fn what_is_no_http_request_is_refused() {
        assert!(Request::decode(json!({"Records": []})).is_err());
    }
}
