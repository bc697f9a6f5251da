//! What API Gateway does between a caller and the environments of a function.

use super::{Environments, Slot};
use makegood_tests::environment::Outcome;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// What a caller gets. 502 and 504 are the gateway's own, as when an environment dies or its time is up.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u64,
    /// The body, when it is JSON.
    pub body: Value,
}

impl ApiAnswer {
    fn of(outcome: Outcome) -> Self {
        let status = match &outcome {
            Outcome::Answered(answer) => answer["statusCode"].as_u64().unwrap_or(502),
            Outcome::TimedOut => 504,
            Outcome::FunctionError(_) | Outcome::Died(_) => 502,
        };
        let body = match &outcome {
            Outcome::Answered(answer) => answer["body"].as_str().unwrap_or_default(),
            _ => "",
        };
        Self {
            status,
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        }
    }
}

/// One request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// The query, as it stands in the address.
    pub query: String,
    /// Headers, in small dead letters.
    pub headers: Vec<(&'static str, String)>,
    /// Cookies.
    pub cookies: Vec<String>,
    /// The body.
    pub body: String,
    /// Who is logged in, as the authorizer verified it.
    pub subject: Option<String>,
}

impl Request {
    fn event(&self) -> Value {
        let headers: BTreeMap<&str, &str> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut event = json!({
            "version": "2.0", "routeKey": format!("{} {}", self.method, self.path), "rawPath": self.path,
            "rawQueryString": self.query, "headers": headers, "cookies": self.cookies, "isBase64Encoded": false,
            "requestContext": {"accountId": "000000000000", "apiId": "chaos", "domainName": "api.example.com",
                "stage": "$default", "requestId": "r", "routeKey": format!("{} {}", self.method, self.path),
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                         "userAgent": "chaos"}},
        });
        if !self.body.is_empty() {
            event["body"] = json!(self.body);
        }
        let parameters: BTreeMap<&str, &str> = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        event["queryStringParameters"] = json!(parameters);
        if let Some(subject) = &self.subject {
            event["requestContext"]["authorizer"] =
                json!({"jwt": {"claims": {"sub": subject}, "scopes": null}});
        }
        event
    }
}

/// The environments of one function that is called over HTTP.
#[derive(Debug)]
pub struct Api {
    environments: Arc<Environments>,
    free: Mutex<VecDeque<Arc<Slot>>>,
    places: Arc<Semaphore>,
}

impl Api {
    /// In front of this function.
    #[must_use]
    pub fn of(environments: &Arc<Environments>, function: &str) -> Arc<Self> {
        let slots: VecDeque<Arc<Slot>> = environments.of_function(function).cloned().collect();
        Arc::new(Self {
            environments: Arc::clone(environments),
            places: Arc::new(Semaphore::new(slots.len())),
            free: Mutex::new(slots),
        })
    }

    /// Calls the function; none when the caller hung up after this time. The invocation goes to its end all the same. Lambda
    /// would start another environment where all are at work; here the caller waits, which is no part of its patience.
    pub async fn call(self: &Arc<Self>, request: &Request, patience: Duration) -> Option<ApiAnswer> {
        let invocation = self.begin(request.event()).await?;
        let outcome = tokio::time::timeout(patience, invocation).await.ok()?;
        Some(ApiAnswer::of(outcome.unwrap_or(Outcome::TimedOut)))
    }

    /// Invokes the function with an event that is no HTTP request.
    pub async fn run(self: &Arc<Self>, event: Value) -> Outcome {
        match self.begin(event).await {
            Some(invocation) => invocation.await.unwrap_or(Outcome::TimedOut),
            None => Outcome::TimedOut,
        }
    }

    /// An invocation in the next environment that is free.
    async fn begin(self: &Arc<Self>, event: Value) -> Option<JoinHandle<Outcome>> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let slot = self.take_slot()?;
        let api = Arc::clone(self);
        Some(tokio::spawn(async move {
            let outcome = api.environments.invoke(&slot, event).await;
            api.give_back(slot);
            drop(place);
            outcome
        }))
    }

    fn take_slot(&self) -> Option<Arc<Slot>> {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    /// At the end, so that every environment gets its share.
    fn give_back(&self, slot: Arc<Slot>) {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(slot);
    }
}
