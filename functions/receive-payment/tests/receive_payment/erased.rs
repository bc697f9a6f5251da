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
async fn a_late_copy_is_answered_with_the_first_result_and_new_money_is_a_case_that_names_nobody() {
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
    // WHEN money comes that nobody knows of, by webhook or confirmation THEN a person gives it back
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
