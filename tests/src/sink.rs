//! An endpoint that takes every SQS message and keeps none: for benches that must not measure an emulator's queue.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use serde_json::{Value, json};
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
