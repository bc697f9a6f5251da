//! The login that the console goes through, against the provider's stub over a real socket.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use makegood_local::identity::{CONSOLE_CLIENT_ID, Issuer, OPERATOR_GROUP};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, json};
use std::collections::HashMap;

const BACK: &str = "http://127.0.0.1:1/admin/callback";
// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn browser() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://x").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

fn asked(back: &str) -> Vec<(&str, &str)> {
    vec![
        ("response_type", "code"),
        ("client_id", CONSOLE_CLIENT_ID),
        ("redirect_uri", back),
        ("state", "the console's state"),
        ("nonce", "the console's nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

async fn post(url: &str, fields: &[(&str, &str)]) -> Response {
    let request = browser()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded");
    request.body(form(fields)).send().await.unwrap()
}

/// Presses the button, and gives back what the browser brings home.
async fn press(issuer: &Issuer) -> HashMap<String, String> {
    let answer = post(&format!("{}/authorize", issuer.url), &asked(BACK)).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let home = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert!(home.as_str().starts_with(BACK), "{home}");
    home.query_pairs().into_owned().collect()
}

async fn exchange(issuer: &Issuer, code: &str, verifier: &str) -> (StatusCode, Value) {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("client_id", CONSOLE_CLIENT_ID),
        ("code_verifier", verifier),
    ];
    let answer = post(&format!("{}/token", issuer.url), &fields).await;
    (
        answer.status(),
        serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn an_operator_logs_in_with_one_button() {
    let issuer = Issuer::spawn().await.unwrap();
    let found = browser()
        .get(format!("{}/.well-known/openid-configuration", issuer.url))
        .send()
        .await
        .unwrap();
    let found: Value = found.json().await.unwrap();
    assert_eq!(found["issuer"], json!(issuer.url));
    let page = format!(
        "{}?{}",
        found["authorization_endpoint"].as_str().unwrap(),
        form(&asked(BACK))
    );
    let page = browser().get(page).send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("Log in as operator on call") && page.contains(CHALLENGE),
        "{page}"
    );

    let home = press(&issuer).await;
    assert_eq!(home["state"], "the console's state");
    let (status, answer) = exchange(&issuer, &home["code"], VERIFIER).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let claims = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(
        (&claims["aud"], &claims["nonce"], &claims["cognito:groups"]),
        (
            &json!(CONSOLE_CLIENT_ID),
            &json!("the console's nonce"),
            &json!([OPERATOR_GROUP])
        )
    );
    let again = exchange(&issuer, &home["code"], VERIFIER).await;
    assert_eq!(
        again,
        (StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"}))
    );
}

#[tokio::test]
async fn a_stolen_code_is_worth_nothing_without_its_verifier() {
    let issuer = Issuer::spawn().await.unwrap();
    let home = press(&issuer).await;
    let stolen = exchange(&issuer, &home["code"], "a guess").await;
    assert_eq!(
        stolen,
        (StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"}))
    );
}

#[tokio::test]
async fn no_browser_is_sent_to_another_machine() {
    let issuer = Issuer::spawn().await.unwrap();
    for back in [
        "https://elsewhere.test/",
        "http://127.0.0.1.elsewhere.test/",
        "no address",
    ] {
        let answer = post(&format!("{}/authorize", issuer.url), &asked(back)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{back}");
    }
}
