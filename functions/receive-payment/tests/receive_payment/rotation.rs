//! A secret that is rotated while environments live: the next message that is signed with the new one is believed, and forged ones do not
//! turn into questions to Secrets Manager.

use crate::setting::{RAZORPAY_SECRET, Setting, capture, razorpay_request, signed_webhook};
use futures::future::join_all;
use makegood::config::SecretSource;
use makegood::secret::Rotating;
use makegood_tests::queues;
use makegood_tests::secrets::Secrets;
use receive_payment::signature::{Keys, sign};
use serde_json::Value;

const NAME: &str = "RAZORPAY_WEBHOOK_SECRET";
const NEW_SECRET: &str = "the secret after the rotation";

/// A function that has its webhook secret from there.
async fn setting() -> (Setting, Secrets) {
    let secrets = Secrets::holding("makegood", "hush", "").await;
    secrets.put_text(Secrets::ARN, RAZORPAY_SECRET);
    let aws = queues::aws_at(secrets.url()).await;
    let read = |text: &str| Keys::read(NAME, text, 16).map_err(|error| error.to_string());
    let keys = (RAZORPAY_SECRET.to_owned(), read(RAZORPAY_SECRET).unwrap());
    let source = SecretSource::Arn(Secrets::ARN.to_owned());
    let mut setting = Setting::with_no_queue().await;
    setting.function.razorpay = Rotating::read_from(NAME, &source, &aws, keys, read);
    (setting, secrets)
}

fn signed_with(secret: &str, id: &str) -> Value {
    let body = capture(id).to_string();
    razorpay_request(&body, Some(&sign(secret, &[body.as_bytes()])))
}

#[tokio::test]
async fn a_message_signed_with_the_rotated_secret_is_believed_by_an_environment_that_lives() {
    let (setting, secrets) = setting().await;
    assert_eq!(
        setting
            .send(signed_webhook(&capture("pay_1").to_string()))
            .await
            .0,
        200
    );
    assert_eq!(secrets.reads(), 0, "what fits is not read again");
    // WHEN the new one stands beside the old one, and several messages come at once
    secrets.put_text(Secrets::ARN, &format!("{NEW_SECRET}\n{RAZORPAY_SECRET}"));
    let messages = (2..6).map(|n| setting.send(signed_with(NEW_SECRET, &format!("pay_{n}"))));
    let answers: Vec<u64> = join_all(messages)
        .await
        .into_iter()
        .map(|(status, _)| status)
        .collect();
    // THEN each is believed, and so is one that was signed before
    assert_eq!(answers, [200; 4]);
    assert_eq!(setting.send(signed_with(RAZORPAY_SECRET, "pay_6")).await.0, 200);
    assert_eq!(secrets.reads(), 1);
    assert_eq!(setting.payments_and_events().await, (6, 6));
    setting.finish().await;
}

#[tokio::test]
async fn forged_messages_have_the_secret_read_once_a_minute_at_most() {
    let (setting, secrets) = setting().await;
    let forged = (0..40).map(|n| setting.send(signed_with("some other secret", &format!("pay_{n}"))));
    for (status, answer) in join_all(forged).await {
        assert_eq!(status, 401, "{answer}");
    }
    assert_eq!(secrets.reads(), 1);
    // A header that is missing, or no hex, is no reason to ask.
    let body = capture("pay_1").to_string();
    assert_eq!(setting.send(razorpay_request(&body, None)).await.0, 401);
    assert_eq!(secrets.reads(), 1);
    setting.finish().await;
}

#[tokio::test]
async fn a_secret_that_was_changed_to_none_leaves_the_old_one_in_use() {
    for broken in ["{\"secret\": \"in JSON\"}", "short", ""] {
        let (setting, secrets) = setting().await;
        secrets.put_text(Secrets::ARN, broken);
        assert_eq!(
            setting.send(signed_with(broken, "pay_1")).await.0,
            401,
            "{broken}"
        );
        assert_eq!(secrets.reads(), 1);
        assert_eq!(
            setting.send(signed_with(RAZORPAY_SECRET, "pay_2")).await.0,
            200,
            "{broken}"
        );
        setting.finish().await;
    }
}
