//! The same payment told again, one by one and at once.

use crate::setting::{
    NOW, PAYMENT, STUDENT, Setting, capture, confirmation, signed_confirmation, signed_webhook,
};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_repeat_answers_with_the_first_result() {
    let setting = Setting::with_no_queue().await;
    let (_, first) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    let (status, second) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    assert_eq!(status, 200);
    assert_eq!(first["paymentId"], second["paymentId"]);
    assert_eq!(
        (&second["status"], &second["duplicate"]),
        (&json!("recorded"), &json!(true))
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    setting.finish().await;
}

#[tokio::test]
async fn a_repeat_does_not_send_again_what_was_published() {
    // GIVEN a payment whose event was published, long enough ago that no lease holds it
    let setting = Setting::with_no_queue().await;
    setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    let published = "UPDATE outbox SET published_at = now() - interval '1 hour', claimed_until = NULL";
    setting.database.run_sql(published).await;
    // WHEN its webhook comes again
    let (_, second) = setting.send(signed_webhook(&capture("pay_1").to_string())).await;
    // THEN the event stays published
    assert_eq!(second["duplicate"], json!(true));
    let waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL OR claimed_until IS NOT NULL";
    assert_eq!(setting.count(waiting).await, 0);
    assert_eq!(setting.payments_and_events().await, (1, 1));
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_payment_and_one_event() {
    twenty_at_once("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_payment_without_the_unique_index() {
    twenty_at_once("DROP INDEX unique_provider_payment").await;
}

async fn twenty_at_once(first: &str) {
    // GIVEN a checkout that was begun, so that the row has another id than the derived one
    let setting = Setting::with_no_queue().await;
    setting.database.run_sql(first).await;
    let begun = setting.begin_payment("initiated", 499_900).await;
    // WHEN twenty environments hear of it at once, half of them from the payment service
    let mut webhook = capture("pay_1");
    webhook["payload"]["payment"]["entity"]["notes"]["paymentId"] = json!(begun);
    let mut told = confirmation();
    told["paymentId"] = json!(begun);
    let requests = (0..20).map(|n| match n % 2 {
        0 => signed_webhook(&webhook.to_string()),
        _ => signed_confirmation(&told.to_string(), NOW),
    });
    let answers = futures::future::join_all(requests.map(|request| setting.send(request))).await;
    // THEN all get the same answer, one of them as the first
    for (status, answer) in &answers {
        assert_eq!((*status, &answer["paymentId"]), (200, &json!(begun)), "{answer}");
    }
    assert_eq!(
        answers
            .iter()
            .filter(|(_, answer)| answer["duplicate"] == json!(false))
            .count(),
        1
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(setting.database.server_errors(), Vec::<String>::new());
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_first_webhooks_at_once_make_one_payment_without_the_unique_index() {
    let setting = Setting::with_no_queue().await;
    setting
        .database
        .run_sql("DROP INDEX unique_provider_payment")
        .await;
    // GIVEN confirmations under twenty ids of one provider payment: only the locks stand between them and twenty rows
    let requests = (0..20_u128).map(|n| {
        let mut told = confirmation();
        told["paymentId"] = json!(uuid::Uuid::from_u128(n + 1));
        signed_confirmation(&told.to_string(), NOW)
    });
    let answers = futures::future::join_all(requests.map(|request| setting.send(request))).await;
    assert!(
        answers
            .iter()
            .all(|(status, answer)| *status == 200 && answer["paymentId"] == answers[0].1["paymentId"])
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(setting.database.server_errors(), Vec::<String>::new());
    setting.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_another_writer_inserts_at_that_moment_is_met_and_not_fought() {
    // GIVEN a payment service that has inserted the same provider payment and not committed yet; it takes no lock of ours
    let setting = Setting::with_no_queue().await;
    let mut writer = setting.database.direct().begin().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO payments (id, student_id, amount_cents, status, provider_payment_id)
         VALUES ($1::uuid, $2::uuid, 499900, 'succeeded', 'pay_1')",
    )
    .bind(PAYMENT)
    .bind(STUDENT)
    .execute(&mut *writer)
    .await
    .expect("the row is inserted");
    // WHEN the webhook arrives, waits for that row, and the other commits
    let sending = setting.send(signed_webhook(&capture("pay_1").to_string()));
    let committing = async {
        setting.wait_for("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").await;
        writer.commit().await.expect("the commit");
    };
    let ((status, answer), ()) = futures::join!(sending, committing);
    // THEN the row keeps its id, and the event that was not published yet is published
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"paymentId": PAYMENT, "status": "recorded", "duplicate": false})
        )
    );
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(setting.database.server_errors(), Vec::<String>::new());
    setting.finish().await;
}

#[tokio::test]
async fn a_message_waits_while_another_of_the_same_payment_is_decided() {
    let setting = Setting::with_no_queue().await;
    // GIVEN a transaction that decides about this charge
    let mut holder = setting.database.direct().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('receive-payment:provider:pay_1', 0))")
        .execute(&mut *holder)
        .await
        .unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let ((status, answer), waited) = tokio::join!(
        setting.send(signed_webhook(&capture("pay_1").to_string())),
        async {
            let waited = tokio::time::timeout(Duration::from_secs(20), setting.wait_for(waiting)).await;
            let before = setting.payments_and_events().await;
            holder.commit().await.unwrap();
            waited.map(|()| before)
        }
    );
    // THEN nothing was written while it waited
    assert_eq!(waited.expect("it waits for the lock"), (0, 0));
    assert_eq!((status, &answer["status"]), (200, &json!("recorded")));
    assert_eq!(setting.payments_and_events().await, (1, 1));
    setting.finish().await;
}
