//! Secrets Manager as far as a function sees it: one secret, whose text can change, and a count of how often it was read.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A running stub.
#[derive(Debug)]
pub struct Secrets {
    url: String,
    secret: Arc<Mutex<Secret>>,
}

#[derive(Debug)]
struct Secret {
    text: String,
    reads: usize,
}

impl Secrets {
    /// The secret that it keeps.
    pub const ARN: &'static str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:database-AbCdEf";

    /// Starts one that holds this login.
    pub async fn holding(username: &str, password: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let secret = Arc::new(Mutex::new(Secret {
            text: login(username, password),
            reads: 0,
        }));
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Arc::clone(&secret));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, secret }
    }

    /// Where it is, as in `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on it holds this login.
    pub fn put(&self, username: &str, password: &str) {
        self.secret.lock().expect("not poisoned").text = login(username, password);
    }

    /// How often it was read.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.secret.lock().expect("not poisoned").reads
    }
}

fn login(username: &str, password: &str) -> String {
    json!({"username": username, "password": password}).to_string()
}

async fn answer(State(secret): State<Arc<Mutex<Secret>>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if request["SecretId"] != Secrets::ARN {
        let error = json!({"__type": "ResourceNotFoundException", "message": "no such secret"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let mut secret = secret.lock().expect("not poisoned");
    secret.reads += 1;
    let answer = json!({"ARN": Secrets::ARN, "Name": "database", "SecretString": secret.text,
                        "VersionStages": ["AWSCURRENT"]});
    ([(CONTENT_TYPE, "application/x-amz-json-1.1")], answer.to_string()).into_response()
}
