//! Issuers that answer in another way than the stub: what a login makes of it.

use crate::stage::{Answer, SESSION, get, open_admin, with_cookie};
use admin::Admin;
use axum::Json;
use axum::routing::{get as get_route, post as post_route};
use makegood::delivery::Deadline;
use makegood_local::identity::SigningKey;
use makegood_tests::database::TestDatabase;
use reqwest::Url;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LOGIN: &str = "__Host-makegood-login";

/// A console whose issuer signs these claims next, whatever code it is given.
struct Played {
    admin: Admin,
    database: TestDatabase,
    url: String,
    claims: Arc<Mutex<Value>>,
    /// How often it was asked for a token.
    tokens: Arc<AtomicUsize>,
}

impl Played {
    /// With answers changed by name: `discovery`, `keys` or `token`.
    async fn with(change: impl Fn(&str, Value) -> Value + Clone + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = Arc::new(SigningKey::generate().unwrap());
        let claims = Arc::new(Mutex::new(json!({})));
        let tokens = Arc::new(AtomicUsize::new(0));
        let keys = change("keys", key.public_set());
        let discovery = json!({"issuer": url, "authorization_endpoint": format!("{url}/authorize"),
                               "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys")});
        let discovery = change("discovery", discovery);
        let (signed, asked) = (Arc::clone(&claims), Arc::clone(&tokens));
        let token = move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let answer = change("token", json!({"id_token": key.sign(&signed.lock().unwrap())}));
            async move { Json(answer) }
        };
        let router = axum::Router::new()
            .route(
                "/.well-known/openid-configuration",
                get_route(|| async { Json(discovery) }),
            )
            .route("/keys", get_route(move || async move { Json(keys) }))
            .route("/token", post_route(token));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let database = TestDatabase::create().await;
        Self {
            admin: open_admin(&database, &url, &[]).await,
            database,
            url,
            claims,
            tokens,
        }
    }

    async fn send(&self, event: Value) -> Answer {
        let deadline = Deadline::after(Duration::from_secs(5));
        Answer::of(&self.admin.handle(event, deadline).await.expect("an HTTP request"))
    }

    /// Begins a login of a user in so many groups; the request with the issuer's answer, or why there is no login.
    async fn begin(&self, groups: usize) -> Result<Value, Answer> {
        let begun = self.send(get("/admin/login")).await;
        if begun.status != 303 {
            return Err(begun);
        }
        let page = Url::parse(begun.header("location")).unwrap();
        let asked: HashMap<_, _> = page.query_pairs().into_owned().collect();
        let now = chrono::Utc::now().timestamp();
        *self.claims.lock().unwrap() = json!({"iss": self.url, "aud": "makegood-console", "sub": "a", "nonce": asked["nonce"],
                                              "groups": vec!["operators"; groups], "iat": now, "exp": now + 600});
        let back = get(&format!("/admin/callback?code=any&state={}", asked["state"]));
        Ok(with_cookie(back, &begun.cookie(LOGIN)))
    }

    /// The whole login.
    async fn log_in(&self, groups: usize) -> Answer {
        match self.begin(groups).await {
            Ok(back) => self.send(back).await,
            Err(answer) => answer,
        }
    }

    async fn close(self) {
        self.admin.database.close();
        self.database.drop().await;
    }
}

#[tokio::test]
async fn no_more_of_an_issuers_answer_is_read_than_an_issuer_has_to_say() {
    for long in ["discovery", "token", "keys", "none"] {
        // GIVEN an issuer that answers at length, and one of three questions at too great length
        let played = Played::with(move |name, mut answer| {
            let bytes = if name == long { 300_000 } else { 100_000 };
            answer["padding"] = json!("x".repeat(bytes));
            answer
        })
        .await;
        let expected = if long == "none" { 303 } else { 503 };
        assert_eq!(played.log_in(1).await.status, expected, "{long}");
        played.close().await;
    }
}

#[tokio::test]
async fn an_issuer_that_sends_us_where_anybody_can_listen_is_not_followed() {
    for unprotected in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let played = Played::with(move |name, mut answer| {
            if name == "discovery" {
                answer[unprotected] = json!("http://idp.example.com/x");
            }
            answer
        })
        .await;
        assert_eq!(played.log_in(1).await.status, 503, "{unprotected}");
        played.close().await;
    }
}

#[tokio::test]
async fn an_issuer_that_calls_itself_something_else_is_not_believed() {
    let played = Played::with(|name, mut answer| {
        if name == "discovery" {
            answer["issuer"] = json!("https://idp.example.com");
        }
        answer
    })
    .await;
    assert_eq!(played.log_in(1).await.status, 503);
    played.close().await;
}

#[tokio::test]
async fn one_login_asks_the_issuer_for_one_token_however_often_its_answer_is_sent() {
    let played = Played::with(|_, answer| answer).await;
    // WHEN a browser sends the issuer's answer five times, twice at once
    let back = played.begin(1).await.expect("a login");
    let (first, second) = tokio::join!(played.send(back.clone()), played.send(back.clone()));
    let mut statuses = vec![first.status, second.status];
    for _ in 0..3 {
        let again = played.send(back.clone()).await;
        assert!(again.body.contains("finished before"), "{}", again.body);
        statuses.push(again.status);
    }
    // THEN one is let in
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400, 400]);
    assert_eq!(played.tokens.load(Ordering::SeqCst), 1);
    // AND the next login works, also while the table is not there yet
    assert_eq!(played.log_in(1).await.status, 303);
    played.database.run_sql("DROP TABLE console_logouts").await;
    assert_eq!(played.log_in(1).await.status, 303);
    assert_eq!(played.tokens.load(Ordering::SeqCst), 3);
    played.close().await;
}

#[tokio::test]
async fn a_token_that_no_browser_would_keep_is_refused_with_the_reason() {
    let played = Played::with(|_, answer| answer).await;
    for (groups, status) in [(1, 303), (400, 502)] {
        let ended = played.log_in(groups).await;
        assert_eq!(ended.status, status, "{}", ended.body);
        let is_in = ended
            .cookies
            .iter()
            .any(|cookie| cookie.starts_with(&format!("{SESSION}=")));
        assert_eq!(
            (is_in, ended.body.contains("no cookie over 4096")),
            (status == 303, status == 502),
            "{}",
            ended.body
        );
    }
    played.close().await;
}
