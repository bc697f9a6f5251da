//! A begun payment whose metadata an ORM encoded twice is read as the object that it is.

use crate::setting::{STUDENT, Setting, capture, signed_webhook};
use serde_json::{Value, json};

async fn hinted(setting: &Setting, begun: uuid::Uuid, amount: i64) -> Value {
    let mut webhook = capture("pay_1");
    let entity = &mut webhook["payload"]["payment"]["entity"];
    entity["amount"] = json!(amount);
    entity["notes"] = json!({"studentId": STUDENT, "paymentId": begun, "timeSlot": "5:30 PM"});
    setting.send(signed_webhook(&webhook.to_string())).await.1
}

#[tokio::test]
async fn a_begun_payment_in_text_confirms_its_tier_and_keeps_its_fields() {
    for times in 1..=3 {
        // GIVEN a begun payment of ten sessions, its metadata the text of an object, or the text of that text
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment("initiated", 250_000).await;
        for _ in 0..times {
            let encode = "UPDATE payments SET metadata = to_jsonb(metadata::text)";
            setting.database.run_sql(encode).await;
        }
        // WHEN it is paid
        let answer = hinted(&setting, begun, 250_000).await;
        // THEN it is what was begun, and nothing of it is lost
        assert_eq!(
            (&answer["status"], &answer["paymentId"]),
            (&json!("recorded"), &json!(begun)),
            "{answer}"
        );
        let kept = setting.json("SELECT metadata FROM payments").await;
        assert_eq!(
            (&kept["purchaseTier"], &kept["checkout"], &kept["timeSlot"]),
            (&json!(10), &json!("web"), &json!("5:30 PM")),
            "encoded {times} times"
        );
        let told = setting
            .json("SELECT payload::jsonb -> 'metadata' -> 'purchaseTier' FROM outbox")
            .await;
        assert_eq!(told, json!(10));
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_text_that_holds_no_object_confirms_nothing() {
    for text in ["ten sessions", "", "[1]", "{\"courseId\":", "\"\\u0000\""] {
        let setting = Setting::with_no_queue().await;
        let begun = setting.begin_payment("initiated", 250_000).await;
        let literal = json!(text).to_string().replace('\'', "''");
        setting
            .database
            .run_sql(&format!(
                "UPDATE payments SET metadata = to_jsonb($text${literal}$text$::text)"
            ))
            .await;
        let answer = hinted(&setting, begun, 250_000).await;
        assert_eq!(answer["status"], json!("held"), "{text}: {answer}");
        setting.finish().await;
    }
}
