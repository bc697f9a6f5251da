//! Jobs: retried, cancelled, refused, found.

use crate::operator::Operator;
use serde_json::{Value, json};
use uuid::Uuid;

impl Operator {
    /// A job of this status for an intent that was paid, with all of its attempts used.
    async fn job(&self, status: &str) -> (String, String) {
        let id = Uuid::new_v4().to_string();
        let intent = format!("pi_khalti_1_{}", &id[..8]);
        self.sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
             VALUES ('{intent}', gen_random_uuid(), 'khalti', '{id}', 5000, '[]');
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
             VALUES ('khalti', '{id}', '{intent}', 'success');
             INSERT INTO job_queue (id, job_type, payload, status, attempts, idempotency_key, last_error, failed_at, scheduled_for,
                                    locked_by, locked_until)
             SELECT '{id}', 'finalize_order', '{{\"payment_intent_id\": \"{intent}\"}}', '{status}', 3, 'payment_{id}', 'no vendor',
                    CASE WHEN '{status}' = 'failed' THEN now() END, now() - interval '1 hour',
                    CASE WHEN '{status}' = 'processing' THEN 'worker-7' END,
                    CASE WHEN '{status}' = 'processing' THEN now() + interval '1 minute' END"
        ))
        .await;
        (id, intent)
    }

    async fn audit(&self) -> Vec<Value> {
        self.rows("SELECT actor, action, subject, reason FROM audit_log ORDER BY id")
            .await
    }
}

#[tokio::test]
async fn a_retried_job_is_runnable_with_more_attempts_and_its_worker_is_woken() {
    for status in ["failed", "cancelled"] {
        let operator = Operator::open().await;
        let (id, _) = operator.job(status).await;
        operator
            .run(&["jobs", "retry", &id, "--reason", "vendor profile added"])
            .await
            .succeeded();
        let row = operator
            .row("SELECT status, attempts, max_attempts, failed_at, locked_by, scheduled_for <= now() AS is_due FROM job_queue")
            .await;
        let expected = json!({"status": "pending", "attempts": 3, "max_attempts": 6, "failed_at": null, "locked_by": null,
                              "is_due": true});
        assert_eq!(row, expected);
        let woken = operator.queues.recorded();
        assert_eq!(woken.len(), 1);
        assert_eq!(woken[0].queue, "jobs");
        assert_eq!(woken[0].body, json!({"jobId": id}).to_string());
        let expected = json!({"actor": "asha", "action": "job.retry", "subject": format!("job:{id}"),
                              "reason": "vendor profile added"});
        assert_eq!(operator.audit().await, [expected]);
        operator.close().await;
    }
}

#[tokio::test]
async fn a_job_that_is_running_or_done_is_neither_retried_nor_cancelled() {
    let operator = Operator::open().await;
    let (running, _) = operator.job("processing").await;
    let (done, _) = operator.job("completed").await;
    let before = operator.rows("SELECT * FROM job_queue ORDER BY id").await;
    for (change, id, reason) in [
        ("retry", &running, "worker-7 is running it"),
        ("cancel", &running, "worker-7 is running it"),
        ("retry", &done, "it is completed"),
        ("cancel", &done, "it is completed"),
    ] {
        let answer = operator.run(&["jobs", change, id, "--reason", "r"]).await;
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(answer.output.contains(reason), "{answer:?}");
    }
    let unknown = operator
        .run(&["jobs", "cancel", &Uuid::nil().to_string(), "--reason", "r"])
        .await;
    assert!(
        unknown.code == 1 && unknown.output.contains("no such job"),
        "{unknown:?}"
    );
    assert_eq!(operator.rows("SELECT * FROM job_queue ORDER BY id").await, before);
    assert!(operator.audit().await.is_empty() && operator.queues.recorded().is_empty());
    operator.close().await;
}

#[tokio::test]
async fn cancelling_the_job_of_a_paid_order_opens_a_case_and_retrying_it_is_possible() {
    let operator = Operator::open().await;
    let (id, intent) = operator.job("pending").await;
    let answer = operator
        .run(&["jobs", "cancel", &id, "--reason", "duplicate"])
        .await
        .succeeded();
    assert!(answer.output.contains("a case was opened"), "{answer:?}");
    assert_eq!(
        operator.row("SELECT status FROM job_queue").await["status"],
        "cancelled"
    );
    let case = operator
        .row("SELECT kind, status, subject, amount_cents, details FROM payment_cases")
        .await;
    assert_eq!(
        (&case["kind"], &case["status"], &case["subject"]),
        (&json!("unfulfillable"), &json!("open"), &json!(intent))
    );
    assert_eq!(case["details"]["reason"], "cancelled by asha: duplicate");
    assert_eq!(operator.audit().await[0]["action"], "job.cancel");
    let again = operator.run(&["jobs", "cancel", &id, "--reason", "r"]).await;
    assert!(
        again.code == 1 && again.output.contains("cancelled already"),
        "{again:?}"
    );
    operator
        .run(&["jobs", "retry", &id, "--reason", "after all"])
        .await
        .succeeded();
    operator.close().await;
}

#[tokio::test]
async fn jobs_are_found_by_status_type_and_intent() {
    let operator = Operator::open().await;
    let (failed, intent) = operator.job("failed").await;
    operator.job("completed").await;
    operator
        .sql("INSERT INTO job_queue (job_type, payload) VALUES ('unknown_type', '{}')")
        .await;
    let list = async |arguments: &[&str]| {
        let arguments = [&["--json", "jobs", "list"], arguments].concat();
        let page = operator.run(&arguments).await.succeeded().json();
        assert_eq!(page["next"], Value::Null);
        page["items"].as_array().unwrap().clone()
    };
    assert_eq!(list(&[]).await.len(), 3);
    assert_eq!(list(&["--type", "unknown_type"]).await.len(), 1);
    assert_eq!(
        list(&["--type", "finalize_order", "--status", "pending"])
            .await
            .len(),
        0
    );
    for arguments in [vec!["--status", "failed"], vec!["--intent", &intent]] {
        let found = list(&arguments).await;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0]["id"], &found[0]["lastError"]),
            (&json!(failed), &json!("no vendor"))
        );
    }
    let shown = operator.run(&["jobs", "show", &failed]).await.succeeded();
    assert!(
        shown.output.contains("no vendor") && shown.output.contains(&intent),
        "{shown:?}"
    );
    operator.close().await;
}
