//! A login that ends while its operator types: the console answers, not the gateway's bare refusal, and what was typed is kept
//! until it is sent by whoever is logged in again.

use crate::login::{local, press_the_button};
use crate::stage::{Answer, ORIGIN, SESSION, Stage, get, post, with_cookie, with_header};
use makegood::clock::Clock;
use makegood_local::identity::Who;
use serde_json::{Value, json};

const CASE: &str = "00000000-0000-4000-8000-0000000000f1";
/// More than a cookie holds, on several lines, with markup.
fn note() -> String {
    format!(
        "asked the bank:\n<b>\"refund\" & 'fee'</b> {}",
        "नमस्ते ".repeat(100)
    )
}

async fn with_case() -> Stage {
    let stage = Stage::open().await;
    let case = format!("INSERT INTO payment_cases (id, kind, subject) VALUES ('{CASE}', 'refund_due', 'x')");
    stage.database.run_sql(&case).await;
    stage
}

fn action() -> String {
    format!("/admin/cases/{CASE}/note")
}

/// The fields of the form to this address that a browser would send, as it reads them.
fn form(answer: &Answer, action: &str) -> Vec<(String, String)> {
    let (_, rest) = answer
        .body
        .split_once(&format!("action=\"{action}\""))
        .unwrap_or_else(|| panic!("no form: {}", answer.body));
    let inputs = rest
        .split("</form>")
        .next()
        .expect("a form")
        .split("<input type=\"hidden\" name=\"");
    let read = |text: &str| {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    };
    inputs
        .skip(1)
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").expect("a value");
            (read(name), read(rest.split('"').next().expect("its end")))
        })
        .collect()
}

fn fields(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

const CHANGED: &str =
    "SELECT (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM payment_cases WHERE details <> '{}')";

/// What a browser keeps of a login: the cookie that brings it back.
async fn returning(stage: &Stage) -> String {
    let begun = stage.send(local(get("/admin/login"))).await;
    let back = press_the_button(begun.header("location")).await;
    let ended = with_cookie(local(get(&back)), &begun.cookie("makegood-login"));
    let cookie = stage.send(ended).await.cookie("makegood-returning");
    cookie.replace("makegood-returning", "__Host-makegood-returning")
}

#[tokio::test]
async fn a_note_that_was_typed_while_the_login_ended_is_kept_through_a_new_login() {
    let stage = with_case().await;
    let returning = returning(&stage).await;
    // GIVEN a page of a login that ends before its note is sent
    let shown = stage.page(&format!("/admin/cases/{CASE}")).await;
    let typed = [("csrf", shown.csrf()), ("reason", note())];
    let typed: Vec<_> = typed
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut expired = stage.claims();
    expired["exp"] = json!(1);
    let expired = format!("{SESSION}={}", stage.issuer.mint(&expired));

    for old in [None, Some(expired.as_str())] {
        // WHEN the note is sent, with the token that has ended, or without the cookie that the browser removed
        let mut event = with_cookie(post(&action(), &typed), &returning);
        if let Some(old) = old {
            event = with_cookie(event, old);
        }
        // THEN the gateway lets it pass, and the console keeps it and changes nothing
        assert!(stage.gateway_lets_pass(event.clone()).await);
        let kept = stage.send(event).await;
        assert_eq!(kept.status, 401, "{}", kept.body);
        assert!(kept.body.contains("Your login has ended") && kept.body.contains("href=\"/admin/login\""));
        assert_eq!(stage.database.count(CHANGED).await, 0);
        let again = form(&kept, &action());
        assert!(again.contains(&("reason".to_owned(), note())), "{again:?}");

        // WHEN it is sent once more before anybody has logged in
        let once_more = with_cookie(post(&action(), &fields(&again)), &returning);
        // THEN it is kept once more
        assert!(form(&stage.send(once_more).await, &action()).contains(&("reason".to_owned(), note())));
    }

    // WHEN an operator has logged in again and goes on
    let kept = stage.send(with_cookie(post(&action(), &typed), &returning)).await;
    let session = format!("{SESSION}={}", stage.issuer.token(Who::Operator));
    let going_on = with_cookie(post(&action(), &fields(&form(&kept, &action()))), &session);
    let asked = stage.send(going_on).await;
    // THEN the console shows what would be done, and by whom
    assert_eq!(asked.status, 403, "{}", asked.body);
    assert!(asked.body.contains("Send it now?") && asked.body.contains("Operator on call"));
    assert_eq!(stage.database.count(CHANGED).await, 0);
    // AND does it when that is sent
    let sent = with_cookie(post(&action(), &fields(&form(&asked, &action()))), &session);
    assert_eq!(stage.send(sent).await.status, 303);
    let noted: String = sqlx::query_scalar("SELECT details #>> '{notes,0,text}' FROM payment_cases")
        .fetch_one(&stage.database.direct())
        .await
        .unwrap();
    assert_eq!(noted, note().trim());
    stage.close().await;
}

#[tokio::test]
async fn a_page_of_a_login_that_has_ended_shows_the_way_to_log_in_and_not_the_gateways_refusal() {
    let stage = Stage::open().await;
    let event = with_cookie(get("/admin/jobs?status=failed"), &returning(&stage).await);
    assert!(stage.gateway_lets_pass(event.clone()).await);
    let answer = stage.send(event).await;
    assert_eq!(answer.status, 401);
    let login = "href=\"/admin/login?next=%2Fadmin%2Fjobs%3Fstatus%3Dfailed\"";
    assert!(answer.body.contains(login), "{}", answer.body);
    stage.close().await;
}

#[tokio::test]
async fn only_a_mark_that_we_gave_lately_brings_an_operator_back() {
    let mut stage = Stage::open().await;
    let returning = returning(&stage).await;
    let ask = |cookie: &str| with_cookie(get("/admin/jobs"), cookie);
    assert!(stage.gateway_lets_pass(ask(&returning)).await);
    // What is forged, of another purpose, or empty
    let shown = stage.page("/admin/jobs").await;
    for forged in [
        format!("{returning}x"),
        returning.replacen('=', "=A", 1),
        "__Host-makegood-returning=".to_owned(),
        format!("__Host-makegood-returning={}", shown.csrf()),
        returning.replace("-returning", "-said"),
    ] {
        assert!(!stage.gateway_lets_pass(ask(&forged)).await, "{forged}");
    }
    // A forged token or one without the group is refused as before
    for spoilt in [json!(["buyers"]), json!(null)] {
        let mut claims = stage.claims();
        claims["cognito:groups"] = spoilt;
        let token = format!("{SESSION}={}", stage.issuer.mint(&claims));
        assert!(
            !stage
                .gateway_lets_pass(with_cookie(ask(&returning), &token))
                .await
        );
    }
    // After a week it is over
    let later = |days: i64| Clock::Fixed(chrono::Utc::now() + chrono::TimeDelta::days(days));
    stage.admin.open.verifier.clock = later(6);
    assert!(stage.gateway_lets_pass(ask(&returning)).await);
    stage.admin.open.verifier.clock = later(8);
    assert!(!stage.gateway_lets_pass(ask(&returning)).await);
    stage.close().await;
}

#[tokio::test]
async fn nothing_of_another_sites_form_is_shown_or_offered() {
    let stage = with_case().await;
    let returning = returning(&stage).await;
    let session = format!("{SESSION}={}", stage.operator());
    let typed = [("csrf", "guessed"), ("reason", "evil-text")];
    for cookie in [&returning, &session] {
        let own = with_cookie(post(&action(), &typed), cookie);
        let without_origin = |mut event: Value| {
            event["headers"]
                .as_object_mut()
                .expect("headers")
                .remove("origin");
            event
        };
        for event in [
            with_header(own.clone(), "origin", "https://evil.example"),
            with_header(own.clone(), "origin", "null"),
            with_header(own.clone(), "sec-fetch-site", "cross-site"),
            with_header(own.clone(), "origin", &ORIGIN.replace("https", "http")),
            without_origin(own),
        ] {
            let answer = stage.send(event.clone()).await;
            assert!(matches!(answer.status, 401 | 403), "{event}");
            assert!(!answer.body.contains("evil-text"), "{event}: {}", answer.body);
        }
    }
    assert_eq!(stage.database.count(CHANGED).await, 0);
    stage.close().await;
}
