//! The environment dies between insert and commit: the server never hears the COMMIT. `create-purchase` has that moment
//! only in its fallback; its fast path is one statement.

use crate::scene::{ALLOCATE, CREATE, Conversation, Rows, SCHEDULE, Scene};
use makegood_tests::link::{Mark, to_client, to_server};

fn before_the_commit(insert: &str) -> [Mark; 3] {
    [to_server(insert), to_client("SELECT 3\0"), to_server("COMMIT\0")]
}

#[tokio::test]
async fn killed_between_insert_and_commit_of_the_fallback_a_purchase_is_made_by_the_next_delivery() {
    // GIVEN no index WHEN the environment is killed as it is about to commit
    let marks = before_the_commit("INSERT INTO student_course_purchases");
    let aftermath = Scene::without_index(CREATE)
        .await
        .kill_at(Conversation::Database, &marks)
        .await;
    // THEN nothing of it is there
    assert_eq!(aftermath.scene.rows().await, Rows::NONE);
    assert_eq!(aftermath.scene.published().await, 0);
    // AND the next delivery gets the dead one's locks, and leaves nothing to the sweep
    aftermath.redeliver().await;
    assert_eq!(aftermath.scene.rows().await, Rows::PUBLISHED);
    assert_eq!(aftermath.swept().await, 0);
    aftermath.assert_made_good(3).await;
}

#[tokio::test]
async fn killed_between_insert_and_commit_a_granted_trainer_is_recorded_by_the_next_delivery() {
    let marks = before_the_commit("INSERT INTO trainer_allocations");
    let aftermath = Scene::before(ALLOCATE)
        .await
        .kill_at(Conversation::Database, &marks)
        .await;
    assert_eq!(aftermath.scene.rows().await, Rows::NONE);
    assert_eq!(aftermath.scene.published().await, 0);
    assert_eq!(
        aftermath.scene.granted(),
        3,
        "the admin service has given its trainers"
    );
    aftermath.redeliver().await;
    assert_eq!(aftermath.scene.rows().await, Rows::PUBLISHED);
    assert_eq!(aftermath.swept().await, 0);
    aftermath.assert_made_good(3).await;
}

#[tokio::test]
async fn killed_between_insert_and_commit_sessions_are_scheduled_by_the_next_delivery() {
    let marks = [to_server("INSERT INTO tutoring_sessions"), to_server("COMMIT\0")];
    let aftermath = Scene::before(SCHEDULE)
        .await
        .kill_at(Conversation::Database, &marks)
        .await;
    assert_eq!(aftermath.scene.rows().await, Rows::NONE);
    assert_eq!(aftermath.scene.published().await, 0);
    aftermath.redeliver().await;
    assert_eq!(aftermath.scene.rows().await, Rows::PUBLISHED);
    assert_eq!(aftermath.swept().await, 0);
    aftermath.assert_made_good(3).await;
}
