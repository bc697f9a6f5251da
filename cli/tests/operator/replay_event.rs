//! An event from a file: who sends it and why is kept before it is sent.

use crate::operator::{Operator, purchase_created};
use serde_json::{Value, json};
use std::io::Write;
use tempfile::NamedTempFile;

fn file(event: &Value) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(event.to_string().as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn an_event_is_in_the_audit_log_before_it_is_sent() {
    let operator = Operator::open().await;
    let event = purchase_created();
    let file = file(&event);
    let path = file.path().to_str().unwrap();
    let arguments = ["replay-event", path, "--reason", "the shipping service was down"];
    // GIVEN an audit log that takes nothing WHEN an event is to be sent THEN it is not
    operator
        .database
        .run_sql("ALTER TABLE audit_log ADD CONSTRAINT nothing CHECK (false) NOT VALID")
        .await;
    assert_eq!(operator.run(&arguments).await.code, 3);
    assert!(operator.queues.recorded().is_empty());
    // WHEN it takes entries again
    operator
        .database
        .run_sql("ALTER TABLE audit_log DROP CONSTRAINT nothing")
        .await;
    operator.run(&arguments).await.succeeded();
    // THEN the event is sent, and the log says what, by whom and why
    assert_eq!(operator.queues.recorded().len(), 2, "both queues of its topic");
    let entry = operator
        .row("SELECT actor, action, reason, subject, details ->> 'eventType' AS type FROM audit_log")
        .await;
    assert_eq!(
        entry,
        json!({"actor": "asha", "action": "event.replay", "reason": "the shipping service was down",
               "subject": format!("event:purchase-created-{}", event["purchaseId"].as_str().unwrap()),
               "type": "PURCHASE_CREATED"})
    );
    operator.close().await;
}

#[tokio::test]
async fn without_a_reason_nothing_is_sent_and_a_dry_run_needs_none() {
    let operator = Operator::open().await;
    let event = purchase_created();
    let file = file(&event);
    let path = file.path().to_str().unwrap();
    assert_eq!(operator.run(&["replay-event", path]).await.code, 2);
    assert_eq!(
        operator.run(&["replay-event", path, "--reason", " "]).await.code,
        2
    );
    let dry = operator
        .run(&["replay-event", path, "--dry-run"])
        .await
        .succeeded();
    assert!(dry.output.contains("would send"), "{dry:?}");
    assert!(operator.queues.recorded().is_empty());
    assert_eq!(operator.count("SELECT count(*) FROM audit_log").await, 0);
    operator.close().await;
}
