//! `ensure-index` while others build, write, and hold the schema lock.

use crate::ensure_index::{BUILD, connect, ensure, options, state, without_index};
use makegood::schema::{
    BuildProgress, IndexOutcome, IndexState, SchemaError, UNIQUE_ACTIVE_PURCHASE, ensure_index,
    ensure_index_patiently,
};
use makegood_tests::database::TestDatabase;
use sqlx::Connection;
use std::time::Duration;
use tokio::sync::Notify;

async fn until(database: &TestDatabase, query: &str) {
    let look = async {
        while database.count(query).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), look)
        .await
        .expect("it comes to this");
}

#[tokio::test]
async fn two_at_once_build_one_index() {
    let database = without_index().await;
    let (first, second) = tokio::join!(ensure(&database), ensure(&database));
    let mut outcomes = [first.outcome, second.outcome];
    outcomes.sort_by_key(|outcome| *outcome == IndexOutcome::AlreadyValid);
    assert_eq!(outcomes, [IndexOutcome::Built, IndexOutcome::AlreadyValid]);
    assert_eq!(database.server_errors(), Vec::<String>::new());
    database.drop().await;
}

/// An index that is being built looks just like one that a failed build left behind.
#[tokio::test]
async fn another_sessions_build_in_progress_is_waited_for_and_never_dropped() {
    let database = without_index().await;
    let mut writer = connect(&database).await;
    let mut writing = writer.begin().await.unwrap();
    sqlx::query("UPDATE student_course_purchases SET updated_at = now()")
        .execute(&mut *writing)
        .await
        .unwrap();
    let theirs = tokio::spawn({
        let mut conn = connect(&database).await;
        async move { sqlx::raw_sql(BUILD).execute(&mut conn).await.map(|_| ()) }
    });
    until(&database, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").await;
    let ours = tokio::spawn({
        let database = database.clone();
        async move { ensure(&database).await }
    });
    until(
        &database,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'makegood-schema'
           AND datname = current_database()
           AND (query LIKE '%ShareUpdateExclusiveLock%' OR query LIKE 'DROP INDEX%')",
    )
    .await;
    writing.rollback().await.unwrap();
    theirs.await.unwrap().unwrap();
    let report = ours.await.unwrap();
    assert_eq!(report.outcome, IndexOutcome::AlreadyValid, "{report:?}");
    assert_eq!(report.dropped_invalid, Vec::<String>::new());
    database.drop().await;
}

#[tokio::test]
async fn the_build_tells_how_far_it_is_and_whom_it_waits_for() {
    let database = without_index().await;
    let mut writer = connect(&database).await;
    let mut writing = writer.begin().await.unwrap();
    sqlx::query("LOCK TABLE student_course_purchases IN ROW EXCLUSIVE MODE")
        .execute(&mut *writing)
        .await
        .unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *writing)
        .await
        .unwrap();
    let told = Notify::new();
    let report_progress = |progress: BuildProgress| {
        if progress.phase.starts_with("waiting for writers") && progress.waiting_for == Some(pid) {
            told.notify_one();
        }
    };
    let options = options(&database);
    let let_go = async {
        told.notified().await;
        writing.rollback().await.unwrap();
    };
    let build = ensure_index(&options, &UNIQUE_ACTIVE_PURCHASE, &report_progress);
    let both = async { tokio::join!(build, let_go) };
    let (report, ()) = tokio::time::timeout(Duration::from_secs(30), both)
        .await
        .expect("it tells");
    assert_eq!(report.unwrap().outcome, IndexOutcome::Built);
    database.drop().await;
}

#[tokio::test]
async fn patience_ends_with_the_next_step_and_the_next_run_repairs() {
    let database = without_index().await;
    let mut writer = connect(&database).await;
    let mut writing = writer.begin().await.unwrap();
    sqlx::query("LOCK TABLE student_course_purchases IN ROW EXCLUSIVE MODE")
        .execute(&mut *writing)
        .await
        .unwrap();
    let patience = Duration::from_millis(300);
    let error = ensure_index_patiently(&options(&database), &UNIQUE_ACTIVE_PURCHASE, patience, &|_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, SchemaError::TableBusy { .. }), "{error}");
    writing.rollback().await.unwrap();
    assert_eq!(
        state(&database).await,
        IndexState::Invalid {
            name: "unique_active_purchase".to_owned()
        }
    );
    assert_eq!(ensure(&database).await.outcome, IndexOutcome::Rebuilt);
    database.drop().await;
}

#[tokio::test]
async fn whoever_holds_the_schema_lock_is_named() {
    let database = without_index().await;
    let mut holder = connect(&database).await;
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid() FROM pg_advisory_lock(x'6d616b65676f6f64'::bigint)")
            .fetch_one(&mut holder)
            .await
            .unwrap();
    let patience = Duration::from_millis(300);
    let error = ensure_index_patiently(&options(&database), &UNIQUE_ACTIVE_PURCHASE, patience, &|_| {})
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SchemaError::Busy { holder, .. } if *holder == pid.to_string()),
        "{error}"
    );
    holder.close().await.unwrap();
    database.drop().await;
}
