//! The environment dies when all is done, and only its answer to Lambda is not given.

use crate::scene::{ALLOCATE, CREATE, Conversation, Rows, SCHEDULE, Scene, Victim};
use makegood_tests::link::to_server;

async fn killed_before_the_answer(victim: Victim) {
    // WHEN the environment is killed as it answers
    let marks = [to_server("/response HTTP")];
    let aftermath = Scene::before(victim)
        .await
        .kill_at(Conversation::Runtime, &marks)
        .await;
    // THEN all is done
    assert_eq!(aftermath.scene.rows().await, Rows::PUBLISHED);
    assert_eq!(aftermath.scene.published().await, 3);
    // AND neither the next delivery nor the sweep does any of it again
    aftermath.redeliver().await;
    assert_eq!(aftermath.scene.rows().await, Rows::PUBLISHED);
    assert_eq!(aftermath.swept().await, 0);
    aftermath.assert_made_good(3).await;
}

#[tokio::test]
async fn killed_before_the_answer_a_purchase_is_made_once() {
    killed_before_the_answer(CREATE).await;
}

#[tokio::test]
async fn killed_before_the_answer_a_trainer_is_allocated_once() {
    killed_before_the_answer(ALLOCATE).await;
}

#[tokio::test]
async fn killed_before_the_answer_sessions_are_scheduled_once() {
    killed_before_the_answer(SCHEDULE).await;
}
