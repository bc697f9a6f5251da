//! The HTTP request as an HTTP API hands it over (payload 2.0), with the buyer whom the authorizer let in.
//! Only the fields that are used are read.

use makegood::ids::UserId;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// The longest that a request is held.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);

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
    query: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpApiEvent {
    raw_path: String,
    #[serde(default)]
    query_string_parameters: Option<HashMap<String, String>>,
    request_context: Context,
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
        let context = event.request_context;
        Ok(Self {
            method: context.http.method.to_ascii_uppercase(),
            path: without_stage(&event.raw_path, context.stage.as_deref()).to_owned(),
            buyer: subject(&context.authorizer),
            query: event.query_string_parameters.unwrap_or_default(),
        })
    }

    /// The intent that is asked about; none when it is not named.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        const LONGEST: usize = 200;
        let id = self.query.get("payment_intent_id").map(|id| id.trim());
        id.filter(|id| !id.is_empty() && id.len() <= LONGEST && !id.contains('\0'))
    }

    /// How long the request may be held: whole seconds, cut at [`LONGEST_WAIT`], zero unless asked for. None when it is
    /// no such number.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        let Some(text) = self.query.get("wait") else {
            return Some(Duration::ZERO);
        };
        let seconds: u64 = text.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
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

    fn request(query: Value) -> Request {
        Request::decode(
            json!({"rawPath": "/orders/status", "queryStringParameters": query,
                               "requestContext": {"http": {"method": "GET"}}}),
        )
        .unwrap()
    }

    #[test]
    fn a_wait_is_whole_seconds_and_never_over_five() {
        for (wait, seconds) in [("0", 0), ("3", 3), ("5", 5), ("60", 5)] {
            let wait = request(json!({"wait": wait})).wait();
            assert_eq!(wait, Some(Duration::from_secs(seconds)));
        }
        assert_eq!(request(json!({})).wait(), Some(Duration::ZERO));
        for wait in ["", "-1", "soon", "1.5"] {
            assert_eq!(request(json!({"wait": wait})).wait(), None, "{wait:?}");
        }
    }

    #[test]
    fn an_intent_that_can_not_be_one_is_not_named() {
        for query in [
            json!(null),
            json!({"payment_intent_id": " "}),
            json!({"payment_intent_id": "a\u{0}"}),
        ] {
            assert_eq!(request(query).payment_intent_id(), None);
        }
    }
}
