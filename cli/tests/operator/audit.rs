//! A change and its audit row are one fact; and the log can be read by actor, action and subject.

use crate::operator::{Operator, purchase_created};
use operate::audit::{self, Act, Action, AuditFilter};
use operate::page::PageRequest;
use serde_json::{Value, json};
use uuid::Uuid;

/// Something to change of each sort; the ids of the dead letter, the failed and the pending job, and the case.
async fn plant(operator: &Operator) -> [String; 4] {
    let dead_letter = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await
        .to_string();
    let [failed, pending, case] = [(); 3].map(|()| Uuid::new_v4().to_string());
    operator.sql(&format!(
        "INSERT INTO job_queue (id, job_type, payload, status) VALUES
           ('{failed}', 'process_refund', '{{}}', 'failed'), ('{pending}', 'process_refund', '{{}}', 'pending');
         INSERT INTO payment_cases (id, kind, subject) VALUES ('{case}', 'refund_due', 'pi_1')"
    ))
    .await;
    [dead_letter, failed, pending, case]
}

#[tokio::test]
async fn a_change_that_cannot_be_recorded_is_not_made() {
    // GIVEN an audit log that takes nothing
    let operator = Operator::open().await;
    let [dead_letter, failed, pending, case] = plant(&operator).await;
    operator
        .sql("ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (false)")
        .await;
    let everything = async || {
        let mut rows: Vec<Value> = operator.rows("SELECT * FROM dead_letters").await;
        rows.extend(operator.rows("SELECT * FROM job_queue ORDER BY id").await);
        rows.extend(operator.rows("SELECT * FROM payment_cases").await);
        rows
    };
    let before = everything().await;

    // WHEN each sort of change is tried
    let changes: [&[&str]; 8] = [
        &["dead-letters", "replay", &dead_letter],
        &["dead-letters", "replay", "--all", "--yes"],
        &["dead-letters", "discard", &dead_letter],
        &["jobs", "retry", &failed],
        &["jobs", "cancel", &pending],
        &["cases", "assign", &case, "--to", "binod"],
        &["cases", "note", &case],
        &["cases", "resolve", &case],
    ];
    for change in changes {
        let answer = operator.run(&[change, &["--reason", "r"]].concat()).await;
        assert_eq!(answer.code, 3, "{answer:?}");
    }

    // THEN nothing was changed, and nothing left
    assert_eq!(everything().await, before);
    assert!(operator.queues.recorded().is_empty());

    // WHEN the log works again
    operator
        .sql("ALTER TABLE audit_log DROP CONSTRAINT full_disk")
        .await;
    for change in [
        changes[0], changes[3], changes[4], changes[5], changes[6], changes[7],
    ] {
        operator
            .run(&[change, &["--reason", "r"]].concat())
            .await
            .succeeded();
    }
    assert_eq!(operator.count("SELECT count(*) FROM audit_log").await, 6);
    operator.close().await;
}

#[tokio::test]
async fn a_change_that_is_rolled_back_leaves_no_audit_row() {
    let operator = Operator::open().await;
    let [_, failed, _, _] = plant(&operator).await;
    let act = Act::new("asha", "r").unwrap();
    let mut transaction = operator.database.through_pooler(1).begin().await.unwrap();
    let id = makegood::job::JobId(failed.parse().unwrap());
    let _ = operate::job::retry_failed_job(&mut transaction, id, &act)
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(operator.count("SELECT count(*) FROM audit_log").await, 0);
    assert_eq!(
        operator
            .count("SELECT count(*) FROM job_queue WHERE status = 'failed'")
            .await,
        1
    );
    operator.close().await;
}

#[tokio::test]
async fn the_log_is_read_by_actor_action_and_subject_page_by_page() {
    let operator = Operator::open().await;
    let mut connection = operator.connect().await;
    for actor in ["asha", "binod"] {
        let act = Act::new(actor, "r").unwrap();
        for action in [Action::RetryJob, Action::RunSweep] {
            let subjects: Vec<_> = (0..3).map(|number| (format!("s:{number}"), json!({}))).collect();
            audit::record_all(&mut connection, &act, action, &subjects)
                .await
                .unwrap();
        }
    }
    let some = |text: &str| Some(text.to_owned());
    let cases = [
        ((None, None, None), 12),
        ((some("asha"), None, None), 6),
        ((None, some("job.retry"), None), 6),
        ((None, None, some("s:1")), 4),
        ((some("asha"), some("job.retry"), None), 3),
        ((some("binod"), some("sweep.run"), some("s:2")), 1),
        ((some("chandra"), None, some("s:2")), 0),
    ];
    for ((actor, action, subject), expected) in cases {
        let filter = AuditFilter {
            actor,
            action,
            subject,
        };
        let mut seen = Vec::new();
        let mut request = PageRequest::first(2);
        loop {
            let page = audit::list(&mut connection, &filter, &request).await.unwrap();
            assert!(page.items.len() <= 2);
            seen.extend(page.items.iter().map(|entry| entry.id));
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), expected, "{filter:?}");
        assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    }
    operator.close().await;
}
