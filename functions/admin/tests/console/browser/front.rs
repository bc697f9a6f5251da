//! What API Gateway does: HTTP in, the event to the authorizer and then to the function, the answer out. And what Lambda does
//! when the console invokes the sweep.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use makegood_tests::environment::{Environment, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves this environment on a free port, and gives back the origin.
pub async fn serve(environment: Arc<Environment>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().fallback(pass).with_state(environment);
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

/// The routes that stand in the template without an authorizer.
fn is_open(method: &Method, path: &str) -> bool {
    match *method {
        Method::GET => {
            matches!(path, "/admin" | "/admin/login" | "/admin/callback")
                || path.starts_with("/admin/assets/")
        }
        Method::POST => path == "/admin/logout",
        _ => false,
    }
}

async fn pass(
    State(environment): State<Arc<Environment>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let event = event_of(&method, &uri, &headers, &body);
    if !is_open(&method, uri.path()) {
        let mut question = event.clone();
        question["type"] = json!("REQUEST");
        question["routeArn"] =
            json!("arn:aws:execute-api:us-east-1:000000000000:api/$default/ANY/admin/{proxy+}");
        match environment.invoke(question).await {
            Outcome::Answered(answer) if answer["isAuthorized"] == true => {}
            Outcome::Answered(_) => {
                return (StatusCode::FORBIDDEN, "{\"message\":\"Forbidden\"}").into_response();
            }
            other => return (StatusCode::INTERNAL_SERVER_ERROR, format!("{other:?}")).into_response(),
        }
    }
    match environment.invoke(event).await {
        Outcome::Answered(answer) => response_of(&answer),
        other => (StatusCode::INTERNAL_SERVER_ERROR, format!("{other:?}")).into_response(),
    }
}

fn event_of(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Value {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let cookies: Vec<String> = text("cookie")
        .split("; ")
        .filter(|cookie| !cookie.is_empty())
        .map(str::to_owned)
        .collect();
    let named: serde_json::Map<String, Value> = headers
        .iter()
        .filter(|(name, _)| *name != "cookie")
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
        .collect();
    json!({"version": "2.0", "routeKey": "ANY /admin/{proxy+}", "rawPath": uri.path(), "rawQueryString": uri.query().unwrap_or_default(),
           "headers": named, "cookies": cookies, "isBase64Encoded": false, "body": String::from_utf8_lossy(body),
           "requestContext": {"stage": "$default", "domainName": text("host"), "http": {"method": method.as_str(), "path": uri.path()}}})
}

fn response_of(answer: &Value) -> Response {
    let status = answer["statusCode"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .expect("a status");
    let mut response = answer["body"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
        .into_response();
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let headers = response.headers_mut();
    for (name, value) in answer["headers"].as_object().expect("headers") {
        let value = HeaderValue::from_str(value.as_str().expect("a text")).expect("a header's value");
        headers.insert(
            HeaderName::from_bytes(name.as_bytes()).expect("a header's name"),
            value,
        );
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(
            "set-cookie",
            HeaderValue::from_str(cookie.as_str().expect("a text")).expect("a cookie"),
        );
    }
    response
}

/// Lambda's own API, as far as the console uses it: whatever function is named, this environment is invoked.
pub async fn lambda_api(environment: Arc<Environment>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .with_state(environment);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn invoke(
    State(environment): State<Arc<Environment>>,
    Path(_name): Path<String>,
    body: Bytes,
) -> Response {
    let payload: Value = serde_json::from_slice(&body).expect("a payload");
    match environment.invoke(payload).await {
        Outcome::Answered(answer) => axum::Json(answer).into_response(),
        Outcome::FunctionError(error) => {
            ([("x-amz-function-error", "Unhandled")], axum::Json(error)).into_response()
        }
        other => (StatusCode::INTERNAL_SERVER_ERROR, format!("{other:?}")).into_response(),
    }
}
