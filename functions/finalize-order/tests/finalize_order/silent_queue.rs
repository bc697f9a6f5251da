//! A queue that misbehaves costs a worker no more than its limit, and no order.

use crate::shop::Shop;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::misbehaving::{Manner, Misbehaving};
use makegood_tests::queues::sqs_event;
use makegood_tests::setting;
use serde_json::json;
use std::time::Duration;

/// What Lambda allows it (template.yaml).
const ALLOWED: Duration = Duration::from_secs(30);
const BUYERS: u32 = 30;

#[tokio::test]
async fn thirty_orders_are_made_in_one_run_although_the_queues_never_answer() {
    for manner in Manner::ENDLESS {
        let shop = Shop::open().await;
        shop.sql("UPDATE inventory SET quantity_available = 100").await;
        for number in 1..=BUYERS {
            shop.paid(number, &[(1, 1)]).await;
        }
        let queue = Misbehaving::start(manner).await;
        let mut variables: Variables = [
            ("DATABASE_URL", shop.database.pooler_url()),
            ("QUEUE_URL_ORDER_CONFIRMED", shop.confirmed.url.clone()),
            ("JOBS_QUEUE_URL", shop.confirmed.url.clone()),
            ("BUSINESS_TIMEZONE", "Asia/Kathmandu".to_owned()),
            ("AWS_ENDPOINT_URL", queue.url().to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            variables.insert(name.to_owned(), setting(name));
        }
        let worker = Environment::start("finalize-order", &variables).await;
        let event = sqs_event("jobs", &[json!({"jobId": "any"}).to_string()]);
        let answer = worker.invoke_within(event, ALLOWED).await.answer();
        assert_eq!(answer, json!({"batchItemFailures": []}), "{manner:?}");
        assert_eq!(shop.orders().await, i64::from(BUYERS), "{manner:?}");
        let waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL";
        assert_eq!(shop.count(waiting).await, i64::from(BUYERS), "{manner:?}");
        shop.close().await;
    }
}
