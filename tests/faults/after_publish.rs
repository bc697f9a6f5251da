//! The environment dies after it published, before it was noted that it did: everything is published twice.

use crate::scene::{ALLOCATE, CREATE, Conversation, Rows, SCHEDULE, Scene, Victim};
use makegood_tests::event_source::waiting;
use makegood_tests::link::{to_client, to_server};

async fn killed_between_publish_and_mark(victim: Victim) {
    // WHEN the environment is killed as it is about to mark what it published
    let marks = [to_server("UPDATE outbox SET published_at")];
    let aftermath = Scene::before(victim)
        .await
        .kill_at(Conversation::Database, &marks)
        .await;
    // THEN the successor has the events, and the outbox knows nothing of it
    assert_eq!(aftermath.scene.rows().await, Rows::COMMITTED);
    assert_eq!(aftermath.scene.published().await, 3);
    // AND what the sweep publishes once more is done once
    aftermath.redeliver().await;
    assert_eq!(aftermath.swept().await, 3);
    aftermath.assert_made_good(6).await;
}

#[tokio::test]
async fn killed_between_publish_and_mark_a_purchase_gets_one_trainer() {
    killed_between_publish_and_mark(CREATE).await;
}

#[tokio::test]
async fn killed_between_publish_and_mark_an_allocation_gets_seven_sessions() {
    killed_between_publish_and_mark(ALLOCATE).await;
}

#[tokio::test]
async fn killed_between_publish_and_mark_sessions_stay_seven() {
    killed_between_publish_and_mark(SCHEDULE).await;
}

#[tokio::test]
async fn killed_when_one_of_two_subscribers_has_the_outbox_events_both_get_them() {
    // WHEN the environment is killed at the first "taken" of either queue
    let marks = [to_server("AmazonSQS.SendMessageBatch"), to_client("HTTP/1.1 200")];
    let aftermath = Scene::before(CREATE)
        .await
        .kill_at(Conversation::Queues, &marks)
        .await;
    // THEN a queue has the events, and the outbox knows nothing of it
    assert_eq!(aftermath.scene.rows().await, Rows::COMMITTED);
    let trainer = aftermath.scene.published().await;
    let cache = waiting(&aftermath.scene.course.cache_invalidation).await;
    assert!(
        trainer + cache >= 3,
        "{trainer} for a trainer, {cache} for the cache"
    );
    // AND the sweep publishes them to both
    aftermath.redeliver().await;
    assert_eq!(aftermath.swept().await, 3);
    assert_eq!(
        waiting(&aftermath.scene.course.cache_invalidation).await,
        cache + 3
    );
    aftermath.assert_made_good(trainer + 3).await;
}
