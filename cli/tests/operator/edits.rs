//! Edits that a second operator confirms before anything is sent.

use crate::operator::{Answer, Operator, purchase_created};
use serde_json::{Value, json};
use std::io::Write;
use tempfile::NamedTempFile;
use uuid::Uuid;
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// An AWS that knows the person at the terminal by this ARN.
async fn aws_of(name: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:sts::000000000000:assumed-role/operators/{name}</Arn><UserId>u</UserId><Account>000000000000</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    Mock::given(body_string_contains("GetCallerIdentity"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(answer, "text/xml"))
        .mount(&server)
        .await;
    server
}

/// A stack with several operators, two of whom are here.
struct Team {
    operator: Operator,
    asha: MockServer,
    ravi: MockServer,
}

impl Team {
    async fn open() -> Self {
        Self {
            operator: Operator::open().await,
            asha: aws_of("asha").await,
            ravi: aws_of("ravi").await,
        }
    }

    /// The command with this name typed, and this answer of AWS.
    async fn run_as(&self, name: &str, aws: &str, arguments: &[&str]) -> Answer {
        let mut command = self.operator.command(arguments);
        command
            .env_remove("SINGLE_OPERATOR")
            .env("USER", name)
            .env("AWS_ENDPOINT_URL_STS", aws);
        let output = command.spawn().unwrap().wait_with_output().await.unwrap();
        Answer {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }

    async fn asha(&self, arguments: &[&str]) -> Answer {
        self.run_as("asha", &self.asha.uri(), arguments).await
    }

    async fn ravi(&self, arguments: &[&str]) -> Answer {
        self.run_as("ravi", &self.ravi.uri(), arguments).await
    }

    /// Asha sends this body in place of a dead letter's.
    async fn edit(&self, id: &str, body: &Value) -> Answer {
        let file = file(body);
        let path = file.path().to_str().unwrap();
        self.asha(&[
            "dead-letters",
            "replay",
            id,
            "--payload",
            path,
            "--reason",
            "wrong course",
        ])
        .await
    }

    /// The edit that waits.
    async fn pending(&self) -> String {
        let row = self
            .operator
            .row("SELECT id FROM proposed_edits WHERE status = 'pending'")
            .await;
        row["id"].as_str().unwrap().to_owned()
    }

    fn sent(&self) -> usize {
        self.operator.queues.recorded().len()
    }

    /// A dead letter of one course, and its body with another one.
    async fn wrong_course(&self) -> (String, Value, Value) {
        let before = purchase_created();
        let mut after = before.clone();
        after["courseId"] = json!(Uuid::new_v4());
        let id = self
            .operator
            .dead_letter("created-cache", &before.to_string())
            .await;
        (id.to_string(), before, after)
    }
}

fn file(body: &Value) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(body.to_string().as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn an_edit_that_changes_what_is_bought_is_sent_when_another_operator_confirms_it() {
    // GIVEN an edit of the course
    let team = Team::open().await;
    let (id, before, after) = team.wrong_course().await;
    let proposed = team.edit(&id, &after).await;
    // THEN it waits, and the dead letter is as it was
    assert_eq!(proposed.code, 1, "{proposed:?}");
    assert!(proposed.output.contains("it changes courseId"), "{proposed:?}");
    assert_eq!(team.sent(), 0);
    let dead_letter = team.operator.row("SELECT raw, status FROM dead_letters").await;
    assert_eq!(
        dead_letter,
        json!({"raw": before.to_string(), "status": "parked"})
    );
    let edit = team.pending().await;
    // WHEN it is confirmed by the same person, under any name, or by a person of whom only the name is known THEN nothing is sent
    let confirm = ["edits", "confirm", edit.as_str(), "--reason", "seen the invoice"];
    let unknown = MockServer::start().await;
    for (name, aws, why) in [
        ("asha", &team.asha, "asha proposed it"),
        ("ravi", &team.asha, "asha proposed it"),
        ("Asha", &team.ravi, "asha proposed it"),
        ("ravi", &unknown, "who you are is not known"),
    ] {
        let refused = team.run_as(name, &aws.uri(), &confirm).await;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.output.contains(why), "{refused:?}");
    }
    let again = team.edit(&id, &after).await;
    assert!(
        again.output.contains("waits for another operator already"),
        "{again:?}"
    );
    assert_eq!(team.sent(), 0);
    // WHEN another person confirms it THEN it is sent, once, and the record names both
    team.ravi(&confirm).await.succeeded();
    let recorded = team.operator.queues.recorded();
    assert_eq!((recorded.len(), &recorded[0].body), (1, &after.to_string()));
    let audit = team
        .operator
        .row("SELECT actor, details FROM audit_log WHERE action = 'dead_letter.replay'")
        .await;
    assert_eq!(audit["actor"], "ravi");
    let details = &audit["details"];
    assert_eq!(
        (&details["proposedBy"], &details["proposedFor"]),
        (&json!("asha"), &json!("wrong course"))
    );
    assert!(
        details["caller"].as_str().unwrap().ends_with("/ravi"),
        "{details}"
    );
    assert_eq!(details["originalPayload"], before.to_string());
    let over = team.ravi(&confirm).await;
    assert!(over.output.contains("it is confirmed already"), "{over:?}");
    let kept = team
        .operator
        .row("SELECT body, decided_by FROM proposed_edits")
        .await;
    assert_eq!(kept, json!({"body": null, "decided_by": "ravi"}));
    team.operator.close().await;
}

#[tokio::test]
async fn an_edit_of_a_time_or_a_spelling_is_sent_at_once() {
    let team = Team::open().await;
    let (id, before, _) = team.wrong_course().await;
    let mut after = before;
    after["timestamp"] = json!("2026-01-01T00:00:00Z");
    after["purchaseTier"] = json!(30.0);
    team.edit(&id, &after).await.succeeded();
    assert_eq!(team.sent(), 1);
    team.operator.close().await;
}

#[tokio::test]
async fn who_is_known_by_name_only_can_not_propose_an_edit_that_no_operator_could_confirm() {
    let team = Team::open().await;
    let (id, _, after) = team.wrong_course().await;
    let file = file(&after);
    let path = file.path().to_str().unwrap();
    let unknown = MockServer::start().await;
    let arguments = ["dead-letters", "replay", &id, "--payload", path, "--reason", "r"];
    let refused = team.run_as("asha", &unknown.uri(), &arguments).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.output.contains("sts:GetCallerIdentity"), "{refused:?}");
    assert_eq!(
        team.operator.count("SELECT count(*) FROM proposed_edits").await,
        0
    );
    team.operator.close().await;
}

#[tokio::test]
async fn an_edit_of_what_the_dead_letter_is_no_longer_is_not_sent() {
    for (change, why) in [
        (
            "UPDATE dead_letters SET raw = replace(raw, 'PURCHASE', 'PURCHASE')||' '",
            "has changed since",
        ),
        ("UPDATE dead_letters SET replay_count = 1", "has changed since"),
        (
            "UPDATE dead_letters SET status = 'discarded'",
            "it is discarded already",
        ),
    ] {
        let team = Team::open().await;
        let (id, _, after) = team.wrong_course().await;
        team.edit(&id, &after).await;
        let edit = team.pending().await;
        team.operator.sql(change).await;
        let refused = team.ravi(&["edits", "confirm", &edit, "--reason", "r"]).await;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.output.contains(why), "{refused:?}");
        assert_eq!(team.sent(), 0);
        team.operator.close().await;
    }
}

#[tokio::test]
async fn a_withdrawn_edit_is_not_sent_and_makes_room_for_another() {
    let team = Team::open().await;
    let (id, before, after) = team.wrong_course().await;
    team.edit(&id, &after).await;
    let edit = team.pending().await;
    let shown = team.ravi(&["edits", "show", &edit]).await.succeeded();
    let change = format!("courseId: {} → {}", before["courseId"], after["courseId"]);
    assert!(shown.output.contains(&change), "{shown:?}");
    let listed = team.ravi(&["edits", "list", "--json"]).await.succeeded().json();
    assert_eq!(listed["items"][0]["id"], edit);
    team.ravi(&["edits", "withdraw", &edit, "--reason", "not his course"])
        .await
        .succeeded();
    let refused = team.ravi(&["edits", "confirm", &edit, "--reason", "r"]).await;
    assert!(refused.output.contains("it is withdrawn already"), "{refused:?}");
    let listed = team.ravi(&["edits", "list", "--json"]).await.succeeded().json();
    assert_eq!(listed["items"], json!([]));
    assert_eq!(team.edit(&id, &after).await.code, 1);
    assert_ne!(team.pending().await, edit);
    assert_eq!(team.sent(), 0);
    team.operator.close().await;
}

#[tokio::test]
async fn a_stack_with_one_operator_sends_an_edit_at_once_and_the_record_says_so() {
    let team = Team::open().await;
    let (id, _, after) = team.wrong_course().await;
    let file = file(&after);
    let path = file.path().to_str().unwrap();
    let arguments = ["dead-letters", "replay", &id, "--payload", path, "--reason", "r"];
    team.operator.run(&arguments).await.succeeded();
    assert_eq!(team.sent(), 1);
    let audit = team.operator.row("SELECT details FROM audit_log").await;
    assert_eq!(audit["details"]["singleOperator"], true);
    team.operator.close().await;
}

#[tokio::test]
async fn an_event_from_a_file_waits_unless_the_outbox_has_it_so() {
    // GIVEN an event that Makegood published
    let team = Team::open().await;
    let event = purchase_created();
    let published = format!(
        "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, published_at)
         VALUES ('purchase-created-{}', 'PURCHASE_CREATED', 'purchase-created', '{event}', gen_random_uuid(), now())",
        event["purchaseId"].as_str().unwrap()
    );
    team.operator.sql(&published).await;
    // WHEN it is sent again as it was THEN it goes to both queues at once
    let as_it_was = file(&event);
    let arguments = [
        "replay-event",
        as_it_was.path().to_str().unwrap(),
        "--reason",
        "lost",
    ];
    team.asha(&arguments).await.succeeded();
    assert_eq!(team.sent(), 2);
    // WHEN another student is to get it, or it was never published THEN it waits
    let mut other = event.clone();
    other["studentId"] = json!(Uuid::new_v4());
    for event in [other, purchase_created()] {
        let edited = file(&event);
        let arguments = [
            "replay-event",
            edited.path().to_str().unwrap(),
            "--reason",
            "lost",
        ];
        let waits = team.asha(&arguments).await;
        assert_eq!(waits.code, 1, "{waits:?}");
        assert!(
            waits.output.contains("another operator must confirm it"),
            "{waits:?}"
        );
        let edit = team.pending().await;
        let before = team.sent();
        let refused = team.asha(&["edits", "confirm", &edit, "--reason", "r"]).await;
        assert_eq!((refused.code, team.sent()), (1, before), "{refused:?}");
        team.ravi(&["edits", "confirm", &edit, "--reason", "agreed"])
            .await
            .succeeded();
        let recorded = team.operator.queues.recorded();
        assert_eq!(recorded.len(), before + 2);
        let body: Value = serde_json::from_str(&recorded[before].body).unwrap();
        assert_eq!(body, event);
    }
    let audit = "SELECT count(*) FROM audit_log WHERE action = 'event.replay' AND actor = 'ravi' AND details ->> 'proposedBy' = 'asha'";
    assert_eq!(team.operator.count(audit).await, 2);
    team.operator.close().await;
}

#[tokio::test]
async fn an_event_that_its_queue_does_not_take_still_waits() {
    let team = Team::open().await;
    let event = file(&purchase_created());
    team.asha(&["replay-event", event.path().to_str().unwrap(), "--reason", "lost"])
        .await;
    let edit = team.pending().await;
    let mut command = team
        .operator
        .command(&["edits", "confirm", &edit, "--reason", "agreed"]);
    command
        .env_remove("SINGLE_OPERATOR")
        .env("USER", "ravi")
        .env("AWS_ENDPOINT_URL_STS", team.ravi.uri())
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("QUEUE_URL_PURCHASE_CREATED", "http://127.0.0.1:9/0/created");
    let output = command.spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(team.pending().await, edit);
    team.operator.close().await;
}
