//! One dead letter: to its own queue only, edited, refused, discarded.

use crate::operator::{Operator, purchase_created};
use makegood::delivery::ReplayMark;
use serde_json::{Value, json};
use std::io::Write;

#[tokio::test]
async fn a_dead_letter_of_a_fan_out_queue_goes_back_to_that_queue_only() {
    let operator = Operator::open().await;
    let raw = purchase_created().to_string();
    let id = operator.dead_letter("created-cache", &raw).await;
    let name = id.to_string();
    operator
        .run(&["dead-letters", "replay", &name, "--reason", "redis is back"])
        .await
        .succeeded();
    let recorded = operator.queues.recorded();
    assert_eq!(recorded.len(), 1);
    assert_eq!(
        (recorded[0].queue.as_str(), &recorded[0].body),
        ("created-cache", &raw)
    );
    let mark = recorded[0].attribute(ReplayMark::ATTRIBUTE);
    assert_eq!(mark, Some(format!("{id}:1").as_str()));
    let row = operator
        .row("SELECT status, replay_count, claimed_until FROM dead_letters")
        .await;
    assert_eq!(
        row,
        json!({"status": "replayed", "replay_count": 1, "claimed_until": null})
    );

    // WHEN it is replayed once more although it is on its way
    let answer = operator
        .run(&["dead-letters", "replay", &name, "--reason", "again"])
        .await;
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.output.contains("it is replayed already"), "{answer:?}");
    assert_eq!(operator.queues.recorded().len(), 1);
    operator.close().await;
}

#[tokio::test]
async fn an_edited_payload_is_refused_with_the_fields_name_or_sent_and_both_are_kept() {
    // GIVEN a dead letter without its course
    let operator = Operator::open().await;
    let fixed = purchase_created();
    let mut broken = fixed.clone();
    broken.as_object_mut().unwrap().remove("courseId");
    let id = operator
        .dead_letter("created-allocation", &broken.to_string())
        .await
        .to_string();
    let payload = |body: &Value| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(body.to_string().as_bytes()).unwrap();
        file
    };
    let replay = async |file: &tempfile::NamedTempFile| {
        let file = file.path().to_str().unwrap();
        let arguments = [
            "dead-letters",
            "replay",
            &id,
            "--payload",
            file,
            "--reason",
            "course added",
        ];
        operator.run(&arguments).await
    };

    // WHEN it is replayed as it is, and with a payload that has another fault
    let as_it_is = operator
        .run(&["dead-letters", "replay", &id, "--reason", "try"])
        .await;
    let mut worse = fixed.clone();
    worse["courseId"] = json!("algebra");
    let refused = replay(&payload(&worse)).await;

    // THEN both are refused with the field's name, and nothing is sent or changed
    for (answer, part) in [
        (as_it_is, "`courseId` is missing"),
        (refused, "`courseId` is algebra"),
    ] {
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(answer.output.contains(part), "{answer:?}");
    }
    assert!(operator.queues.recorded().is_empty());
    assert_eq!(operator.count("SELECT count(*) FROM audit_log").await, 0);

    // WHEN it is fixed
    replay(&payload(&fixed)).await.succeeded();

    // THEN the fixed one is sent, and both are kept
    let recorded = operator.queues.recorded();
    assert_eq!(recorded[0].body, fixed.to_string());
    let dead_letter = operator.row("SELECT raw, event_type FROM dead_letters").await;
    assert_eq!(dead_letter["raw"], fixed.to_string());
    assert_eq!(dead_letter["event_type"], "PURCHASE_CREATED");
    let audit = operator
        .row("SELECT actor, action, reason, subject, details FROM audit_log")
        .await;
    assert_eq!(audit["subject"], format!("dead_letter:{id}"));
    assert_eq!(audit["details"]["originalPayload"], broken.to_string());
    assert_eq!(audit["details"]["editedPayload"], fixed.to_string());
    operator.close().await;
}

#[tokio::test]
async fn a_dry_run_of_one_dead_letter_changes_nothing_and_a_replay_without_reason_is_wrong_usage() {
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await
        .to_string();
    let dry = operator
        .run(&["dead-letters", "replay", &id, "--dry-run"])
        .await
        .succeeded();
    assert!(dry.output.contains("would be sent to created-cache"), "{dry:?}");
    assert_eq!(operator.run(&["dead-letters", "replay", &id]).await.code, 2);
    assert_eq!(
        operator
            .run(&["dead-letters", "replay", "--all", "--yes"])
            .await
            .code,
        2
    );
    assert_eq!(
        operator
            .run(&["dead-letters", "replay", "--reason", "all?"])
            .await
            .code,
        2
    );
    assert_eq!(operator.run(&["dead-letters", "discard", &id]).await.code, 2);
    assert!(operator.queues.recorded().is_empty());
    let untouched = "SELECT count(*) FROM dead_letters WHERE status = 'parked' AND claimed_until IS NULL";
    assert_eq!(operator.count(untouched).await, 1);
    operator.close().await;
}

#[tokio::test]
async fn a_dead_letter_that_one_operator_is_sending_is_neither_sent_nor_discarded_by_another() {
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await
        .to_string();
    operator
        .sql("UPDATE dead_letters SET claimed_until = now() + interval '1 hour'")
        .await;
    for change in ["replay", "discard"] {
        let answer = operator
            .run(&["dead-letters", change, &id, "--reason", "r"])
            .await;
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(
            answer.output.contains("another operator is replaying it"),
            "{answer:?}"
        );
    }
    assert!(operator.queues.recorded().is_empty());
    operator.close().await;
}

#[tokio::test]
async fn a_discarded_dead_letter_stays_with_its_payload_and_is_not_replayed() {
    let operator = Operator::open().await;
    let raw = purchase_created().to_string();
    let id = operator.dead_letter("created-cache", &raw).await.to_string();
    operator
        .run(&["dead-letters", "discard", &id, "--reason", "a test message"])
        .await
        .succeeded();
    let row = operator.row("SELECT status, raw FROM dead_letters").await;
    assert_eq!(row, json!({"status": "discarded", "raw": raw}));
    let audit = operator.row("SELECT actor, action, reason FROM audit_log").await;
    assert_eq!(
        audit,
        json!({"actor": "asha", "action": "dead_letter.discard", "reason": "a test message"})
    );
    let answer = operator
        .run(&["dead-letters", "replay", &id, "--reason", "r"])
        .await;
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(operator.queues.recorded().is_empty());
    operator.close().await;
}

#[tokio::test]
async fn a_discard_is_taken_back_on_the_record_and_the_dead_letter_goes_to_its_queue() {
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await
        .to_string();
    let before = operator.row("SELECT to_jsonb(d) AS d FROM dead_letters d").await;
    let run = async |change: &str, reason: &str| {
        operator
            .run(&["dead-letters", change, &id, "--reason", reason])
            .await
    };
    run("discard", "a test message").await.succeeded();
    // WHEN it is restored THEN its row is as it was, its place in the list included, and the log has both
    run("restore", "it was no test").await.succeeded();
    assert_eq!(
        operator.row("SELECT to_jsonb(d) AS d FROM dead_letters d").await,
        before
    );
    let audit = operator
        .rows("SELECT action, reason FROM audit_log ORDER BY id DESC LIMIT 1")
        .await;
    assert_eq!(
        audit,
        [json!({"action": "dead_letter.restore", "reason": "it was no test"})]
    );
    // AND once: what is parked is not restored
    let answer = run("restore", "again").await;
    assert!(
        answer.code == 1
            && answer
                .output
                .contains("only a discarded dead letter can be restored"),
        "{answer:?}"
    );
    run("replay", "it is owed").await.succeeded();
    assert_eq!(operator.queues.recorded().len(), 1);
    assert_eq!(run("restore", "again").await.code, 1, "it was sent back");
    operator.close().await;
}

#[tokio::test]
async fn what_lost_its_body_after_the_discard_stays_discarded() {
    let operator = Operator::open().await;
    let id = operator.dead_letter("created-cache", "{}").await.to_string();
    operator
        .run(&["dead-letters", "discard", &id, "--reason", "r"])
        .await
        .succeeded();
    operator
        .sql("UPDATE dead_letters SET raw = NULL, document = NULL")
        .await;
    let answer = operator
        .run(&["dead-letters", "restore", &id, "--reason", "r"])
        .await;
    assert!(
        answer.code == 1 && answer.output.contains("its body was removed"),
        "{answer:?}"
    );
    let left = "SELECT count(*) FROM dead_letters WHERE status = 'discarded'";
    assert_eq!(operator.count(left).await, 1);
    assert_eq!(operator.count("SELECT count(*) FROM audit_log").await, 1);
    let nothing = uuid::Uuid::nil().to_string();
    let answer = operator
        .run(&["dead-letters", "restore", &nothing, "--reason", "r"])
        .await;
    assert!(
        answer.code == 1 && answer.output.contains("no such dead letter"),
        "{answer:?}"
    );
    operator.close().await;
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_payload_and_where_it_would_go() {
    let operator = Operator::open().await;
    let raw = purchase_created().to_string();
    let id = operator.dead_letter("created-cache", &raw).await.to_string();
    let shown = operator
        .run(&["dead-letters", "show", &id, "--json"])
        .await
        .succeeded()
        .json();
    assert_eq!(
        (&shown["id"], &shown["replayTo"]),
        (&json!(id), &json!("created-cache"))
    );
    assert_eq!(shown["body"], raw);
    assert_eq!(shown["document"]["functionVersion"], "7");
    let payload = operator
        .run(&["dead-letters", "show", &id, "--payload"])
        .await
        .succeeded();
    assert_eq!(payload.output.trim_end(), raw);
    let text = operator.run(&["dead-letters", "show", &id]).await.succeeded();
    assert!(text.output.contains("would go to created-cache"), "{text:?}");
    let nothing = operator
        .run(&["dead-letters", "show", &uuid::Uuid::nil().to_string()])
        .await;
    assert_eq!(nothing.code, 1, "{nothing:?}");
    operator.close().await;
}
