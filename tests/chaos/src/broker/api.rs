//! The SQS API as far as the functions call it: `SendMessage`, `SendMessageBatch`, `ChangeMessageVisibility`.

use super::{KillPoint, Shared};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::stream;
use rand::Rng;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What happens to the answer.
enum Fate {
    Sent,
    Late(Duration),
    Lost,
    Throttled,
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/", post(answer)).with_state(shared)
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target.unwrap_or_default().rsplit('.').next().unwrap_or_default();
    let fate = fate(&shared, operation.starts_with("Send"));
    if matches!(fate, Fate::Throttled) {
        return refused("RequestThrottled", "too many requests");
    }
    let point = (operation == "SendMessageBatch")
        .then(|| shared.take_kill_point())
        .flatten();
    if point == Some(KillPoint::BeforeTaking) {
        return never(&shared, &headers).await;
    }
    let queue = request["QueueUrl"].as_str().unwrap_or_default();
    let queue = queue.rsplit('/').next().unwrap_or_default();
    let Some(done) = act(&shared, operation, queue, &request) else {
        return refused("QueueDoesNotExist", "there is no such queue");
    };
    if point == Some(KillPoint::AfterTaking) {
        return never(&shared, &headers).await;
    }
    match fate {
        Fate::Late(late) => tokio::time::sleep(late).await,
        Fate::Lost => return broken(),
        Fate::Sent | Fate::Throttled => {}
    }
    ([(CONTENT_TYPE, "application/x-amz-json-1.0")], done.to_string()).into_response()
}

fn fate(shared: &Shared, sends: bool) -> Fate {
    let mut queues = shared.queues();
    let misbehaviour = queues.misbehaviour;
    if queues.draws(misbehaviour.throttled) {
        return Fate::Throttled;
    }
    if !sends {
        return Fate::Sent;
    }
    if queues.draws(misbehaviour.lost_answers) {
        return Fate::Lost;
    }
    if queues.draws(misbehaviour.late_answers) {
        let (least, most) = misbehaviour.late_millis;
        return Fate::Late(Duration::from_millis(queues.rng.random_range(least..=most)));
    }
    Fate::Sent
}

/// None when there is no such queue. The checksums are left out, which clients allow.
fn act(shared: &Shared, operation: &str, queue: &str, request: &Value) -> Option<Value> {
    let mut queues = shared.queues();
    let now = Instant::now();
    match operation {
        "SendMessage" => {
            let id = queues.send(queue, request, now)?;
            Some(json!({"MessageId": id, "MD5OfMessageBody": ""}))
        }
        "SendMessageBatch" => {
            let (mut successful, mut failed) = (Vec::new(), Vec::new());
            let refused_entries = queues.misbehaviour.refused_entries;
            for entry in request["Entries"].as_array().into_iter().flatten() {
                if queues.draws(refused_entries) {
                    failed.push(
                        json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalError",
                                       "Message": "try again"}),
                    );
                } else {
                    let id = queues.send(queue, entry, now)?;
                    successful.push(json!({"Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": ""}));
                }
            }
            Some(json!({"Successful": successful, "Failed": failed}))
        }
        "ChangeMessageVisibility" => {
            let seconds = request["VisibilityTimeout"].as_u64().unwrap_or_default();
            let receipt = request["ReceiptHandle"].as_str().unwrap_or_default();
            queues.hide(queue, receipt, seconds, now);
            Some(json!({}))
        }
        _ => None,
    }
}

/// Names the sender to whoever kills it, and does not answer.
async fn never(shared: &Shared, headers: &HeaderMap) -> Response {
    let authorization = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let key = authorization
        .and_then(|text| text.split_once("Credential="))
        .and_then(|(_, rest)| rest.split('/').next());
    // No task listens once the run is over.
    let _ = shared.to_kill.send(key.unwrap_or_default().to_owned());
    std::future::pending().await
}

fn refused(code: &str, message: &str) -> Response {
    let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message}).to_string();
    let status = if code == "RequestThrottled" {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::BAD_REQUEST
    };
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

/// An answer that breaks off: its body fails, and the server closes the connection.
fn broken() -> Response {
    let failing = stream::once(async { Err::<Bytes, io::Error>(io::ErrorKind::ConnectionReset.into()) });
    Response::new(Body::from_stream(failing))
}
