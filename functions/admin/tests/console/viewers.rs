//! Two roles: viewers see every page and change nothing, operators do both. Who is in no group of the two stays outside.

use crate::stage::{Answer, PAGES, SESSION, Stage, get, post, with_cookie};
use admin::CHANGES;
use serde_json::{Value, json};

const DEAD_LETTER: &str = "00000000-0000-4000-8000-0000000000d1";
const DISCARDED: &str = "00000000-0000-4000-8000-0000000000d2";
const JOB: &str = "00000000-0000-4000-8000-0000000000e1";
const PENDING_JOB: &str = "00000000-0000-4000-8000-0000000000e2";
const CASE: &str = "00000000-0000-4000-8000-0000000000f1";
const EDIT: &str = "00000000-0000-4000-8000-0000000000a1";

/// A row for every form that there is.
async fn with_rows(more: &[(&str, &str)]) -> Stage {
    let queue = (
        "QUEUE_URL_PURCHASE_CONFIRMED",
        "http://127.0.0.1:9/000000000000/queue",
    );
    let more = [&[("SWEEP_FUNCTION", "sweep"), queue], more].concat();
    // One that could be sent, so that there is something to replay.
    let body = json!({"type": "PURCHASE_CONFIRMED", "timestamp": 1_767_817_344_753_u64, "userId": CASE, "role": "student", "paymentId": CASE,
                      "studentId": CASE, "courseId": CASE, "amountCents": 100});
    let stage = Stage::open_with(&more).await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO dead_letters (id, source, message_id, failure_reason, raw, status)
             VALUES ('{DEAD_LETTER}', 'queue', 'm-1', 'x', '{body}', 'parked'), ('{DISCARDED}', 'queue', 'm-2', 'x', '{{}}', 'discarded');
             INSERT INTO job_queue (id, job_type, payload, status) VALUES ('{JOB}', 'finalize_order', '{{}}', 'failed'),
                                                                           ('{PENDING_JOB}', 'finalize_order', '{{}}', 'pending');
             INSERT INTO payment_cases (id, kind, subject) VALUES ('{CASE}', 'refund_due', 'x');
             INSERT INTO proposed_edits (id, subject, changes, body, forced, proposed_by, caller, reason)
             VALUES ('{EDIT}', 'dead_letter:{DEAD_LETTER}', '[]', '{{}}', false, 'asha', 'login:asha', 'r')"
        ))
        .await;
    stage
}

fn details() -> Vec<String> {
    [
        format!("dead-letters/{DEAD_LETTER}"),
        format!("dead-letters/{DISCARDED}"),
        "dead-letters/replay".to_owned(),
        format!("jobs/{JOB}"),
        format!("jobs/{PENDING_JOB}"),
        format!("cases/{CASE}"),
        format!("edits/{EDIT}"),
        "sweeps".to_owned(),
    ]
    .map(|page| format!("/admin/{page}"))
    .into()
}

fn token(stage: &Stage, groups: &Value) -> String {
    let mut claims = stage.claims();
    claims["cognito:groups"] = groups.clone();
    stage.issuer.mint(&claims)
}

async fn page(stage: &Stage, token: &str, address: &str) -> Answer {
    stage
        .send(with_cookie(get(address), &format!("{SESSION}={token}")))
        .await
}

/// Forms that send anything but the logout.
fn forms(answer: &Answer) -> usize {
    answer.body.matches("method=\"post\"").count() - 1
}

#[tokio::test]
async fn a_viewer_sees_every_page_without_a_form_that_changes_anything() {
    let stage = with_rows(&[("VIEWER_GROUP", "viewers")]).await;
    let viewer = token(&stage, &json!(["viewers"]));
    for address in PAGES.into_iter().map(str::to_owned).chain(details()) {
        let answer = page(&stage, &viewer, &address).await;
        assert_eq!(answer.status, 200, "{address}: {}", answer.body);
        assert_eq!(forms(&answer), 0, "{address}: {}", answer.body);
        assert!(!answer.body.contains("Replay all parked"), "{address}");
        assert!(
            stage
                .gateway_lets_pass(with_cookie(get(&address), &format!("{SESSION}={viewer}")))
                .await
        );
    }
    // AND what an operator sees there has forms, so that the look above proves something
    for address in details() {
        let answer = page(&stage, &stage.operator(), &address).await;
        assert!(forms(&answer) > 0, "{address}: {}", answer.body);
    }
    stage.close().await;
}

/// The changes, each at a row that allows it, with the fields of its form.
fn changes() -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let of = |change: &str| {
        let id = match change {
            "jobs/*/cancel" => PENDING_JOB,
            "dead-letters/*/restore" => DISCARDED,
            _ => match change.split('/').next().expect("a part") {
                "jobs" => JOB,
                "dead-letters" => DEAD_LETTER,
                "cases" => CASE,
                "edits" => EDIT,
                _ => "outbox",
            },
        };
        let more = match change {
            "dead-letters/*/dry-run" | "dead-letters/*/replay" => vec![("body", "{}")],
            "cases/*/assign" => vec![("assignee", "asha")],
            _ => Vec::new(),
        };
        (
            format!("/admin/{}", change.replace('*', id)),
            [vec![("reason", "because")], more].concat(),
        )
    };
    CHANGES.into_iter().map(of).collect()
}

/// The rows that a change could have changed, with the log.
const ROWS: &str = "SELECT md5(concat((SELECT jsonb_agg(to_jsonb(d) ORDER BY d.id) FROM dead_letters d), (SELECT jsonb_agg(to_jsonb(j) ORDER BY j.id) FROM job_queue j),
    (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM payment_cases c), (SELECT jsonb_agg(to_jsonb(e) ORDER BY e.id) FROM proposed_edits e),
    (SELECT jsonb_agg(to_jsonb(a) ORDER BY a.id) FROM audit_log a)))";

async fn rows(stage: &Stage) -> String {
    let mut connection = stage.database.direct().acquire().await.unwrap();
    sqlx::query_scalar(ROWS)
        .fetch_one(&mut *connection)
        .await
        .unwrap()
}

async fn send(stage: &Stage, token: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = page(stage, token, "/admin/runbook").await.csrf();
    let fields = [&[("csrf", csrf.as_str())], fields].concat();
    stage
        .send(with_cookie(post(action, &fields), &format!("{SESSION}={token}")))
        .await
}

#[tokio::test]
async fn every_change_of_a_viewer_is_403_names_the_group_and_changes_nothing() {
    let stage = with_rows(&[("VIEWER_GROUP", "viewers"), ("OPERATOR_GROUP", "operators")]).await;
    let viewer = token(&stage, &json!(["viewers", "others"]));
    let before = rows(&stage).await;
    let nowhere = [("/admin/nowhere".to_owned(), Vec::new())];
    for (action, fields) in changes().into_iter().chain(nowhere) {
        let answer = send(&stage, &viewer, &action, &fields).await;
        assert_eq!(answer.status, 403, "{action}: {}", answer.body);
        assert!(
            answer.body.contains("<strong>operators</strong>"),
            "{action}: {}",
            answer.body
        );
        assert_eq!(rows(&stage).await, before, "{action}");
    }
    // AND an operator, also one who is a viewer too, is refused none of them for the group
    let both = token(&stage, &json!(["viewers", "operators"]));
    for (action, fields) in changes() {
        let answer = send(&stage, &both, &action, &fields).await;
        assert!(
            ![403, 404].contains(&answer.status),
            "{action}: {} {}",
            answer.status,
            answer.body
        );
    }
    assert_ne!(rows(&stage).await, before);
    // AND a viewer can log out
    let answer = send(&stage, &viewer, "/admin/logout", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    stage.close().await;
}

#[tokio::test]
async fn viewers_come_in_only_where_their_group_is_configured_and_others_never() {
    for (more, groups, status) in [
        (&[][..], json!(["viewers"]), 403),
        (&[("VIEWER_GROUP", "viewers")], json!(["viewer"]), 403),
        (&[("VIEWER_GROUP", "viewers")], json!([]), 403),
        (&[("VIEWER_GROUP", "viewers")], json!("viewers"), 200),
    ] {
        let stage = Stage::open_with(more).await;
        let answer = page(&stage, &token(&stage, &groups), "/admin/jobs").await;
        assert_eq!(answer.status, status, "{more:?} {groups}: {}", answer.body);
        if status == 403 {
            let named = answer.body.replace("&quot;", "\"");
            assert_eq!(
                named.contains("\"operators\" or \"viewers\""),
                !more.is_empty(),
                "{named}"
            );
        }
        stage.close().await;
    }
}
