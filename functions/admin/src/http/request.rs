//! The HTTP request as an HTTP API hands it over (payload 2.0). The event of its authorizer has the same fields, so one
//! reader serves both. Only the fields that are used are read.

use super::form::Form;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// The most bytes of a body: an edited message of 1 MiB (SQS's limit), percent-encoded.
pub const LARGEST_BODY: usize = 3 * 1024 * 1024 + 64 * 1024;

/// Why an invocation is no HTTP request. It fails as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not the payload of an HTTP API.
    #[error("the event is no HTTP API request, payload format 2.0 (see events/ for a sample): {0}")]
    Shape(#[from] serde_json::Error),
}

/// One HTTP request, or one question of the gateway's authorizer about it.
#[derive(Debug, Clone)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Without the stage.
    pub path: String,
    /// The query's fields.
    pub query: Form,
    /// The body; none when it is larger than [`LARGEST_BODY`] or no text.
    pub body: Option<String>,
    /// The host that was asked, as API Gateway knows it.
    pub host: String,
    /// Whether the gateway asks who this is, rather than the person for a page.
    pub is_authorizer: bool,
    headers: HashMap<String, String>,
    cookies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpApiEvent {
    #[serde(rename = "type")]
    kind: Option<String>,
    raw_path: String,
    #[serde(default)]
    raw_query_string: Option<String>,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    request_context: Context,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    http: Http,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    domain_name: Option<String>,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

impl Request {
    /// Reads the event of an HTTP API, or of its authorizer.
    ///
    /// # Errors
    /// When it is neither.
    pub fn decode(event: Value) -> Result<Self, RequestError> {
        let event: HttpApiEvent = serde_json::from_value(event)?;
        let context = event.request_context;
        let headers: HashMap<String, String> = event
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let cookies = event.cookies.unwrap_or_else(|| {
            let header = headers.get("cookie").map(String::as_str).unwrap_or_default();
            header.split(';').map(|cookie| cookie.trim().to_owned()).collect()
        });
        let host = host_of(headers.get("host"), context.domain_name);
        Ok(Self {
            method: context.http.method.to_ascii_uppercase(),
            path: without_stage(&event.raw_path, context.stage.as_deref()).to_owned(),
            query: Form::parse(event.raw_query_string.as_deref().unwrap_or_default()),
            body: text_of(event.body, event.is_base64_encoded),
            host,
            is_authorizer: event.kind.as_deref() == Some("REQUEST"),
            headers,
            cookies,
        })
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// A cookie's value.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.cookies.iter().filter_map(|cookie| cookie.split_once('='));
        pairs
            .into_iter()
            .find(|(found, _)| found.trim() == name)
            .map(|(_, value)| value)
    }

    /// The path's segments after `/admin`; none for a path outside of it. An encoded slash stays within its segment.
    #[must_use]
    pub fn segments(&self) -> Option<Vec<String>> {
        let rest = self.path.strip_prefix("/admin")?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let segments = rest.split('/').filter(|segment| !segment.is_empty());
        let decode = |segment: &str| {
            percent_encoding::percent_decode_str(segment)
                .decode_utf8_lossy()
                .into_owned()
        };
        Some(segments.map(decode).collect())
    }

    /// Where this request's own origin is: `https`, or `http` on the loopback, where no certificate can be had.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if is_loopback(&self.host) { "http" } else { "https" };
        format!("{scheme}://{}", self.host)
    }

    /// Whether another site's page or link led here, as the browser says. A browser that does not say so counts as none.
    #[must_use]
    pub fn is_from_another_site(&self) -> bool {
        self.header("sec-fetch-site") == Some("cross-site")
    }

    /// Path and query, to come back to.
    #[must_use]
    pub fn address(&self) -> String {
        let query = self.query.encode();
        if query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{query}", self.path)
        }
    }
}

/// The host that the gateway itself answers for; what a client writes into `Host` counts only on this machine, where an emulator calls
/// itself otherwise, and where the gateway says nothing.
fn host_of(header: Option<&String>, gateways: Option<String>) -> String {
    let local = header.filter(|host| is_loopback(host)).cloned();
    local.or(gateways).or_else(|| header.cloned()).unwrap_or_default()
}

/// Whether this host, with or without a port, is this very machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.ends_with(".localhost") || name == "127.0.0.1" || name == "::1"
}

fn text_of(body: Option<String>, is_base64: bool) -> Option<String> {
    let body = body.unwrap_or_default();
    // Base64 adds a third.
    if body.len() > LARGEST_BODY / 3 * 4 + 4 {
        return None;
    }
    let text = if is_base64 {
        String::from_utf8(STANDARD.decode(body).ok()?).ok()?
    } else {
        body
    };
    (text.len() <= LARGEST_BODY).then_some(text)
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

    fn request(event: Value) -> Request {
        let mut whole = json!({"rawPath": "/admin", "requestContext": {"http": {"method": "GET"}}});
        for (name, value) in event.as_object().unwrap() {
            whole[name] = value.clone();
        }
        Request::decode(whole).unwrap()
    }

    #[test]
    fn the_origin_is_the_gateways_and_not_what_a_client_writes_into_host() {
        let named = |host: &str, gateway: &str| {
            let context = json!({"http": {"method": "GET"}, "domainName": gateway});
            request(json!({"headers": {"Host": host}, "requestContext": context})).origin()
        };
        assert_eq!(
            named("evil.example", "console.example"),
            "https://console.example"
        );
        assert_eq!(
            named("console.example", "console.example"),
            "https://console.example"
        );
        assert_eq!(
            named("127.0.0.1:8080", "abc.execute-api.example"),
            "http://127.0.0.1:8080"
        );
        assert_eq!(
            named("127.0.0.1.evil.example", "console.example"),
            "https://console.example"
        );
        assert_eq!(
            request(json!({"headers": {"Host": "console.example"}})).origin(),
            "https://console.example"
        );
    }

    #[test]
    fn only_the_loopback_is_spoken_to_without_tls() {
        for (host, origin) in [
            ("shop.example", "https://shop.example"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("api.localhost:4566", "http://api.localhost:4566"),
            ("[::1]:80", "http://[::1]:80"),
            ("localhost.example", "https://localhost.example"),
            ("127.0.0.1.example", "https://127.0.0.1.example"),
        ] {
            assert_eq!(request(json!({"headers": {"Host": host}})).origin(), origin);
        }
    }

    #[test]
    fn an_encoded_slash_does_not_make_a_segment() {
        let request = request(json!({"rawPath": "/admin/jobs/a%2Fb"}));
        assert_eq!(request.segments().unwrap(), ["jobs", "a/b"]);
    }

    #[test]
    fn a_path_that_only_begins_alike_is_outside() {
        assert_eq!(request(json!({"rawPath": "/administrator"})).segments(), None);
    }

    #[test]
    fn a_body_over_the_limit_is_not_read() {
        let body = "a".repeat(LARGEST_BODY + 1);
        assert_eq!(request(json!({"body": body})).body, None);
        let body = STANDARD.encode("a".repeat(LARGEST_BODY));
        assert!(
            request(json!({"body": body, "isBase64Encoded": true}))
                .body
                .is_some()
        );
    }
}
