//! `kill -9` of the very binary at each step: whatever was there at its death, the sweeps and a worker make one order of it.

use crate::till::{Till, question, request};
use makegood::gateway::Provider;
use makegood_local::gateway::Behaviour;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::link::{Link, Mark, to_client, to_server};
use makegood_tests::setting;
use makegood_tests::shop::Checkout;

/// Which conversation is listened to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conversation {
    Database,
    Queue,
}

const ASKS: &str = "WITH payment AS";
const RECORDS: &str = "INSERT INTO payment_gateway_verifications";

fn variables(till: &Till) -> Variables {
    let mut variables: Variables = till
        .gateway
        .variables("https://shop.test/paid")
        .into_iter()
        .chain([
            ("DATABASE_URL", till.database.pooler_url()),
            // One connection, on which all marks are seen in order.
            ("DATABASE_POOL_SIZE", "1".to_owned()),
            ("JOBS_QUEUE_URL", till.jobs.url.clone()),
        ])
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

/// Kills the environment when the conversation comes to the last mark; expects so many verifications then, and one order in
/// the end.
async fn killed_at(conversation: Conversation, marks: &[Mark], verifications_at_death: i64) {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 2)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    let name = match conversation {
        Conversation::Database => "DATABASE_URL",
        Conversation::Queue => "AWS_ENDPOINT_URL",
    };
    let mut variables = variables(&till);
    let link = Link::to_url(&variables[name]).await;
    variables.insert(name.to_owned(), link.through(&variables[name]));
    let victim = Environment::start("verify-payment", &variables).await;
    let mut stop = link.stop_at(marks);
    // WHEN it is killed there
    kill(&victim, &checkout, stop.reached()).await;
    drop(link);
    assert_eq!(
        till.rows("payment_gateway_verifications").await,
        verifications_at_death
    );
    assert_eq!(
        till.rows("job_queue").await,
        verifications_at_death,
        "verification and job are one"
    );
    assert_healed(till, verifications_at_death).await;
}

async fn kill(victim: &Environment, checkout: &Checkout, moment: impl Future<Output = ()>) {
    let killed = async {
        moment.await;
        assert!(!victim.has_exited(), "the victim lives until it is killed");
        victim.kill().await
    };
    let event = request(&question(checkout).to_string());
    let (outcome, _) = tokio::join!(victim.invoke(event), killed);
    assert!(outcome.was_killed(), "{outcome:?}\n{}", victim.lines().join("\n"));
}

/// Though the buyer never asks again.
async fn assert_healed(till: Till, verifications_at_death: i64) {
    // WHEN the next sweeps run THEN they verify it, or wake a worker for the job that no worker was woken for
    till.time_passes("6 minutes").await;
    let order = till.reconcile().await;
    assert_eq!(order["verified"], 1 - verifications_at_death, "{order}");
    till.sweep("stale-jobs").await;
    assert!(!till.jobs.drain().await.is_empty(), "a worker is woken");
    till.work().await;
    assert_eq!(till.rows("orders").await, 1);
    assert_eq!(till.rows("payment_gateway_verifications").await, 1);
    till.assert_sound().await;
    // AND running all of it again changes nothing
    let before = till.everything().await;
    till.reconcile().await;
    till.sweep("stale-jobs").await;
    till.work().await;
    assert_eq!(till.everything().await, before);
    till.shop.database.clone().drop().await;
}

#[tokio::test]
async fn killed_while_the_gateway_is_asked() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 2)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    till.gateway.script_for(&checkout.external, [Behaviour::Hang]);
    let victim = Environment::start("verify-payment", &variables(&till)).await;
    let asked = async {
        while till.gateway.questions(&checkout.external) == 0 {
            tokio::task::yield_now().await;
        }
    };
    kill(&victim, &checkout, asked).await;
    assert_eq!(
        till.rows("payment_intents WHERE metadata #>> '{gateway,asks}' = '1'")
            .await,
        1
    );
    assert_healed(till, 0).await;
}

#[tokio::test]
async fn killed_after_it_was_answered_and_before_the_server_hears_of_it() {
    let marks = [to_server(ASKS), to_server(RECORDS)];
    killed_at(Conversation::Database, &marks, 0).await;
}

#[tokio::test]
async fn killed_after_the_commit_and_before_it_heard_of_it() {
    // The statement commits by itself: its end is told after that.
    let marks = [to_server(RECORDS), to_client("SELECT 1\0")];
    killed_at(Conversation::Database, &marks, 1).await;
}

#[tokio::test]
async fn killed_between_commit_and_wake_up() {
    let marks = [to_server("AmazonSQS.SendMessageBatch")];
    killed_at(Conversation::Queue, &marks, 1).await;
}
