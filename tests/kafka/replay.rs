//! Everything from offset zero once more leaves the same rows.

use crate::scene::Scene;
use makegood_tests::course::Payment;

#[tokio::test]
async fn a_replay_of_every_topic_from_offset_zero_leaves_the_same_rows() {
    // GIVEN payments that were made good over three partitions, with one that can't be read among them
    let scene = Scene::set(3).await;
    let payments = Payment::several(9);
    scene.pay(&payments).await;
    scene
        .publish(&payments[0], "{\"type\":\"PURCHASE_CONFIRMED\"}")
        .await;
    let sources = scene.sources();
    scene.make_good(&sources).await;
    let rows = scene.course.course.rows().await;
    let sessions = "SELECT count(*) FROM tutoring_sessions";
    assert_eq!(scene.course.course.database.count(sessions).await, 9 * 7);

    // WHEN every group begins again at offset zero, twice
    for _ in 0..2 {
        for (_, source) in &sources {
            source.rewind().await;
        }
        scene.make_good(&sources).await;
    }

    // THEN the rows are the same, and the admin service gave no second trainer
    assert_eq!(scene.course.course.rows().await, rows);
    assert_eq!(scene.admin.report().allocations.len(), 9);
    drop(sources);
    scene.end().await;
}
