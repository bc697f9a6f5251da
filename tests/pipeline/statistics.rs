//! Tables that were filled without being counted: migrating counts them.

use makegood::schema::migrate;
use makegood_tests::database::TestDatabase;

#[tokio::test]
async fn what_was_loaded_without_statistics_is_counted_once_and_said() {
    // GIVEN a table that was filled and not counted
    let database = TestDatabase::create().await;
    database
        .run_sql(
            "ALTER TABLE health_samples SET (autovacuum_enabled = false);
             INSERT INTO health_samples (name, at, value) SELECT 'loaded', now() - n * interval '1 second', n FROM generate_series(1, 5000) n",
        )
        .await;
    let url = database.direct_url().parse().unwrap();
    // WHEN it is migrated THEN it is counted and named
    let report = migrate(&url, &|_| {}).await.unwrap();
    assert_eq!(report.analyzed, ["health_samples"]);
    let rows = "SELECT reltuples::bigint FROM pg_class WHERE relname = 'health_samples'";
    assert_eq!(database.count(rows).await, 5_000);
    // WHEN it is migrated again THEN there is nothing to count
    assert_eq!(
        migrate(&url, &|_| {}).await.unwrap().analyzed,
        Vec::<String>::new()
    );
    database.drop().await;
}

#[tokio::test]
async fn a_locked_table_is_left_and_named() {
    let database = TestDatabase::create().await;
    database
        .run_sql(
            "ALTER TABLE health_samples SET (autovacuum_enabled = false);
             INSERT INTO health_samples (name, at, value) VALUES ('loaded', now(), 1)",
        )
        .await;
    let mut holder = database.direct().begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE health_samples IN SHARE UPDATE EXCLUSIVE MODE")
        .execute(&mut *holder)
        .await
        .unwrap();
    let url = database.direct_url().parse().unwrap();
    let report = migrate(&url, &|_| {}).await.unwrap();
    assert_eq!(report.analyzed, Vec::<String>::new());
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.contains("ANALYZE health_samples")),
        "{:?}",
        report.warnings
    );
    holder.rollback().await.unwrap();
    database.drop().await;
}
