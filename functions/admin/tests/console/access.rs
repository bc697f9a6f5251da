//! Who may come in: without a token no request, with a token only operators, with a forged one no request. The gateway's
//! authorizer and the function give the same answer.

use crate::stage::{
    PAGES, SESSION, Stage, as_authorizer, get, open_admin, request, with_cookie, with_header,
};
use axum::Json;
use axum::routing::get as route;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use makegood::clock::Clock;
use makegood::delivery::Deadline;
use makegood_local::identity::{Issuer, SigningKey, Who};
use makegood_tests::database::TestDatabase;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use uuid::Uuid;

impl Stage {
    /// What the page answers to this token, and whether the gateway would let it pass.
    async fn try_token(&self, token: &str) -> (u64, bool) {
        let event = with_cookie(get("/admin/jobs"), &format!("{SESSION}={token}"));
        let answer = self.send(event.clone()).await;
        assert_eq!(
            answer.status == 200,
            answer.body.contains("Audit"),
            "only operators see the menu"
        );
        (answer.status, self.gateway_lets_pass(event).await)
    }

    pub async fn gateway_lets_pass(&self, event: Value) -> bool {
        let deadline = Deadline::after(Duration::from_secs(5));
        let answer = self
            .admin
            .handle(as_authorizer(event), deadline)
            .await
            .expect("an answer");
        answer["isAuthorized"].as_bool().expect("a decision")
    }
}

#[tokio::test]
async fn without_a_token_every_page_is_401_and_shows_the_way_to_log_in() {
    let stage = Stage::open().await;
    for page in PAGES.into_iter().chain(["/admin/jobs/7", "/admin/nowhere"]) {
        let answer = stage.send(get(page)).await;
        assert_eq!(answer.status, 401, "{page}");
        assert!(
            answer.body.contains("href=\"/admin/login?next=%2Fadmin%2F"),
            "{page}: {}",
            answer.body
        );
        assert!(!stage.gateway_lets_pass(get(page)).await, "{page}");
    }
    let change = stage.send(request("POST", "/admin/sweeps/reconcile/run")).await;
    assert_eq!(change.status, 401);
    stage.close().await;
}

#[tokio::test]
async fn an_operator_comes_in_by_cookie_or_header_at_the_gateway_and_in_the_function() {
    let stage = Stage::open().await;
    let token = stage.operator();
    assert_eq!(stage.try_token(&token).await, (200, true));
    let by_header = with_header(get("/admin/jobs"), "Authorization", &format!("Bearer {token}"));
    assert_eq!(stage.send(by_header.clone()).await.status, 200);
    assert!(stage.gateway_lets_pass(by_header).await);
    stage.close().await;
}

#[tokio::test]
async fn who_is_no_operator_is_403() {
    let stage = Stage::open().await;
    for groups in [
        json!(null),
        json!([]),
        json!(["buyers"]),
        json!("operators-not"),
        json!("former operators"),
        json!("operators buyers"),
        json!("operators,buyers"),
        json!(" operators"),
        json!("Operators"),
        json!(["former operators"]),
        json!([["operators"]]),
        json!({"operators": true}),
    ] {
        let mut claims = stage.claims();
        claims["cognito:groups"] = groups.clone();
        assert_eq!(
            stage.try_token(&stage.issuer.mint(&claims)).await,
            (403, false),
            "{groups}"
        );
    }
    let mut claims = stage.claims();
    claims["cognito:groups"] = json!(null);
    claims["groups"] = json!(["operators"]);
    assert_eq!(
        stage.try_token(&stage.issuer.mint(&claims)).await,
        (200, true),
        "other providers say groups"
    );
    claims["groups"] = json!("operators");
    let alone = stage.issuer.mint(&claims);
    assert_eq!(
        stage.try_token(&alone).await,
        (200, true),
        "a list of one as text"
    );
    // A buyer's token is for another audience, so it opens nothing here.
    assert_eq!(
        stage
            .try_token(&stage.issuer.token(Who::Buyer(Uuid::from_u128(7))))
            .await,
        (401, false)
    );
    stage.close().await;
}

#[tokio::test]
async fn a_token_of_another_time_audience_or_issuer_is_401() {
    let stage = Stage::open().await;
    let now = chrono::Utc::now().timestamp();
    for (name, value) in [
        ("exp", json!(now - 1)),
        ("exp", json!(null)),
        ("exp", json!("tomorrow")),
        ("nbf", json!(now + 3_600)),
        ("aud", json!("makegood-shop")),
        ("aud", json!(null)),
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!(null)),
        ("sub", json!(null)),
        ("iat", json!(null)),
        ("iat", json!(now + 3_600)),
        // Whatever it says of its end, a login is over after eight hours.
        ("iat", json!(now - 8 * 3_600)),
        ("iat", json!(1)),
        ("azp", json!("another-client")),
        ("token_use", json!("access")),
    ] {
        let mut claims = stage.claims();
        claims["exp"] = json!(now + 10 * 365 * 86_400);
        claims[name] = value.clone();
        let token = stage.issuer.mint(&claims);
        assert_eq!(stage.try_token(&token).await, (401, false), "{name} {value}");
    }
    let mut claims = stage.claims();
    claims["azp"] = claims["aud"].clone();
    claims["iat"] = json!(now - 8 * 3_600 + 300);
    claims["exp"] = json!(now + 10 * 365 * 86_400);
    let token = stage.issuer.mint(&claims);
    assert_eq!(stage.try_token(&token).await, (200, true), "its last minutes");
    let mut claims = stage.claims();
    claims["aud"] = json!(["other", claims["aud"]]);
    assert_eq!(
        stage.try_token(&stage.issuer.mint(&claims)).await,
        (200, true),
        "one audience of several"
    );
    stage.close().await;
}

#[tokio::test]
async fn a_token_whose_header_asks_for_more_or_says_that_it_is_no_id_token_is_401() {
    let stage = Stage::open().await;
    let claims = stage.claims();
    for (fields, expected) in [
        (json!({}), (200, true)),
        (json!({"typ": null}), (200, true)),
        (json!({"crit": ["exp"], "exp": 1}), (401, false)),
        (json!({"crit": []}), (401, false)),
        (json!({"typ": "at+jwt"}), (401, false)),
        (json!({"typ": "application/AT+JWT"}), (401, false)),
    ] {
        let token = stage.issuer.mint_with_header(&fields, &claims);
        assert_eq!(stage.try_token(&token).await, expected, "{fields}");
    }
    stage.close().await;
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn a_forged_token_is_401() {
    let stage = Stage::open().await;
    let token = stage.operator();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        panic!("three parts")
    };
    let header_value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let kid = header_value["kid"].clone();
    let mut others_claims = stage.claims();
    others_claims["iss"] = json!(stage.issuer.url);
    others_claims["exp"] = json!(chrono::Utc::now().timestamp() + 600);
    let other = Issuer::spawn().await.unwrap();
    let by_other_key = other.mint(&others_claims);
    let [_, body, foreign_signature] = by_other_key.split('.').collect::<Vec<_>>().try_into().unwrap();
    let none = part(&json!({"alg": "none", "typ": "JWT"}));
    let none_with_kid = part(&json!({"alg": "none", "typ": "JWT", "kid": kid}));
    let named = part(&json!({"alg": "RS256", "typ": "JWT", "kid": kid}));
    others_claims["iat"] = json!(chrono::Utc::now().timestamp());
    let mut long = stage.claims();
    long["padding"] = json!("x".repeat(8_192));
    let mut more = others_claims.clone();
    more["name"] = json!("Another person");
    // The public key as an HMAC secret: the classic confusion of algorithms.
    let keys: Value = reqwest::get(format!("{}/jwks.json", stage.issuer.url))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let symmetric = part(&json!({"alg": "HS256", "typ": "JWT", "kid": kid}));
    let mut mac: Hmac<Sha256> =
        Hmac::new_from_slice(keys["keys"][0]["n"].as_str().unwrap().as_bytes()).unwrap();
    mac.update(format!("{symmetric}.{body}").as_bytes());
    let hs256 = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    for (what, forged) in [
        ("another key, unknown here", by_other_key.clone()),
        (
            "another key under the issuer's name",
            format!("{named}.{body}.{foreign_signature}"),
        ),
        ("no algorithm", format!("{none}.{claims}.")),
        (
            "no algorithm, named key",
            format!("{none_with_kid}.{claims}.{signature}"),
        ),
        (
            "other claims, old signature",
            format!("{header}.{}.{signature}", part(&more)),
        ),
        ("no signature", format!("{header}.{claims}.")),
        ("HMAC with the public key", format!("{symmetric}.{body}.{hs256}")),
        ("no token", "nonsense".to_owned()),
        ("empty parts", "..".to_owned()),
        ("too long", "a".repeat(100_000)),
        (
            "right, and longer than any of a provider",
            stage.issuer.mint(&long),
        ),
    ] {
        assert_eq!(stage.try_token(&forged).await, (401, false), "{what}");
    }
    stage.close().await;
}

#[tokio::test]
async fn unknown_keys_make_us_ask_the_issuer_once_a_minute_at_most() {
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let key = SigningKey::generate().unwrap();
    let (keys, counter) = (key.public_set(), Arc::clone(&asked));
    let discovery = json!({"issuer": url, "authorization_endpoint": url, "token_endpoint": url, "jwks_uri": format!("{url}/keys")});
    let router = axum::Router::new()
        .route(
            "/.well-known/openid-configuration",
            route(|| async { Json(discovery) }),
        )
        .route(
            "/keys",
            route(move || async move {
                counter.fetch_add(1, Ordering::SeqCst);
                Json(keys)
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let database = TestDatabase::create().await;
    let admin = open_admin(&database, &url, &[]).await;
    let now = chrono::Utc::now().timestamp();
    let claims = json!({"iss": url, "aud": "makegood-console", "sub": "a", "iat": now, "exp": now + 600, "cognito:groups": ["operators"]});
    let forged = SigningKey::generate().unwrap().sign(&claims);
    for token in [&forged, &forged, &key.sign(&claims), &forged, &key.sign(&claims)] {
        let event = with_cookie(get("/admin/jobs"), &format!("{SESSION}={token}"));
        let answer = admin
            .handle(event, Deadline::after(Duration::from_secs(5)))
            .await
            .unwrap();
        assert_eq!(answer["statusCode"], if *token == forged { 401 } else { 200 });
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    admin.database.close();
    database.drop().await;
}

#[tokio::test]
async fn no_login_is_accepted_while_the_issuer_is_away() {
    let stage = Stage::open().await;
    let token = stage.operator();
    let away = open_admin(&stage.database, "http://127.0.0.1:9", &[]).await;
    let event = with_cookie(get("/admin/jobs"), &format!("{SESSION}={token}"));
    let deadline = Deadline::after(Duration::from_secs(5));
    let answer = away.handle(event.clone(), deadline).await.unwrap();
    assert_eq!(answer["statusCode"], 503);
    // The gateway's question fails as a whole, which rings the function's alarm.
    away.handle(as_authorizer(event), deadline).await.unwrap_err();
    stage.close().await;
}

#[tokio::test]
async fn an_issuer_that_fails_is_asked_once_in_five_seconds_however_many_come() {
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let counter = Arc::clone(&asked);
    let failing = axum::Router::new().fallback(move || async move {
        counter.fetch_add(1, Ordering::SeqCst);
        axum::http::StatusCode::INTERNAL_SERVER_ERROR
    });
    tokio::spawn(async move { axum::serve(listener, failing).await });
    let database = TestDatabase::create().await;
    let mut admin = open_admin(&database, &url, &[]).await;
    let now = chrono::Utc::now();
    let token = SigningKey::generate()
        .unwrap()
        .sign(&json!({"iss": url, "sub": "a", "exp": now.timestamp() + 600}));
    for (seconds, times_asked) in [(0, 1), (4, 1), (5, 2), (9, 2)] {
        let at = Clock::Fixed(now + chrono::TimeDelta::seconds(seconds));
        (admin.clock, admin.open.verifier.clock) = (at, at);
        for _ in 0..3 {
            let page = with_cookie(get("/admin/jobs"), &format!("{SESSION}={token}"));
            for event in [page, get("/admin/login")] {
                let answer = admin
                    .handle(event, Deadline::after(Duration::from_secs(5)))
                    .await
                    .unwrap();
                assert_eq!(answer["statusCode"], 503);
            }
        }
        assert_eq!(asked.load(Ordering::SeqCst), times_asked, "after {seconds} s");
    }
    admin.database.close();
    database.drop().await;
}

#[tokio::test]
async fn every_answer_forbids_scripts_frames_and_caches() {
    let stage = Stage::open().await;
    let style = stage.page("/admin/health").await;
    let (_, rest) = style
        .body
        .split_once("<link rel=\"stylesheet\" href=\"")
        .expect("a style sheet");
    let style = rest.split('"').next().unwrap().to_owned();
    for (address, cached) in [
        ("/admin/health", false),
        ("/admin/nowhere", false),
        ("/admin/login", false),
        ("/other", false),
        (style.as_str(), true),
    ] {
        let answer = stage.page(address).await;
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{address}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{address}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{address}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{address}");
        assert_eq!(answer.header("cache-control") == "no-store", !cached, "{address}");
    }
    // Without a login, too: the page that asks for one needs it.
    assert_eq!(
        stage.send(get(&style)).await.header("content-type"),
        "text/css; charset=utf-8"
    );
    stage.close().await;
}
