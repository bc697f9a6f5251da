//! The answers, as an HTTP API takes them, each with the headers that keep a browser careful.

use serde_json::{Map, Value, json};

/// Nothing is loaded but our own style sheet and pictures; nothing runs; nothing frames us; forms go only to us.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                                       frame-ancestors 'none'; base-uri 'none'";
const HTML: &str = "text/html; charset=utf-8";

/// An answer on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    content_type: &'static str,
    cache: &'static str,
    location: Option<String>,
    allow: Option<&'static str>,
    cookies: Vec<String>,
    body: String,
}

impl Answer {
    /// A page.
    #[must_use]
    pub fn html(status: u16, body: String) -> Self {
        Self {
            status,
            content_type: HTML,
            cache: "no-store",
            location: None,
            allow: None,
            cookies: Vec::new(),
            body,
        }
    }

    /// A file whose name changes with its content, so that a browser may keep it for good.
    #[must_use]
    pub fn asset(content_type: &'static str, body: &str) -> Self {
        let cache = "public, max-age=31536000, immutable";
        Self {
            content_type,
            cache,
            ..Self::html(200, body.to_owned())
        }
    }

    /// 303: look there now. The address is ours, or the issuer's.
    #[must_use]
    pub fn see_other(address: &str) -> Self {
        // A header has no line breaks; what could make one is no address.
        let location = address
            .chars()
            .filter(|character| !character.is_control())
            .collect();
        Self {
            location: Some(location),
            ..Self::html(303, String::new())
        }
    }

    /// With a cookie set or removed.
    #[must_use]
    pub fn with_cookie(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// With the methods that this address takes.
    #[must_use]
    pub fn allowing(self, methods: &'static str) -> Self {
        Self {
            allow: Some(methods),
            ..self
        }
    }

    /// As an HTTP API takes it (payload 2.0).
    #[must_use]
    pub fn to_http_api(&self) -> Value {
        let mut headers = Map::new();
        let mut set = |name: &str, value: &str| headers.insert(name.to_owned(), json!(value));
        set("content-type", self.content_type);
        set("cache-control", self.cache);
        set("content-security-policy", CONTENT_SECURITY_POLICY);
        set("x-content-type-options", "nosniff");
        // Not `no-referrer`: with it a browser sends `Origin: null` with our own forms.
        set("referrer-policy", "same-origin");
        set("strict-transport-security", "max-age=31536000");
        set("cross-origin-opener-policy", "same-origin");
        set("permissions-policy", "camera=(), geolocation=(), microphone=()");
        if let Some(location) = &self.location {
            set("location", location);
        }
        if let Some(allow) = self.allow {
            set("allow", allow);
        }
        let mut answer = json!({"statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": false});
        if !self.cookies.is_empty() {
            answer["cookies"] = json!(self.cookies);
        }
        answer
    }
}
