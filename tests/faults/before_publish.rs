//! The environment dies after its commit, when it is about to publish.

use crate::scene::{ALLOCATE, CREATE, Conversation, Rows, SCHEDULE, Scene, Victim};
use makegood_tests::link::to_server;

async fn killed_between_commit_and_publish(victim: Victim) {
    // WHEN the environment is killed as it sends the first message
    let marks = [to_server("AmazonSQS.SendMessageBatch")];
    let aftermath = Scene::before(victim)
        .await
        .kill_at(Conversation::Queues, &marks)
        .await;
    // THEN all is committed, and no queue has anything
    assert_eq!(aftermath.scene.rows().await, Rows::COMMITTED);
    assert_eq!(aftermath.scene.published().await, 0);
    // AND the sweep publishes it
    aftermath.redeliver().await;
    assert_eq!(aftermath.swept().await, 3);
    aftermath.assert_made_good(3).await;
}

#[tokio::test]
async fn killed_between_commit_and_publish_a_purchase_still_gets_a_trainer() {
    killed_between_commit_and_publish(CREATE).await;
}

#[tokio::test]
async fn killed_between_commit_and_publish_an_allocation_still_gets_its_sessions() {
    killed_between_commit_and_publish(ALLOCATE).await;
}

#[tokio::test]
async fn killed_between_commit_and_publish_scheduled_sessions_are_still_published() {
    killed_between_commit_and_publish(SCHEDULE).await;
}
