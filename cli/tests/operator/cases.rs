//! Cases: assigned, noted, resolved, and not opened again by a sweep.

use crate::operator::Operator;
use makegood::case::{self, CaseKind, NewCase};
use makegood::job::{JobFailure, JobId, open_case_of_paid_intent};
use serde_json::{Value, json};
use uuid::Uuid;

fn surplus() -> NewCase {
    NewCase {
        kind: CaseKind::SurplusPayment,
        subject: "payment-7".to_owned(),
        payment_id: None,
        payment_intent_id: None,
        amount_minor: Some(499_900),
        currency: Some("INR".to_owned()),
        details: json!({"ownedPurchaseId": "p-1"}),
    }
}

impl Operator {
    /// An open case of a second payment.
    async fn case(&self) -> String {
        assert!(case::open(&mut self.connect().await, &surplus()).await.unwrap());
        let row = self.row("SELECT id FROM payment_cases").await;
        row["id"].as_str().unwrap().to_owned()
    }

    async fn the_case(&self) -> Value {
        self.row("SELECT status, resolved_by, note, details FROM payment_cases")
            .await
    }
}

#[tokio::test]
async fn a_case_is_assigned_noted_and_resolved_and_each_is_on_the_record() {
    let operator = Operator::open().await;
    let id = operator.case().await;
    let assign = [
        "cases",
        "assign",
        &id,
        "--to",
        "binod",
        "--reason",
        "knows the bank",
    ];
    operator.run(&assign).await.succeeded();
    for note in ["asked the bank", "the bank answered"] {
        operator
            .run(&["cases", "note", &id, "--note", note])
            .await
            .succeeded();
    }
    let resolve = ["cases", "resolve", &id, "--note", "refunded", "--as", "binod"];
    operator.run(&resolve).await.succeeded();

    let case = operator.the_case().await;
    assert_eq!(
        (&case["status"], &case["resolved_by"], &case["note"]),
        (&json!("resolved"), &json!("binod"), &json!("refunded"))
    );
    let details = &case["details"];
    assert_eq!(
        (&details["ownedPurchaseId"], &details["assignee"]),
        (&json!("p-1"), &json!("binod"))
    );
    let notes: Vec<&Value> = details["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| &note["text"])
        .collect();
    assert_eq!(notes, ["asked the bank", "the bank answered"]);
    assert_eq!(details["notes"][0]["by"], "asha");
    let actions = operator
        .rows("SELECT action, actor FROM audit_log ORDER BY id")
        .await;
    let actions: Vec<String> = actions
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["action"].as_str().unwrap(),
                row["actor"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        actions,
        [
            "case.assign asha",
            "case.note asha",
            "case.note asha",
            "case.resolve binod"
        ]
    );
    operator.close().await;
}

#[tokio::test]
async fn a_resolved_case_stays_resolved() {
    // GIVEN a resolved case
    let operator = Operator::open().await;
    let id = operator.case().await;
    let resolve = ["cases", "resolve", &id, "--note", "refunded"];
    operator.run(&resolve).await.succeeded();
    let before = operator.the_case().await;

    // WHEN a sweep sees the same payment again, and people try to change it
    assert!(
        !case::open(&mut operator.connect().await, &surplus())
            .await
            .unwrap()
    );
    for change in [
        &resolve[..],
        &["cases", "assign", &id, "--to", "b", "--reason", "r"],
    ] {
        let answer = operator.run(change).await;
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(answer.output.contains("resolved already"), "{answer:?}");
    }
    let unknown = operator
        .run(&["cases", "resolve", &Uuid::nil().to_string(), "--note", "r"])
        .await;
    assert!(
        unknown.code == 1 && unknown.output.contains("no such case"),
        "{unknown:?}"
    );

    // THEN nothing changed, and there is one resolution on the record
    assert_eq!(operator.the_case().await, before);
    assert_eq!(operator.count("SELECT count(*) FROM audit_log").await, 1);
    operator.close().await;
}

#[tokio::test]
async fn a_case_that_opens_again_keeps_its_assignee_and_notes() {
    // GIVEN a resolved case of a paid intent, assigned and noted
    let operator = Operator::open().await;
    operator.sql(
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
         VALUES ('pi_7', gen_random_uuid(), 'khalti', 't', 5000, '[]');
         INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
         VALUES ('khalti', 't', 'pi_7', 'success')",
    )
    .await;
    let failure = |reason: &str| JobFailure::permanent("no_vendor", reason);
    let open = async |reason: &str| {
        let mut connection = operator.connect().await;
        let job = JobId(Uuid::nil());
        let kind = CaseKind::Unfulfillable;
        open_case_of_paid_intent(&mut connection, kind, "pi_7", job, &failure(reason)).await
    };
    assert!(open("first").await.unwrap());
    let id = operator.row("SELECT id FROM payment_cases").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    operator
        .run(&["cases", "assign", &id, "--to", "binod", "--reason", "r"])
        .await
        .succeeded();
    operator
        .run(&["cases", "note", &id, "--note", "vendor called"])
        .await
        .succeeded();
    operator
        .run(&["cases", "resolve", &id, "--note", "retried"])
        .await
        .succeeded();

    // WHEN its job fails once more
    assert!(open("second").await.unwrap());

    // THEN it is open with the new reason, and what people wrote is still there
    let case = operator.the_case().await;
    assert_eq!(
        (&case["status"], &case["details"]["reason"]),
        (&json!("open"), &json!("second"))
    );
    assert_eq!(case["details"]["assignee"], "binod");
    assert_eq!(case["details"]["notes"][0]["text"], "vendor called");
    operator.close().await;
}

#[tokio::test]
async fn open_cases_are_listed_and_others_when_asked_for() {
    let operator = Operator::open().await;
    let id = operator.case().await;
    operator
        .sql("INSERT INTO payment_cases (kind, subject, status) VALUES ('refund_due', 'pi_1', 'resolved')")
        .await;
    let list = async |arguments: &[&str]| {
        let arguments = [&["--json", "cases", "list"], arguments].concat();
        operator.run(&arguments).await.succeeded().json()["items"]
            .as_array()
            .unwrap()
            .clone()
    };
    let open = list(&[]).await;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (&open[0]["id"], &open[0]["amountMinor"]),
        (&json!(id), &json!(499_900))
    );
    assert_eq!(list(&["--status", "all"]).await.len(), 2);
    assert_eq!(list(&["--status", "all", "--kind", "refund_due"]).await.len(), 1);
    let shown = operator.run(&["cases", "show", &id]).await.succeeded();
    assert!(
        shown.output.contains("INR 4,999.00") && shown.output.contains("assignee       none"),
        "{shown:?}"
    );
    operator.close().await;
}
