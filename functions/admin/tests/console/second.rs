//! An edit that another operator confirms, in the console.

use crate::stage::{Answer, SESSION, Stage, get, post, with_cookie};
use makegood_tests::queues::TestQueue;
use serde_json::json;
use uuid::Uuid;

const DEAD_LETTER: &str = "00000000-0000-0000-0000-00000000000d";

/// A form of this page, sent by the person of this token.
async fn send_as(stage: &Stage, token: &str, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
    let cookie = format!("{SESSION}={token}");
    let shown = stage.send(with_cookie(get(page), &cookie)).await;
    let csrf = shown.csrf();
    let fields = [&[("csrf", csrf.as_str())], fields].concat();
    stage.send(with_cookie(post(action, &fields), &cookie)).await
}

#[tokio::test]
async fn an_edit_of_what_is_bought_is_sent_when_another_login_confirms_it() {
    // GIVEN a dead letter of one course, and two operators
    let queue = TestQueue::create("created-cache").await;
    let stage = Stage::open_with(&[("QUEUE_URL_PURCHASE_CREATED", queue.url.as_str())]).await;
    let source = queue.url.rsplit('/').next().unwrap();
    let before = json!({"type": "PURCHASE_CREATED", "purchaseId": Uuid::new_v4(), "studentId": Uuid::new_v4(),
                        "courseId": Uuid::new_v4(), "purchaseTier": 30, "metadata": {}});
    let mut after = before.clone();
    after["courseId"] = json!(Uuid::new_v4());
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO dead_letters (id, source, message_id, failure_reason, error_code, raw)
             VALUES ('{DEAD_LETTER}', '{source}', 'm-1', 'the cache was away', 'cache_unavailable', '{before}')"
        ))
        .await;
    let asha = stage.operator();
    let mut claims = stage.claims();
    claims["sub"] = json!("second-operator");
    claims["name"] = json!("Second operator");
    let ravi = stage.issuer.mint(&claims);
    // WHEN one of them edits the course THEN it waits
    let page = format!("/admin/dead-letters/{DEAD_LETTER}");
    let body = after.to_string();
    let fields = [("body", body.as_str()), ("reason", "wrong course")];
    let proposed = send_as(&stage, &asha, &page, &format!("{page}/replay"), &fields).await;
    assert_eq!(proposed.status, 303, "{}", proposed.body);
    let edit = proposed.header("location").to_owned();
    assert!(edit.starts_with("/admin/edits/"), "{edit}");
    assert!(
        stage
            .page(&page)
            .await
            .body
            .contains("waits for another operator")
    );
    assert!(stage.page("/admin/edits").await.body.contains(&edit));
    // WHEN the same login confirms it THEN it is not sent; nothing is offered, and a form made by hand does not help
    let own = stage.page(&edit).await.body;
    assert!(
        own.contains("You can't confirm this") && !own.contains("Confirm and send"),
        "{own}"
    );
    send_as(
        &stage,
        &asha,
        &edit,
        &format!("{edit}/confirm"),
        &[("reason", "mine")],
    )
    .await;
    let pending = "SELECT count(*) FROM proposed_edits WHERE status = 'pending'";
    assert_eq!(stage.database.count(pending).await, 1);
    assert_eq!(queue.drain().await, Vec::<String>::new());
    // WHEN another login confirms it THEN it is in its queue
    send_as(
        &stage,
        &ravi,
        &edit,
        &format!("{edit}/confirm"),
        &[("reason", "agreed")],
    )
    .await;
    assert_eq!(queue.drain().await, [body]);
    let both = "SELECT count(*) FROM audit_log WHERE action = 'dead_letter.replay' AND actor LIKE 'Second operator%'
                AND details ->> 'proposedBy' LIKE 'Operator on call%' AND details ->> 'caller' = 'login:second-operator'";
    assert_eq!(stage.database.count(both).await, 1);
    stage.close().await;
}
