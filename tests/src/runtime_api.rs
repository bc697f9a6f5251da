//! The Lambda Runtime API, for one execution environment: hands out invocations and takes their answers.

use crate::environment::Outcome;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex as SyncMutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A Runtime API on a port of its own. Dropping it closes it.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    queue: mpsc::UnboundedSender<Invocation>,
    ready: watch::Receiver<bool>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Invocation {
    event: Value,
    deadline_millis: i128,
    answer: oneshot::Sender<Outcome>,
}

struct Server {
    queue: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    ready: watch::Sender<bool>,
    under_way: SyncMutex<HashMap<String, oneshot::Sender<Outcome>>>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Listens on a free port of the loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (queue, waiting) = mpsc::unbounded_channel();
        let (told, ready) = watch::channel(false);
        let server = Arc::new(Server {
            ready: told,
            queue: Mutex::new(waiting),
            under_way: SyncMutex::default(),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(server);
        let server = tokio::spawn(async move {
            axum::serve(listener, routes)
                .await
                .expect("the Runtime API serves");
        });
        Self {
            address,
            queue,
            ready,
            server,
        }
    }

    /// Waits until a process has asked for its first event: its start is over then.
    pub async fn until_ready(&self) {
        let mut ready = self.ready.clone();
        ready
            .wait_for(|ready| *ready)
            .await
            .expect("the Runtime API is there");
    }

    /// Where it listens, `host:port` as in `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands the event to the next process that asks for one. The deadline is told by a clock that is off by so many seconds.
    pub fn hand_out(&self, event: Value, allowed: Duration, skew: i64, answer: oneshot::Sender<Outcome>) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock after 1970");
        let deadline = i128::try_from((now + allowed).as_millis()).expect("a moment");
        let invocation = Invocation {
            event,
            deadline_millis: deadline + i128::from(skew) * 1_000,
            answer,
        };
        self.queue.send(invocation).expect("the Runtime API is there");
    }
}

async fn next(State(server): State<Arc<Server>>) -> Response {
    server.ready.send_replace(true);
    let Some(invocation) = server.queue.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = Uuid::new_v4().to_string();
    server
        .under_way
        .lock()
        .expect("not poisoned")
        .insert(id.clone(), invocation.answer);
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        (
            "lambda-runtime-deadline-ms",
            invocation.deadline_millis.to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:makegood".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned(),
        ),
    ];
    (headers, axum::Json(invocation.event)).into_response()
}

async fn response(state: State<Arc<Server>>, id: Path<String>, body: Bytes) -> StatusCode {
    finish(&state, &id, Outcome::Answered(json_or_text(&body)))
}

async fn error(state: State<Arc<Server>>, id: Path<String>, body: Bytes) -> StatusCode {
    finish(&state, &id, Outcome::FunctionError(json_or_text(&body)))
}

/// The process ends after this by itself, which is what the invocation sees; the reason is in its output.
async fn init_error() -> StatusCode {
    StatusCode::ACCEPTED
}

fn finish(server: &Server, id: &str, outcome: Outcome) -> StatusCode {
    let Some(waiting) = server.under_way.lock().expect("not poisoned").remove(id) else {
        return StatusCode::BAD_REQUEST;
    };
    // A test that no longer waits has its reasons.
    let _ = waiting.send(outcome);
    StatusCode::ACCEPTED
}

fn json_or_text(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}
