//! The doctor's page does not call well what it can't see.

use crate::stage::Stage;

#[tokio::test]
async fn nothing_is_said_to_hold_while_rows_may_be_missed() {
    let stage = Stage::open_with(&[]).await;
    let page = stage.page("/admin/doctor?only=G4").await;
    assert!(page.body.contains("Every guarantee holds."), "{}", page.body);
    // GIVEN another team's change, by which rows are hours older or younger than they say
    stage
        .database
        .run_sql("ALTER TABLE payments ALTER COLUMN expires_at TYPE timestamp")
        .await;
    // WHEN looked at again THEN it says why it can't tell
    let page = stage.page("/admin/doctor?only=G4").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(
        page.body.contains("time-without-zone payments.expires_at"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("unseen") && !page.body.contains("holds"),
        "{}",
        page.body
    );
    stage.close().await;
}
