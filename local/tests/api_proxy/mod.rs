//! The one address of the deployed API: what a client asks for and what the API answers pass as they are.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use axum::{Json, Router};
use makegood_local::api_proxy::{ApiProxy, serve};
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;

/// An API that says what reached it.
async fn deployed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(tell)).await });
    url
}

async fn tell(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers = [
        (header::LOCATION, "/admin/login?next=%2Fadmin"),
        (header::SET_COOKIE, "one=1; Path=/"),
        (header::SET_COOKIE, "two=2; Path=/"),
    ];
    let told = json!({"method": parts.method.as_str(), "uri": parts.uri.to_string(), "host": parts.headers["host"].to_str().unwrap(),
                      "cookie": parts.headers.get("cookie").map(|value| value.to_str().unwrap()), "bytes": body.len()});
    (StatusCode::SEE_OTHER, AppendHeaders(headers), Json(told))
}

async fn proxy(state: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, Arc::new(ApiProxy::of(state).unwrap())));
    url
}

fn client() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

#[tokio::test]
async fn requests_and_answers_pass_as_they_are_under_the_host_that_was_asked() {
    let state = tempfile::tempdir().unwrap();
    let (url, api) = (proxy(state.path()).await, deployed().await);
    // As deploy.sh leaves it: below a path, with a line end.
    std::fs::write(
        state.path().join("api-url"),
        format!("{api}/_aws/execute-api/0a1b2c3d\n"),
    )
    .unwrap();
    let request = client()
        .post(format!("{url}/admin/jobs/a%2Fb?q=%F0%9F%92%B0&q="))
        .header("cookie", "session=x");
    let answer = request.body(vec![7_u8; 3 * 1024 * 1024]).send().await.unwrap();

    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/admin/login?next=%2Fadmin");
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["one=1; Path=/", "two=2; Path=/"]);
    let told: Value = answer.json().await.unwrap();
    assert_eq!(
        told,
        json!({"method": "POST", "uri": "/_aws/execute-api/0a1b2c3d/admin/jobs/a%2Fb?q=%F0%9F%92%B0&q=",
               "host": url.trim_start_matches("http://"), "cookie": "session=x", "bytes": 3 * 1024 * 1024})
    );
}

#[tokio::test]
async fn a_new_deployment_is_followed_and_one_that_is_away_is_named() {
    let state = tempfile::tempdir().unwrap();
    let url = proxy(state.path()).await;
    let ask = async || {
        let answer = client().get(&url).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, told) = ask().await;
    assert!(
        status == StatusCode::BAD_GATEWAY && told.contains("make deploy-local"),
        "{told}"
    );
    // Nothing listens on port 1.
    std::fs::write(state.path().join("api-url"), "http://127.0.0.1:1").unwrap();
    let (status, told) = ask().await;
    assert!(
        status == StatusCode::BAD_GATEWAY && told.contains("make status"),
        "{told}"
    );
    std::fs::write(state.path().join("api-url"), deployed().await).unwrap();
    assert_eq!(ask().await.0, StatusCode::SEE_OTHER);
}
