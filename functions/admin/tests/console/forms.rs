//! Changes come from our own pages, of this very session, with a reason; anything else changes nothing.

use crate::stage::{SESSION, Stage, get, post, with_cookie, with_header};
use serde_json::json;

const JOB: &str = "00000000-0000-0000-0000-00000000000a";

async fn with_failed_job() -> Stage {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO job_queue (id, job_type, payload, status, attempts, last_error, failed_at)
             VALUES ('{JOB}', 'finalize_order', '{{\"payment_intent_id\": \"pi_khalti_1_0000beef\"}}', 'failed', 3, 'out of stock', now())"
        ))
        .await;
    stage
}

async fn assert_unchanged(stage: &Stage, why: &str) {
    let changed = stage
        .database
        .count("SELECT (SELECT count(*) FROM job_queue WHERE status <> 'failed') + (SELECT count(*) FROM audit_log)")
        .await;
    assert_eq!(changed, 0, "{why}");
}

fn action() -> String {
    format!("/admin/jobs/{JOB}/retry")
}

#[tokio::test]
async fn a_form_without_the_token_of_its_session_is_refused_and_changes_nothing() {
    let stage = with_failed_job().await;
    let token = stage.operator();
    let cookie = format!("{SESSION}={token}");
    let own = stage.send(with_cookie(get("/admin/jobs"), &cookie)).await.csrf();
    let of_another_session = stage.page("/admin/jobs").await.csrf();
    assert_ne!(own, of_another_session);
    for (what, fields) in [
        ("none", vec![("reason", "stock is back")]),
        ("empty", vec![("csrf", ""), ("reason", "stock is back")]),
        (
            "another session's",
            vec![("csrf", of_another_session.as_str()), ("reason", "stock is back")],
        ),
        ("changed", vec![("csrf", &own[1..]), ("reason", "stock is back")]),
    ] {
        let answer = stage.send(with_cookie(post(&action(), &fields), &cookie)).await;
        assert_eq!(answer.status, 403, "{what}");
        assert_unchanged(&stage, what).await;
    }
    let right = [("csrf", own.as_str()), ("reason", "stock is back")];
    assert_eq!(
        stage
            .send(with_cookie(post(&action(), &right), &cookie))
            .await
            .status,
        303
    );
    assert_eq!(stage.database.count("SELECT count(*) FROM audit_log").await, 1);
    stage.close().await;
}

#[tokio::test]
async fn a_form_of_another_site_is_refused_even_with_the_right_token() {
    let stage = with_failed_job().await;
    let cookie = format!("{SESSION}={}", stage.operator());
    let csrf = stage.send(with_cookie(get("/admin/jobs"), &cookie)).await.csrf();
    let form = with_cookie(
        post(&action(), &[("csrf", &csrf), ("reason", "because")]),
        &cookie,
    );
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://console.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
    ] {
        let answer = stage.send(with_header(form.clone(), name, value)).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        assert_unchanged(&stage, value).await;
    }
    stage.close().await;
}

#[tokio::test]
async fn a_change_without_a_reason_or_that_is_no_form_or_too_large_changes_nothing() {
    let stage = with_failed_job().await;
    for reason in ["", "   ", &"x".repeat(1_001)] {
        let answer = stage.post("/admin/jobs", &action(), &[("reason", reason)]).await;
        assert_eq!(answer.status, 400, "{reason:?}");
        assert_unchanged(&stage, reason).await;
    }
    let cookie = format!("{SESSION}={}", stage.operator());
    let csrf = stage.send(with_cookie(get("/admin/jobs"), &cookie)).await.csrf();
    let mut event = with_cookie(
        post(&action(), &[("csrf", &csrf), ("reason", "because")]),
        &cookie,
    );
    let as_json = with_header(event.clone(), "content-type", "text/plain");
    assert_eq!(stage.send(as_json).await.status, 415);
    event["body"] = json!(format!(
        "csrf={csrf}&reason=because&body={}",
        "x".repeat(4 * 1024 * 1024)
    ));
    assert_eq!(stage.send(event).await.status, 413);
    assert_unchanged(&stage, "no form").await;
    stage.close().await;
}

#[tokio::test]
async fn a_get_changes_nothing_whatever_its_address() {
    let stage = with_failed_job().await;
    for address in [
        action(),
        format!("{}?reason=because", action()),
        "/admin/sweeps/outbox/run".to_owned(),
    ] {
        // A page that is not there, or a parameter that none of them has.
        let status = stage.page(&address).await.status;
        assert!([400, 404].contains(&status), "{address}: {status}");
    }
    assert_unchanged(&stage, "a GET").await;
    stage.close().await;
}
