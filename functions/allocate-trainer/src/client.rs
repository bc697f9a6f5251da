//! The admin service over HTTP: one client, built once, with a time limit on everything.

use crate::request::{Pair, TrainerRequest};
use makegood::config::{Environment, address};
use makegood::ids::{CorrelationId, derived_uuid};
use makegood::limits;
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder, Url, redirect};
use std::error::Error;
use std::time::Duration;

/// More of a body than this is not an allocation; the rest is not read.
const LONGEST_BODY: usize = 262_144;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address can't be used.
    #[error("ADMIN_SERVICE_URL must be an https:// URL, or http:// on this machine")]
    Url,
    /// TLS can't be set up.
    #[error("the HTTP client can't be built: {0}")]
    Build(#[from] reqwest::Error),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer, whatever it says.
    Answered {
        /// The HTTP status.
        status: u16,
        /// Its body, cut at 256 KiB.
        body: Vec<u8>,
    },
    /// Nothing within the time.
    TimedOut,
    /// No connection, or one that broke; why.
    Broken(String),
}

/// The admin service.
#[derive(Debug, Clone)]
pub struct AdminService {
    http: Client,
    base: Url,
    timeout: Duration,
}

impl AdminService {
    /// How long an answer may take (SPEC 3).
    pub const TIMEOUT: Duration = limits::ADMIN_SERVICE.operation;

    /// Reads `ADMIN_SERVICE_URL`; that it is an address is seen at the end of the reading ([`Environment::finish`]).
    pub fn read_url(environment: &mut Environment) -> String {
        environment.required("ADMIN_SERVICE_URL")
    }

    /// A client of the service at this address, whose calls may take this long. Connects nothing yet.
    ///
    /// # Errors
    /// When the address is none, or TLS can't be set up.
    pub fn at(url: &str, timeout: Duration) -> Result<Self, ClientError> {
        let base = address(url).ok_or(ClientError::Url)?;
        let http = Client::builder()
            .connect_timeout(limits::ADMIN_SERVICE.connect)
            .redirect(redirect::Policy::none())
            // Proxies would come from the environment behind config's back.
            .no_proxy()
            .build()?;
        Ok(Self { http, base, timeout })
    }

    /// How long one call may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Asks for a trainer, and waits no longer than this.
    pub async fn assign(&self, requested: &TrainerRequest, patience: Duration) -> Reply {
        let request = self
            .http
            .post(self.address("auto-assign"))
            .header("Idempotency-Key", idempotency_key(&requested.idempotency_key))
            .header("X-Correlation-Id", correlation(&requested.correlation_id))
            .json(&requested.body);
        send(request, patience).await
    }

    /// Asks for the allocations of a student and course, and waits no longer than this.
    pub async fn list(&self, pair: Pair, patience: Duration) -> Reply {
        let mut address = self.address("");
        address
            .query_pairs_mut()
            .append_pair("studentId", &pair.student.to_string())
            .append_pair("courseId", &pair.course.to_string());
        send(self.http.get(address), patience).await
    }

    fn address(&self, action: &str) -> Url {
        let path = format!(
            "{}/api/v1/admin/allocations/{action}",
            self.base.path().trim_end_matches('/')
        );
        let mut address = self.base.clone();
        address.set_path(path.trim_end_matches('/'));
        address
    }
}

async fn send(request: RequestBuilder, patience: Duration) -> Reply {
    match tokio::time::timeout(limits::at_most(patience), read(request)).await {
        Err(_) => Reply::TimedOut,
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) if error.is_timeout() => Reply::TimedOut,
        Ok(Err(error)) => Reply::Broken(describe(error)),
    }
}

async fn read(request: RequestBuilder) -> Result<Reply, reqwest::Error> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while body.len() < LONGEST_BODY
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(LONGEST_BODY);
    Ok(Reply::Answered { status, body })
}

/// The chain of causes, without the address: it may hold a login.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// An event id is any text; one that no header can carry goes as its UUIDv5, the same every time.
fn idempotency_key(event_id: &str) -> HeaderValue {
    header(event_id).unwrap_or_else(|| header_of_uuid(derived_uuid(event_id)))
}

fn correlation(correlation_id: &str) -> HeaderValue {
    header(correlation_id).unwrap_or_else(|| header_of_uuid(CorrelationId::from_text(correlation_id).0))
}

fn header(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

fn header_of_uuid(id: uuid::Uuid) -> HeaderValue {
    HeaderValue::from_str(&id.to_string()).unwrap_or(HeaderValue::from_static("unnamed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_keeps_the_services_own_path() {
        for base in ["https://admin.test/school", "https://admin.test/school/"] {
            let service = AdminService::at(base, AdminService::TIMEOUT).unwrap();
            let address = service.address("auto-assign");
            assert_eq!(
                address.as_str(),
                "https://admin.test/school/api/v1/admin/allocations/auto-assign"
            );
            assert_eq!(service.address("").path(), "/school/api/v1/admin/allocations");
        }
    }

    #[test]
    fn an_address_that_is_none_is_named_as_a_problem() {
        for wrong in ["admin.test:8080", "http://admin.test:8080"] {
            let mut environment = Environment::of(&[("ADMIN_SERVICE_URL", wrong)]);
            AdminService::read_url(&mut environment);
            assert!(
                environment
                    .finish()
                    .unwrap_err()
                    .to_string()
                    .contains("ADMIN_SERVICE_URL")
            );
        }
    }

    #[test]
    fn an_event_id_that_no_header_can_carry_keeps_a_key_of_its_own() {
        assert_eq!(idempotency_key("purchase-created-1"), "purchase-created-1");
        assert_eq!(idempotency_key("a\nb"), idempotency_key("a\nb"));
        assert_ne!(idempotency_key("a\nb"), idempotency_key("a\nc"));
    }

    #[tokio::test]
    async fn no_more_of_an_answer_is_read_than_the_service_has_to_say() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap();
            // Whoever has read enough goes away.
            let _ = (0..100_000).try_for_each(|_| stream.write_all(&[b'x'; 1024]));
        });
        let patience = Duration::from_secs(5);
        let service = AdminService::at(&url, patience).unwrap();
        let request = service.http.get(service.address(""));
        let Reply::Answered { status: 200, body } = send(request, patience).await else {
            panic!("an answer")
        };
        assert_eq!(body.len(), LONGEST_BODY);
    }
}
