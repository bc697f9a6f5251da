//! The environment dies after Postgres committed and before it heard of it.

use crate::scene::{ALLOCATE, CREATE, Conversation, Rows, SCHEDULE, Scene};
use makegood_tests::link::{Mark, to_client, to_server};

async fn killed_before_it_heard(scene: Scene, marks: &[Mark]) {
    // WHEN the environment is killed while the server's "done" is on its way
    let aftermath = scene.kill_at(Conversation::Database, marks).await;
    // THEN all is committed, and nothing is published
    assert_eq!(aftermath.scene.rows().await, Rows::COMMITTED);
    assert_eq!(aftermath.scene.published().await, 0);
    // AND the next delivery leaves it as it is, and the sweep publishes what the dead environment could not
    aftermath.redeliver().await;
    assert_eq!(aftermath.scene.rows().await, Rows::COMMITTED);
    assert_eq!(aftermath.swept().await, 3);
    aftermath.assert_made_good(3).await;
}

/// With a lock limit of the role it is one statement that commits by itself: by the time its result is sent, it is committed.
#[tokio::test]
async fn killed_before_it_hears_of_the_commit_a_purchase_is_made_once_and_published() {
    let marks = [
        to_server("INSERT INTO student_course_purchases"),
        to_client("SELECT 3\0"),
    ];
    killed_before_it_heard(Scene::with_lock_limit(CREATE).await, &marks).await;
}

/// Without one it has a transaction of its own.
#[tokio::test]
async fn killed_before_it_hears_of_its_transactions_commit_a_purchase_is_made_once_and_published() {
    let marks = [
        to_server("INSERT INTO student_course_purchases"),
        to_client("COMMIT\0"),
    ];
    killed_before_it_heard(Scene::before(CREATE).await, &marks).await;
}

#[tokio::test]
async fn killed_before_it_hears_of_the_fallbacks_commit_a_purchase_is_made_once_and_published() {
    let marks = [
        to_server("INSERT INTO student_course_purchases"),
        to_client("COMMIT\0"),
    ];
    killed_before_it_heard(Scene::without_index(CREATE).await, &marks).await;
}

#[tokio::test]
async fn killed_before_it_hears_of_the_commit_a_trainer_is_allocated_once_and_published() {
    let marks = [
        to_server("INSERT INTO trainer_allocations"),
        to_client("COMMIT\0"),
    ];
    killed_before_it_heard(Scene::before(ALLOCATE).await, &marks).await;
}

#[tokio::test]
async fn killed_before_it_hears_of_the_commit_sessions_are_scheduled_once_and_published() {
    let marks = [to_server("INSERT INTO tutoring_sessions"), to_client("COMMIT\0")];
    killed_before_it_heard(Scene::before(SCHEDULE).await, &marks).await;
}
