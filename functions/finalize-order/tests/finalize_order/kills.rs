//! `kill -9` of the very binary at each step of an order: whatever was there at its death, there is one order in the end.

use crate::shop::Shop;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::link::{Link, Mark, to_client, to_server};
use makegood_tests::queues::sqs_event;
use makegood_tests::setting;
use serde_json::json;

/// What the environment does at its end.
const COMPLETES: &str = "SET status = 'completed'";

/// Which conversation is listened to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conversation {
    Database,
    Queue,
}

fn variables(shop: &Shop) -> Variables {
    let mut variables: Variables = [
        ("DATABASE_URL", shop.database.pooler_url()),
        // One connection, on which all marks are seen in order.
        ("DATABASE_POOL_SIZE", "1".to_owned()),
        ("QUEUE_URL_ORDER_CONFIRMED", shop.confirmed.url.clone()),
        ("BUSINESS_TIMEZONE", "Asia/Kathmandu".to_owned()),
        ("JOB_LEASE_SECONDS", "60".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        variables.insert(name.to_owned(), setting(name));
    }
    variables
}

/// Kills the environment when the conversation comes to the last mark; expects so many orders then, and in the end one
/// order that reached the queue so many times.
async fn killed_at(conversation: Conversation, marks: &[Mark], orders_at_death: i64, published: usize) {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2), (2, 1)]).await;
    let name = match conversation {
        Conversation::Database => "DATABASE_URL",
        Conversation::Queue => "AWS_ENDPOINT_URL",
    };
    let mut variables = variables(&shop);
    let link = Link::to_url(&variables[name]).await;
    variables.insert(name.to_owned(), link.through(&variables[name]));
    let victim = Environment::start("finalize-order", &variables).await;
    let mut stop = link.stop_at(marks);
    // WHEN it is killed there
    let event = sqs_event("jobs", &[json!({"jobId": buyer.intent}).to_string()]);
    let killed = async {
        stop.reached().await;
        assert!(!victim.has_exited(), "the victim lives until it is killed");
        victim.kill().await
    };
    let (outcome, _) = tokio::join!(victim.invoke(event), killed);
    assert!(outcome.was_killed(), "{outcome:?}\n{}", victim.lines().join("\n"));
    drop(link);
    assert_eq!(shop.orders().await, orders_at_death);
    // AND no worker may take its job while the lease lasts
    shop.sweep("stale-jobs").await;
    shop.work().await;
    assert_eq!(shop.orders().await, orders_at_death);
    // AND the lease runs out, and the sweeps and another environment run
    shop.leases_run_out().await;
    shop.sql("UPDATE outbox SET claimed_until = now() - interval '1 second'")
        .await;
    for _ in 0..2 {
        shop.sweep("stale-jobs").await;
        shop.work().await;
        shop.sweep("outbox").await;
    }
    // THEN there is one order, its stock was taken once, and it was published
    assert_eq!(shop.orders().await, 1);
    assert_eq!(
        shop.count("SELECT 40 - sum(quantity_available) FROM inventory")
            .await,
        3
    );
    assert_eq!(shop.count("SELECT count(*) FROM cart_items").await, 0);
    assert_eq!(shop.text("SELECT status FROM job_queue").await, "completed");
    assert_eq!(shop.published().await, vec![buyer.intent; published]);
    assert_eq!(
        shop.count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await,
        0
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn killed_after_the_claim_and_before_its_transaction() {
    let marks = [to_server("UPDATE job_queue j"), to_server("BEGIN ISOLATION")];
    killed_at(Conversation::Database, &marks, 0, 1).await;
}

#[tokio::test]
async fn killed_after_its_intents_were_locked() {
    let marks = [to_server("pg_advisory_xact_lock"), to_server("WITH intent AS")];
    killed_at(Conversation::Database, &marks, 0, 1).await;
}

#[tokio::test]
async fn killed_after_it_was_read_what_is_to_be_made_and_before_anything_is() {
    let marks = [to_server("WITH intent AS"), to_server("WITH request AS")];
    killed_at(Conversation::Database, &marks, 0, 1).await;
}

#[tokio::test]
async fn killed_before_it_heard_that_all_was_written() {
    // The statement was described when it was prepared; its end is the first to say how many rows it has.
    let marks = [to_server(COMPLETES), to_client("SELECT 1\0")];
    killed_at(Conversation::Database, &marks, 0, 1).await;
}

#[tokio::test]
async fn killed_before_the_server_hears_of_the_commit() {
    let marks = [to_server(COMPLETES), to_server("COMMIT\0")];
    killed_at(Conversation::Database, &marks, 0, 1).await;
}

#[tokio::test]
async fn killed_after_the_commit_and_before_it_heard_of_it() {
    let marks = [to_server(COMPLETES), to_client("COMMIT\0")];
    killed_at(Conversation::Database, &marks, 1, 1).await;
}

#[tokio::test]
async fn killed_between_commit_and_publish() {
    let marks = [to_server("AmazonSQS.SendMessageBatch")];
    killed_at(Conversation::Queue, &marks, 1, 1).await;
}

/// The event goes out twice, which its readers must bear.
#[tokio::test]
async fn killed_after_publishing_and_before_it_noted_so() {
    let marks = [to_server(COMPLETES), to_server("UPDATE outbox SET published_at")];
    killed_at(Conversation::Database, &marks, 1, 2).await;
}
