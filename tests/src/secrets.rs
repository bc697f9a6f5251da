//! Secrets Manager as far as a function sees it: secrets whose texts can change, and a count of how often the login was read.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A running stub. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Secrets {
    url: String,
    /// Who has signed the certificate of the login's server, in PEM.
    authority: String,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By ARN.
    texts: BTreeMap<String, String>,
    /// How often the database's login was read.
    reads: usize,
}

impl Secrets {
    /// The secret with the database's login.
    pub const ARN: &'static str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:database-AbCdEf";

    /// Starts one that holds this login, for a server whose certificate this authority has signed.
    pub async fn holding(username: &str, password: &str, authority: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let kept = Arc::new(Mutex::new(Kept::default()));
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let secrets = Self {
            url,
            kept,
            authority: authority.to_owned(),
        };
        secrets.put(username, password);
        secrets
    }

    /// Where it is, as in `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on it holds this login.
    pub fn put(&self, username: &str, password: &str) {
        let login = json!({"username": username, "password": password, "ca": self.authority});
        self.put_text(Self::ARN, &login.to_string());
    }

    /// From now on the secret of this ARN has this text.
    pub fn put_text(&self, arn: &str, text: &str) {
        let mut kept = self.kept.lock().expect("not poisoned");
        kept.texts.insert(arn.to_owned(), text.to_owned());
    }

    /// The text of the secret of this ARN; empty when there is none.
    #[must_use]
    pub fn text(&self, arn: &str) -> String {
        let kept = self.kept.lock().expect("not poisoned");
        kept.texts.get(arn).cloned().unwrap_or_default()
    }

    /// How often the login was read.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.kept.lock().expect("not poisoned").reads
    }
}

async fn answer(State(kept): State<Arc<Mutex<Kept>>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let arn = request["SecretId"].as_str().unwrap_or_default();
    let mut kept = kept.lock().expect("not poisoned");
    let Some(text) = kept.texts.get(arn).cloned() else {
        let error = json!({"__type": "ResourceNotFoundException", "message": "no such secret"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    };
    kept.reads += usize::from(arn == Secrets::ARN);
    let answer =
        json!({"ARN": arn, "Name": "a secret", "SecretString": text, "VersionStages": ["AWSCURRENT"]});
    ([(CONTENT_TYPE, "application/x-amz-json-1.1")], answer.to_string()).into_response()
}
