//! Logging in: the whole way to the issuer and back, and every way in which it must not work.

use crate::stage::{
    Answer, HOST, ORIGIN, SECRET, SESSION, Stage, get, open_admin, post, with_cookie, with_header,
};
use admin::Seal;
use axum::Json;
use axum::routing::{get as get_route, post as post_route};
use makegood::delivery::Deadline;
use makegood_local::identity::SigningKey;
use makegood_tests::database::TestDatabase;
use reqwest::Url;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LOGIN: &str = "__Host-makegood-login";
/// The stub's issuer sends people back to this very machine only.
const LOCAL: &str = "console.localhost:8080";
const LOCAL_SESSION: &str = "makegood";
const LOCAL_LOGIN: &str = "makegood-login";

pub fn local(event: serde_json::Value) -> serde_json::Value {
    with_header(event, "host", LOCAL)
}

/// Presses the issuer's button, and gives back where it sends the browser: path and query.
pub async fn press_the_button(address: &str) -> String {
    let page = Url::parse(address).unwrap();
    let fields: Vec<(String, String)> = page.query_pairs().into_owned().collect();
    let body = Url::parse_with_params("http://form/", &fields).unwrap();
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()
        .unwrap();
    let answer = client
        .post(page.join("/authorize").unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.query().unwrap().to_owned())
        .send()
        .await
        .unwrap();
    let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(back.path(), "/admin/callback");
    format!("{}?{}", back.path(), back.query().unwrap())
}

async fn begin(stage: &Stage, next: &str) -> Answer {
    let begun = stage.send(local(get(&format!("/admin/login?next={next}")))).await;
    assert_eq!(begun.status, 303);
    begun
}

#[tokio::test]
async fn a_login_leads_to_the_issuer_and_back_to_the_page_that_was_wanted() {
    let stage = Stage::open().await;
    let begun = begin(&stage, "%2Fadmin%2Fjobs%3Fstatus%3Dfailed").await;
    let page = Url::parse(begun.header("location")).unwrap();
    let asked: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    assert_eq!(
        (
            asked["response_type"].as_str(),
            asked["code_challenge_method"].as_str()
        ),
        ("code", "S256")
    );
    assert!(asked["state"].len() >= 40 && asked["nonce"].len() >= 40 && asked["code_challenge"].len() == 43);
    let back = press_the_button(begun.header("location")).await;
    let ended = stage
        .send(with_cookie(local(get(&back)), &begun.cookie(LOCAL_LOGIN)))
        .await;
    assert_eq!(
        (ended.status, ended.header("location")),
        (303, "/admin/jobs?status=failed"),
        "{}",
        ended.body
    );
    let session = ended.cookie(LOCAL_SESSION);
    assert_eq!(
        stage
            .send(with_cookie(local(get("/admin/jobs")), &session))
            .await
            .status,
        200
    );
    // Whoever is logged in passes through the login at once.
    let again = stage
        .send(with_cookie(
            local(get("/admin/login?next=/admin/cases")),
            &session,
        ))
        .await;
    assert_eq!(again.header("location"), "/admin/cases");
    stage.close().await;
}

#[tokio::test]
async fn over_tls_the_cookies_belong_to_this_host_alone_and_no_script_reads_them() {
    let stage = Stage::open().await;
    let begun = stage.send(get("/admin/login")).await;
    let cookie = begun
        .cookies
        .iter()
        .find(|cookie| cookie.starts_with(LOGIN))
        .expect("a cookie");
    for attribute in [
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Secure",
        "; Max-Age=600",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let page = Url::parse(begun.header("location")).unwrap();
    let redirect = page
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri")
        .unwrap()
        .1
        .into_owned();
    assert_eq!(redirect, format!("https://{HOST}/admin/callback"));
    stage.close().await;
}

#[tokio::test]
async fn a_login_that_was_not_begun_in_this_browser_comes_to_nothing() {
    let stage = Stage::open().await;
    let (mine, others) = (begin(&stage, "").await, begin(&stage, "").await);
    let refused = |answer: &Answer| {
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(
            !answer
                .cookies
                .iter()
                .any(|cookie| cookie.starts_with("makegood=")),
            "{:?}",
            answer.cookies
        );
    };
    let back = press_the_button(mine.header("location")).await;
    refused(&stage.send(local(get(&back))).await);
    refused(
        &stage
            .send(with_cookie(local(get(&back)), &others.cookie(LOCAL_LOGIN)))
            .await,
    );
    let changed = format!("{}A", mine.cookie(LOCAL_LOGIN));
    refused(&stage.send(with_cookie(local(get(&back)), &changed)).await);
    // A cookie that was sealed for something else, with the right secret.
    let flash = Seal::new(SECRET).unwrap().close("said", "{}");
    refused(
        &stage
            .send(with_cookie(local(get(&back)), &format!("{LOCAL_LOGIN}={flash}")))
            .await,
    );
    // Its own cookie still works once, and the code is worth nothing the second time.
    let cookie = mine.cookie(LOCAL_LOGIN);
    assert_eq!(
        stage.send(with_cookie(local(get(&back)), &cookie)).await.status,
        303
    );
    refused(&stage.send(with_cookie(local(get(&back)), &cookie)).await);
    stage.close().await;
}

#[tokio::test]
async fn no_more_of_an_issuers_answer_is_read_than_an_issuer_has_to_say() {
    // GIVEN an issuer whose answers are too long, to one of the three questions
    for long in ["discovery", "token", "keys"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let padded = move |name: &str, mut answer: Value| {
            let bytes = if name == long { 300_000 } else { 100_000 };
            answer["padding"] = json!("x".repeat(bytes));
            answer
        };
        let key = Arc::new(SigningKey::generate().unwrap());
        let keys = padded("keys", key.public_set());
        let discovery = padded(
            "discovery",
            json!({"issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
                   "jwks_uri": format!("{url}/keys")}),
        );
        let claims = Arc::new(Mutex::new(json!({})));
        let signed = Arc::clone(&claims);
        let token = move || {
            let answer = padded("token", json!({"id_token": key.sign(&signed.lock().unwrap())}));
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
        let admin = open_admin(&database, &url, &[]).await;
        let send = async |event: Value| {
            let deadline = Deadline::after(Duration::from_secs(5));
            Answer::of(&admin.handle(event, deadline).await.expect("an HTTP request"))
        };
        // WHEN somebody logs in THEN it comes to nothing
        let mut answer = send(get("/admin/login")).await;
        if answer.status == 303 {
            let page = Url::parse(answer.header("location")).unwrap();
            let asked: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
            *claims.lock().unwrap() = json!({"iss": url, "aud": "makegood-console", "sub": "a", "nonce": asked["nonce"],
                "groups": ["operators"], "iat": chrono::Utc::now().timestamp(), "exp": chrono::Utc::now().timestamp() + 600});
            let back = get(&format!("/admin/callback?code=any&state={}", asked["state"]));
            answer = send(with_cookie(back, &answer.cookie(LOGIN))).await;
        }
        assert_eq!(answer.status, 503, "{long}");
        admin.database.close();
        database.drop().await;
    }
}

#[tokio::test]
async fn an_issuer_that_sends_us_where_anybody_can_listen_is_not_followed() {
    for unprotected in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut discovery = json!({"issuer": url, "authorization_endpoint": format!("{url}/authorize"),
                                   "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys")});
        discovery[unprotected] = json!("http://idp.example.com/x");
        let router = axum::Router::new().route(
            "/.well-known/openid-configuration",
            get_route(|| async { Json(discovery) }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        let database = TestDatabase::create().await;
        let admin = open_admin(&database, &url, &[]).await;
        let deadline = Deadline::after(Duration::from_secs(5));
        let answer = admin
            .handle(get("/admin/login"), deadline)
            .await
            .expect("an HTTP request");
        assert_eq!(Answer::of(&answer).status, 503, "{unprotected}");
        admin.database.close();
        database.drop().await;
    }
}

#[tokio::test]
async fn one_login_asks_the_issuer_for_one_token_however_often_its_answer_is_sent() {
    // GIVEN an answer of the issuer, in a browser that sends it five times, twice at once
    let claims = Arc::new(Mutex::new(json!({})));
    let asked_for_tokens = Arc::new(AtomicUsize::new(0));
    let url = issuer_of_counted(Arc::clone(&claims), Arc::clone(&asked_for_tokens)).await;
    let database = TestDatabase::create().await;
    let admin = open_admin(&database, &url, &[]).await;
    let send = async |event: Value| {
        let deadline = Deadline::after(Duration::from_secs(5));
        Answer::of(&admin.handle(event, deadline).await.expect("an HTTP request"))
    };
    let log_in = async || {
        let begun = send(get("/admin/login")).await;
        let page = Url::parse(begun.header("location")).unwrap();
        let asked: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
        *claims.lock().unwrap() = json!({"iss": url, "aud": "makegood-console", "sub": "a", "nonce": asked["nonce"], "groups": ["operators"],
                                         "iat": chrono::Utc::now().timestamp(), "exp": chrono::Utc::now().timestamp() + 600});
        let back = get(&format!("/admin/callback?code=any&state={}", asked["state"]));
        with_cookie(back, &begun.cookie(LOGIN))
    };
    let back = log_in().await;
    let (first, second) = tokio::join!(send(back.clone()), send(back.clone()));
    let mut statuses = vec![first.status, second.status];
    for _ in 0..3 {
        let again = send(back.clone()).await;
        assert!(again.body.contains("finished before"), "{}", again.body);
        statuses.push(again.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400, 400]);
    assert_eq!(asked_for_tokens.load(Ordering::SeqCst), 1);
    // AND the next login works, also while the table is not there yet
    assert_eq!(send(log_in().await).await.status, 303);
    database.run_sql("DROP TABLE console_logouts").await;
    assert_eq!(send(log_in().await).await.status, 303);
    assert_eq!(asked_for_tokens.load(Ordering::SeqCst), 3);
    admin.database.close();
    database.drop().await;
}

async fn issuer_of(claims: Arc<Mutex<Value>>) -> String {
    issuer_of_counted(claims, Arc::default()).await
}

/// An issuer whose next token has these claims, whatever code it is given; it counts how often it is asked for one.
async fn issuer_of_counted(claims: Arc<Mutex<Value>>, asked: Arc<AtomicUsize>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let key = SigningKey::generate().unwrap();
    let keys = key.public_set();
    let discovery = json!({"issuer": url, "authorization_endpoint": format!("{url}/authorize"),
                           "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys")});
    let key = Arc::new(key);
    let token = move || {
        asked.fetch_add(1, Ordering::SeqCst);
        let token = key.sign(&claims.lock().unwrap());
        async move { Json(json!({"id_token": token})) }
    };
    let router = axum::Router::new()
        .route(
            "/.well-known/openid-configuration",
            get_route(|| async { Json(discovery) }),
        )
        .route("/keys", get_route(move || async move { Json(keys) }))
        .route("/token", post_route(token));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_token_that_no_browser_would_keep_is_refused_with_the_reason() {
    let claims = Arc::new(Mutex::new(json!({})));
    let url = issuer_of(Arc::clone(&claims)).await;
    let database = TestDatabase::create().await;
    let admin = open_admin(&database, &url, &[]).await;
    let send = async |event: Value| {
        let deadline = Deadline::after(Duration::from_secs(5));
        Answer::of(&admin.handle(event, deadline).await.expect("an HTTP request"))
    };
    for (groups, status) in [(1, 303), (400, 502)] {
        let begun = send(get("/admin/login")).await;
        let page = Url::parse(begun.header("location")).unwrap();
        let asked: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
        let groups = vec!["operators"; groups];
        *claims.lock().unwrap() = json!({"iss": url, "aud": "makegood-console", "sub": "a", "nonce": asked["nonce"], "groups": groups,
                                         "iat": chrono::Utc::now().timestamp(), "exp": chrono::Utc::now().timestamp() + 600});
        let back = get(&format!("/admin/callback?code=any&state={}", asked["state"]));
        let ended = send(with_cookie(back, &begun.cookie(LOGIN))).await;
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
    admin.database.close();
    database.drop().await;
}

#[tokio::test]
async fn a_refusal_of_the_issuer_is_shown_as_text() {
    let stage = Stage::open().await;
    let begun = begin(&stage, "").await;
    let page = Url::parse(begun.header("location")).unwrap();
    let state = page
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    let back = format!("/admin/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&state={state}");
    let answer = stage
        .send(with_cookie(local(get(&back)), &begun.cookie(LOCAL_LOGIN)))
        .await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains("&lt;script&gt;alert(1)") && !answer.body.contains("<script"),
        "{}",
        answer.body
    );
    stage.close().await;
}

#[tokio::test]
async fn a_copied_token_opens_nothing_after_its_owner_has_logged_out() {
    let stage = Stage::open().await;
    let token = stage.operator();
    let other = stage.operator();
    let with = |event: Value, token: &str| with_cookie(event, &format!("{SESSION}={token}"));
    assert_eq!(stage.send(with(get("/admin/jobs"), &token)).await.status, 200);
    // Twice, as somebody clicks twice.
    for _ in 0..2 {
        let answer = stage.send(with(post("/admin/logout", &[]), &token)).await;
        assert_eq!(answer.status, 200);
    }
    for event in [
        get("/admin/jobs"),
        get("/admin/runbook"),
        post("/admin/sweeps/outbox/run", &[]),
    ] {
        let answer = stage.send(with(event.clone(), &token)).await;
        assert_eq!(answer.status, 401, "{event}");
    }
    assert_eq!(
        stage.send(with(get("/admin/jobs"), &other)).await.status,
        200,
        "another login of the same person"
    );
    // Another logout removes what no token needs any more.
    let expire = "UPDATE console_logouts SET until = now() - interval '1 second'";
    stage.database.run_sql(expire).await;
    stage.send(with(post("/admin/logout", &[]), &other)).await;
    assert_eq!(
        stage.database.count("SELECT count(*) FROM console_logouts").await,
        1
    );
    stage.close().await;
}

#[tokio::test]
async fn logging_out_forgets_the_token_and_no_other_site_can_do_it() {
    let stage = Stage::open().await;
    let answer = stage.send(post("/admin/logout", &[])).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .cookies
            .iter()
            .any(|cookie| cookie.starts_with(&format!("{SESSION}=;")) && cookie.contains("Max-Age=0")),
        "{:?}",
        answer.cookies
    );
    let foreign = with_header(post("/admin/logout", &[]), "origin", "https://evil.example");
    assert_eq!(stage.send(foreign).await.cookies, Vec::<String>::new());
    assert_eq!(json!(ORIGIN), json!(format!("https://{HOST}")));
    stage.close().await;
}
