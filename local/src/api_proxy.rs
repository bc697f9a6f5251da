//! One address of this machine for the deployed API and its console: `http://127.0.0.1:<port>`, the API at its root.
//!
//! The local AWS answers an API only under a host name that few programs resolve, or below a path, where the console's
//! absolute addresses lead nowhere. Every client can use the address here. Never deployed.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use reqwest::redirect::Policy;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// API Gateway takes 10 MB.
const LARGEST_BODY: usize = 10 * 1024 * 1024;
/// API Gateway answers for a function after 30 s.
const PATIENCE: Duration = Duration::from_secs(40);
/// What belongs to one connection and not to the message (RFC 9110, 7.6.1), and the length, which the sender counts anew.
const OF_THE_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Passes every request on to the deployed API, with the host that was asked, and its answer back as it is.
#[derive(Debug)]
pub struct ApiProxy {
    deployed: PathBuf,
    http: Client,
}

impl ApiProxy {
    /// To the API whose base URL is in `api-url` of this state folder at the time of each request: a new deployment may have
    /// another.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn of(state: &Path) -> Result<Self, reqwest::Error> {
        let client = Client::builder().redirect(Policy::none()).timeout(PATIENCE);
        Ok(Self {
            deployed: state.join("api-url"),
            http: client.build()?,
        })
    }

    async fn pass_on(&self, request: Request) -> Result<Response, String> {
        let base = tokio::fs::read_to_string(&self.deployed).await;
        let base = base.map_err(|_| "Nothing is deployed yet. Type: make deploy-local".to_owned())?;
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let body: Bytes = axum::body::to_bytes(body, LARGEST_BODY)
            .await
            .map_err(|error| format!("The body can't be read: {error}"))?;
        let answer = self
            .http
            .request(
                parts.method,
                format!("{}{path}", base.trim_end().trim_end_matches('/')),
            )
            .headers(of_the_message(parts.headers))
            .body(body)
            .send()
            .await
            .map_err(|error| format!("The deployed API does not answer ({error}). Type: make status"))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer
            .bytes()
            .await
            .map_err(|error| format!("The answer of the deployed API broke off: {error}"))?;
        Ok((status, of_the_message(headers), Body::from(body)).into_response())
    }
}

fn of_the_message(mut headers: HeaderMap) -> HeaderMap {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers
}

/// Serves on this listener until the process ends.
///
/// # Errors
/// Those of the socket.
pub async fn serve(listener: TcpListener, proxy: Arc<ApiProxy>) -> io::Result<()> {
    let router = Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::disable())
        .with_state(proxy);
    axum::serve(listener, router).await
}

async fn answer(State(proxy): State<Arc<ApiProxy>>, request: Request) -> Response {
    let passed_on = proxy.pass_on(request).await;
    passed_on.unwrap_or_else(|problem| (StatusCode::BAD_GATEWAY, format!("{problem}\n")).into_response())
}
