//! What comes late for a student who was erased: acknowledged, and nothing is made.

use crate::setting::{NOW, STUDENT, Setting, capture, confirmation, signed_confirmation, signed_webhook};
use makegood::erased::pseudonym;
use serde_json::json;
use uuid::Uuid;

impl Setting {
    /// As `makegood privacy erase` leaves the student's payments: under the pseudonym.
    async fn erase(&self) -> Uuid {
        let student: Uuid = STUDENT.parse().unwrap();
        let name = pseudonym(student);
        self.database
            .run_sql(&format!(
                "INSERT INTO erased_people (pipeline, person, done_at) VALUES ('course', '{name}', now());
                 UPDATE payments SET student_id = '{name}'"
            ))
            .await;
        name
    }

    async fn tells_of_the_student(&self) -> i64 {
        self.count(&format!(
            "SELECT (SELECT count(*) FROM payments WHERE payments::text LIKE '%{STUDENT}%')
                    + (SELECT count(*) FROM payment_cases WHERE payment_cases::text LIKE '%{STUDENT}%')
                    + (SELECT count(*) FROM outbox WHERE outbox::text LIKE '%{STUDENT}%')"
        ))
        .await
    }
}

#[tokio::test]
async fn a_late_copy_is_answered_with_the_first_result_and_new_money_is_a_case_without_the_student() {
    // GIVEN a recorded payment whose student was erased since, and whose event has left the outbox
    let setting = Setting::with_no_queue().await;
    let (_, first) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    setting.erase().await;
    setting.database.run_sql("DELETE FROM outbox").await;
    // WHEN the same webhook comes again THEN it is a duplicate
    let (status, again) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    assert_eq!(
        (status, &again["paymentId"], &again["duplicate"]),
        (200, &first["paymentId"], &json!(true))
    );
    assert_eq!(setting.payments_and_events().await, (1, 0));
    // WHEN money comes of which no row tells, by webhook or confirmation THEN a person gives it back
    let mut told = confirmation();
    told["providerPaymentId"] = json!("pay_3");
    for request in [
        signed_webhook(&capture("pay_2").to_string()),
        signed_confirmation(&told.to_string(), NOW),
    ] {
        let (status, held) = setting.send(request).await;
        assert_eq!(
            (status, &held["status"], &held["code"]),
            (200, &json!("held"), &json!("student_erased")),
            "{held}"
        );
    }
    assert_eq!(setting.payments_and_events().await, (1, 0));
    assert_eq!(setting.count("SELECT count(*) FROM payment_cases").await, 2);
    assert_eq!(setting.tells_of_the_student().await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn a_begun_payment_of_an_erased_student_that_is_paid_after_all_is_a_case() {
    let setting = Setting::with_no_queue().await;
    let begun = setting.begin_payment("cancelled", 499_900).await;
    setting.erase().await;
    let mut webhook = capture("pay_1");
    webhook["payload"]["payment"]["entity"]["notes"]["paymentId"] = json!(begun);
    // By its notes it is the student's, by its row the pseudonym's: neither makes anything.
    for notes in [
        webhook["payload"]["payment"]["entity"]["notes"].clone(),
        json!({"paymentId": begun}),
    ] {
        webhook["payload"]["payment"]["entity"]["notes"] = notes;
        let (status, held) = setting.send(signed_webhook(&webhook.to_string())).await;
        assert_eq!((status, &held["status"]), (200, &json!("held")), "{held}");
    }
    assert_eq!(setting.payments_and_events().await, (1, 0));
    assert_eq!(
        setting
            .count("SELECT count(*) FROM payments WHERE status = 'cancelled'")
            .await,
        1
    );
    assert_eq!(setting.tells_of_the_student().await, 0);
    setting.finish().await;
}

const ROW_GONE: &str =
    "SELECT count(*) FROM payment_cases WHERE kind = 'unknown_payment' AND status = 'open'";

/// Whoever erases by hand deletes rows; what is left are the events.
#[tokio::test]
async fn a_late_copy_of_a_payment_whose_row_was_deleted_makes_nothing_and_is_one_case() {
    for left in ["outbox", "processed_events"] {
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment("initiated", 499_900).await;
        let mut hinted = capture("pay_2");
        hinted["payload"]["payment"]["entity"]["notes"]["paymentId"] = json!(begun);
        let webhooks = [capture("pay_1"), hinted];
        let mut first = Vec::new();
        for webhook in &webhooks {
            let (_, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
            assert_eq!(answer["status"], json!("recorded"), "{answer}");
            first.push(answer["paymentId"].clone());
        }
        // GIVEN their rows were deleted, and the events are where they end up
        let mut delete = "DELETE FROM payments;".to_owned();
        if left == "processed_events" {
            delete += "INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
                         SELECT event_id, event_type, correlation_id, payload, 'test' FROM outbox;
                       DELETE FROM outbox;";
        }
        setting.database.run_sql(&delete).await;
        // WHEN copies come THEN they are acknowledged, nothing is made, and a person is told once
        for (repeat, (webhook, id)) in webhooks
            .iter()
            .zip(&first)
            .chain(webhooks.iter().zip(&first))
            .enumerate()
        {
            let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
            assert_eq!(
                (status, &answer["status"], &answer["case"], &answer["paymentId"]),
                (200, &json!("held"), &json!("unknown_payment"), id),
                "{left}: {answer}"
            );
            assert_eq!(answer["duplicate"], json!(repeat >= 2));
        }
        assert_eq!(setting.count("SELECT count(*) FROM payments").await, 0);
        assert_eq!(setting.count(ROW_GONE).await, 2);
        // New money of the same student is recorded all the same.
        let (_, new) = setting.send(signed_webhook(&capture("pay_3").to_string())).await;
        assert_eq!(new["status"], json!("recorded"));
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_confirmation_of_a_deleted_payment_makes_nothing() {
    let setting = Setting::with_no_queue().await;
    let request = signed_confirmation(&confirmation().to_string(), NOW);
    setting.send(request.clone()).await;
    setting.database.run_sql("DELETE FROM payments").await;
    let (status, answer) = setting.send(request).await;
    assert_eq!(
        (status, &answer["case"]),
        (200, &json!("unknown_payment")),
        "{answer}"
    );
    assert_eq!(setting.payments_and_events().await, (0, 1));
    let code = setting.json("SELECT details -> 'code' FROM payment_cases").await;
    assert_eq!(code, json!("payment_row_gone"));
    setting.finish().await;
}
