//! The doctor's page does not call well what it can't see.

use crate::stage::Stage;

#[tokio::test]
async fn nothing_is_said_to_hold_while_rows_may_be_missed() {
    let stage = Stage::open_with(&[]).await;
    let page = stage.page("/admin/doctor?only=G4").await;
    assert!(page.body.contains("Every guarantee holds."), "{}", page.body);
    // GIVEN another team's schema with a table of the same name, which every new session sees
    let shadowed = "CREATE SCHEMA reports; CREATE TABLE reports.payments (id uuid);
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, reports', current_database()); END $$;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    stage.database.run_sql(shadowed).await;
    // WHEN looked at again THEN it says why it can't tell
    let page = stage.page("/admin/doctor?only=G4").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("table-shadowed payments"), "{}", page.body);
    assert!(
        page.body.contains("unseen") && !page.body.contains("holds"),
        "{}",
        page.body
    );
    // The server said that it ended sessions, as it was told to.
    stage.database.drop().await;
}
