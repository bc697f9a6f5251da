//! Logging in: the whole way to the issuer and back, and every way in which it must not work.

use crate::stage::{Answer, HOST, ORIGIN, SECRET, SESSION, Stage, get, post, with_cookie, with_header};
use admin::Seal;
use reqwest::Url;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

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
async fn a_token_that_was_made_for_another_login_does_not_finish_this_one() {
    let stage = Stage::open().await;
    let begun = begin(&stage, "").await;
    // The issuer is asked for a token with the nonce of another login; all the rest is of this login.
    let mut page = Url::parse(begun.header("location")).unwrap();
    let asked: Vec<(String, String)> = page.query_pairs().into_owned().collect();
    page.query_pairs_mut()
        .clear()
        .extend_pairs(asked.iter().map(|(name, value)| match name.as_str() {
            "nonce" => (name.as_str(), "the-nonce-of-another-login"),
            _ => (name.as_str(), value.as_str()),
        }));
    let back = press_the_button(page.as_str()).await;
    let ended = stage
        .send(with_cookie(local(get(&back)), &begun.cookie(LOCAL_LOGIN)))
        .await;
    assert_eq!(ended.status, 401, "{}", ended.body);
    assert!(
        !ended.cookies.iter().any(|cookie| cookie.starts_with("makegood=")),
        "{:?}",
        ended.cookies
    );
    stage.close().await;
}

#[tokio::test]
async fn a_login_that_took_too_long_comes_to_nothing() {
    let stage = Stage::open().await;
    let begun = begin(&stage, "").await;
    let back = press_the_button(begun.header("location")).await;
    // The same login, begun so long ago that its time is over.
    let cookie = begun.cookie(LOCAL_LOGIN);
    let (_, sealed) = cookie.split_once('=').unwrap();
    let seal = Seal::new(SECRET).unwrap();
    let mut memory: Value = serde_json::from_str(&seal.open("login", sealed).unwrap()).unwrap();
    memory["until"] = json!(chrono::Utc::now().timestamp());
    let over = format!("{LOCAL_LOGIN}={}", seal.close("login", &memory.to_string()));
    let late = stage.send(with_cookie(local(get(&back)), &over)).await;
    assert_eq!(late.status, 400, "{}", late.body);
    // In time it would have been let in.
    assert_eq!(
        stage.send(with_cookie(local(get(&back)), &cookie)).await.status,
        303
    );
    stage.close().await;
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
    // Twice, as when the button is clicked twice.
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
