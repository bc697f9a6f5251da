//! `allocate-trainer` dies after the admin service gave a trainer and before it heard of it: the effect is outside our
//! database, and only the idempotency key makes it happen once.

use crate::scene::{ALLOCATE, Conversation, Rows, Scene};
use makegood_tests::link::{to_client, to_server};

#[tokio::test]
async fn killed_before_it_hears_of_a_granted_trainer_it_does_not_take_a_second_one() {
    // WHEN the environment is killed while the first grant is on its way to it
    let marks = [to_server("/allocations/auto-assign"), to_client("HTTP/1.1 201")];
    let aftermath = Scene::before(ALLOCATE)
        .await
        .kill_at(Conversation::Admin, &marks)
        .await;
    // THEN the admin service has given a trainer, and we know nothing of it
    assert!(aftermath.scene.granted() >= 1);
    assert_eq!(aftermath.scene.rows().await, Rows::NONE);
    assert_eq!(aftermath.scene.published().await, 0);
    // AND the next delivery gets that same trainer
    aftermath.redeliver().await;
    assert_eq!(aftermath.scene.rows().await, Rows::PUBLISHED);
    assert_eq!(aftermath.swept().await, 0);
    aftermath.assert_made_good(3).await;
}
