//! Endpoints in place of SQS: one that takes every message and keeps none, for benches that must not measure an emulator's queue; and one
//! that keeps the bodies and refuses what AWS refuses.

use crate::queues;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use makegood::outbox::{SqsTransport, Transport};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A running sink.
#[derive(Debug)]
pub struct QueueSink {
    url: String,
}

impl QueueSink {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/", post(accept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Answers a `SendMessageBatch` as if every entry had been taken. The checksums are left out, which clients allow.
async fn accept(body: Bytes) -> impl IntoResponse {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let taken: Vec<Value> = request["Entries"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""}))
        .collect();
    (
        [(CONTENT_TYPE, "application/x-amz-json-1.0")],
        json!({"Successful": taken, "Failed": []}).to_string(),
    )
}

/// A request may have so many bytes, and so may each message.
const LARGEST: usize = 1_048_576;

/// A running endpoint that refuses what AWS refuses.
#[derive(Debug)]
pub struct StrictSink {
    url: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl StrictSink {
    /// A message that holds this is refused with its whole request, as an older SQS did for any fault.
    pub const POISON: &str = "refuse the whole request";

    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let bodies = Arc::default();
        let router = Router::new()
            .route("/", post(check))
            .with_state(Arc::clone(&bodies));
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, bodies }
    }

    /// A transport that sends this topic here.
    pub async fn transport(&self, topic: &str) -> Transport {
        let config = aws_sdk_sqs::config::Builder::from(&queues::aws().await).endpoint_url(&self.url);
        let client = aws_sdk_sqs::Client::from_conf(config.build());
        let queue = format!("{}/000000000000/{topic}", self.url);
        Transport::Sqs(SqsTransport::new(
            client,
            [(topic.to_owned(), vec![queue])].into(),
        ))
    }

    /// The bodies that were taken, in order.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.bodies.lock().expect("no panic").clone()
    }
}

async fn check(State(bodies): State<Arc<Mutex<Vec<String>>>>, request: Bytes) -> impl IntoResponse {
    let request: Value = serde_json::from_slice(&request).unwrap_or_default();
    let entries = request["Entries"].as_array().cloned().unwrap_or_default();
    let body = |entry: &Value| entry["MessageBody"].as_str().unwrap_or_default().to_owned();
    let headers = [(CONTENT_TYPE, "application/x-amz-json-1.0")];
    let whole = entries.iter().map(|entry| body(entry).len()).sum::<usize>() > LARGEST;
    let poisoned = entries
        .iter()
        .any(|entry| body(entry).contains(StrictSink::POISON));
    if whole || poisoned {
        let code = if whole {
            "BatchRequestTooLong"
        } else {
            "InvalidMessageContents"
        };
        let answer = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": code});
        return (StatusCode::BAD_REQUEST, headers, answer.to_string());
    }
    let (mut taken, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        if body(&entry).chars().all(is_character_of_xml) && !body(&entry).is_empty() {
            bodies.lock().expect("no panic").push(body(&entry));
            taken.push(json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""}));
        } else {
            failed.push(json!({"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": true}));
        }
    }
    let answer = json!({"Successful": taken, "Failed": failed});
    (StatusCode::OK, headers, answer.to_string())
}

/// XML 1.0, 2.2: #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].
fn is_character_of_xml(character: char) -> bool {
    let number = u32::from(character);
    [0x9, 0xA, 0xD].contains(&number) || (number >= 0x20 && number != 0xFFFE && number != 0xFFFF)
}
