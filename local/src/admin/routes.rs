//! The stub's routes: the two of the protocol, and `/_control`.

use super::allocations::Placement;
use super::{AdminService, Behaviour, Control, Report};
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn router(state: Arc<AdminService>) -> Router {
    Router::new()
        .route("/api/v1/admin/allocations/auto-assign", post(auto_assign))
        .route("/api/v1/admin/allocations", get(list))
        .route("/_control", get(report).post(control))
        .with_state(state)
}

/// What the protocol asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    student_id: Uuid,
    course_id: Uuid,
    time_slot: String,
    date: String,
    requested_by: Uuid,
    payment_metadata: Value,
}

impl Request {
    /// Why the service would refuse it.
    fn problem(&self) -> Option<&'static str> {
        if self.time_slot.trim().is_empty() {
            return Some("timeSlot is empty");
        }
        if self.date.len() != "YYYY-MM-DD".len() {
            return Some("date must be YYYY-MM-DD");
        }
        if self.requested_by.is_nil() || !self.payment_metadata.is_object() {
            return Some("requestedBy must be a person and paymentMetadata an object");
        }
        None
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    student_id: Uuid,
    course_id: Uuid,
}

async fn auto_assign(State(service): State<Arc<AdminService>>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers
        .get("Idempotency-Key")
        .and_then(|key| key.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let (call, latency, behaviour) = {
        let mut state = service.lock();
        state.calls += 1;
        *state.calls_by_key.entry(key.clone()).or_default() += 1;
        (state.calls, state.latency, state.script.next())
    };
    tokio::time::sleep(latency).await;
    let request: Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if let Some(problem) = request.problem() {
        return refuse(StatusCode::BAD_REQUEST, problem);
    }
    match behaviour {
        None => {
            let placed = service
                .lock()
                .allocations
                .place(call, &key, request.student_id, request.course_id);
            answer(&placed)
        }
        Some(behaviour) => misbehave(&service, behaviour, &key, &request).await,
    }
}

async fn misbehave(service: &AdminService, behaviour: Behaviour, key: &str, request: &Request) -> Response {
    let (student, course) = (request.student_id, request.course_id);
    match behaviour {
        Behaviour::Created => answer(&Placement::Granted(
            service.lock().allocations.grant(key, student, course),
        )),
        Behaviour::Pending => answer(&Placement::Waiting(
            service.lock().allocations.wait(key, student, course),
        )),
        Behaviour::Exists => answer(&Placement::Taken(service.allocate_for(student, course))),
        Behaviour::ExistsWithoutData => {
            service.allocate_for(student, course);
            refuse(StatusCode::CONFLICT, "an allocation exists")
        }
        Behaviour::ExistsElsewhere => refuse(StatusCode::CONFLICT, "an allocation exists"),
        Behaviour::BadRequest => refuse(StatusCode::BAD_REQUEST, "the time slot is unknown"),
        Behaviour::RateLimited => refuse(StatusCode::TOO_MANY_REQUESTS, "slow down"),
        Behaviour::ServerError => refuse(StatusCode::INTERNAL_SERVER_ERROR, "something broke"),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::DropConnection => broken(),
        Behaviour::AllocateAndDrop => {
            service.lock().allocations.grant(key, student, course);
            broken()
        }
        Behaviour::Garbage => (StatusCode::CREATED, "<html><body>Welcome</body></html>").into_response(),
        Behaviour::Nonsense => {
            (StatusCode::CREATED, Json(json!({"success": true, "data": {}}))).into_response()
        }
    }
}

fn answer(placed: &Placement) -> Response {
    let (status, success, message, allocation) = match placed {
        Placement::Granted(allocation) => (StatusCode::CREATED, true, "Trainer allocated", allocation),
        Placement::Waiting(allocation) => (StatusCode::ACCEPTED, true, "No trainer is free", allocation),
        Placement::Taken(allocation) => (StatusCode::CONFLICT, false, "An allocation exists", allocation),
    };
    (
        status,
        Json(json!({"success": success, "message": message, "data": allocation})),
    )
        .into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"success": false, "message": message}))).into_response()
}

/// An answer that breaks off: its body fails, and the server closes the connection.
fn broken() -> Response {
    let failing = stream::once(async { Err::<Bytes, io::Error>(io::ErrorKind::ConnectionReset.into()) });
    Response::new(Body::from_stream(failing))
}

async fn list(State(service): State<Arc<AdminService>>, Query(filter): Query<Filter>) -> Json<Value> {
    let state = service.lock();
    let found = state.allocations.of_pair(filter.student_id, filter.course_id);
    Json(json!({"success": true, "data": found}))
}

async fn report(State(service): State<Arc<AdminService>>) -> Json<Report> {
    Json(service.report())
}

async fn control(State(service): State<Arc<AdminService>>, Json(control): Json<Control>) -> Json<Report> {
    service.apply(control);
    Json(service.report())
}
