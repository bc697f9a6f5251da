//! An answer on its way out, always JSON and never cached. An error says what to do, and in which field.

use serde_json::{Value, json};

/// An answer on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON that is sent.
    pub body: Value,
    allow: Option<&'static str>,
    retry_after_seconds: Option<u64>,
}

impl Answer {
    /// This status with this body.
    #[must_use]
    pub const fn of(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            allow: None,
            retry_after_seconds: None,
        }
    }

    /// `{"error": {code, message, field?}}`: the code is stable, the message is for a person.
    #[must_use]
    pub fn error(status: u16, code: &str, field: Option<&str>, message: &str) -> Self {
        let mut error = json!({"code": code, "message": message});
        if let Some(field) = field {
            error["field"] = json!(field);
        }
        Self::of(status, json!({"error": error}))
    }

    /// 400: the transport encoding is broken, so the bytes that were sent can't be told.
    #[must_use]
    pub fn undecodable() -> Self {
        let message = "the body is marked as base64 and is none";
        Self::error(400, "unreadable_body", None, message)
    }

    /// 401: it is not known who asks.
    #[must_use]
    pub fn unknown_buyer() -> Self {
        let message = "sign in; the token must name the user as its subject";
        Self::error(401, "unauthorized", None, message)
    }

    /// 404 for a path that is not served; `see` names those that are.
    #[must_use]
    pub fn not_found(see: &str) -> Self {
        Self::error(
            404,
            "not_found",
            None,
            &format!("there is nothing here; see {see}"),
        )
    }

    /// 405 for another method than this one.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("send it with {allow}");
        let answer = Self::error(405, "method_not_allowed", None, &message);
        Self {
            allow: Some(allow),
            ..answer
        }
    }

    /// 413 for a body of more than so many bytes.
    #[must_use]
    pub fn too_large(longest: usize) -> Self {
        let message = format!("the body may have {longest} bytes");
        Self::error(413, "body_too_large", None, &message)
    }

    /// 429: this client has asked too often, or holds too much; it may come again after so many seconds.
    #[must_use]
    pub fn too_many(code: &str, message: &str, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::error(429, code, None, message)
        }
    }

    /// 503: come again.
    #[must_use]
    pub fn unavailable(message: &str) -> Self {
        Self::error(503, "unavailable", None, message)
    }

    /// As an HTTP API takes it.
    #[must_use]
    pub fn to_http_api(&self) -> Value {
        let mut headers = json!({"content-type": "application/json", "cache-control": "no-store"});
        if let Some(allow) = self.allow {
            headers["allow"] = json!(allow);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers["retry-after"] = json!(seconds.to_string());
        }
        json!({"statusCode": self.status, "headers": headers, "body": self.body.to_string(), "isBase64Encoded": false})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_code_and_its_field_and_is_never_cached() {
        let sent = Answer::error(400, "invalid_request", Some("pidx"), "pidx is missing").to_http_api();
        assert_eq!(
            (&sent["statusCode"], &sent["headers"]["cache-control"]),
            (&json!(400), &json!("no-store"))
        );
        let body: Value = serde_json::from_str(sent["body"].as_str().unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"error": {"code": "invalid_request", "field": "pidx", "message": "pidx is missing"}})
        );
    }

    #[test]
    fn who_came_too_often_is_told_when_to_come_again() {
        let sent = Answer::too_many("too_many_requests", "wait", 7).to_http_api();
        assert_eq!(
            (&sent["statusCode"], &sent["headers"]["retry-after"]),
            (&json!(429), &json!("7"))
        );
    }

    #[test]
    fn what_is_not_allowed_says_what_is() {
        let sent = Answer::method_not_allowed("POST").to_http_api();
        assert_eq!(
            (&sent["statusCode"], &sent["headers"]["allow"]),
            (&json!(405), &json!("POST"))
        );
    }
}
